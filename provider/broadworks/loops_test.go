package broadworks

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

const posts = "POST /com.broadsoft.xsi-events/v2.0/user/bob@example.com"

// A platform that ends a subscription as soon as it is made is not asked in a
// loop; one that ends it once gets the next at once.
func TestASubscriptionThatEndsAtOnceIsMadeEverMoreSlowly(t *testing.T) {
	tell(t, nil, func(s *story) {
		for i := range 1200 {
			n := s.bw.count(posts)
			if s.p.Status().Subscribed == 1 {
				s.say(event("t"+strconv.Itoa(i), "s"+strconv.Itoa(n), "5", bob, "SubscriptionTerminatedEvent", ""))
			}
			s.after(500 * time.Millisecond)
		}
		require.Less(s, s.bw.count(posts), 35, "in ten minutes")
		s.after(time.Hour)
		n := s.bw.count(posts)
		require.Equal(s, 1, s.p.Status().Subscribed)
		s.say(event("last", "s"+strconv.Itoa(n), "5", bob, "SubscriptionTerminatedEvent", ""))
		s.after(time.Second)
		require.Equal(s, n+1, s.bw.count(posts), "it had been renewed: all is forgotten")
	})
}

// A renewal that is refused is the user's trouble, and not asked for in a loop.
func TestARenewalThatIsRefusedIsTriedSeldom(t *testing.T) {
	tell(t, func(bw *script, _ *Config) {
		bw.on("PUT /v2.0/subscription/s1", says(http.StatusConflict, errorInfo(4711)))
	}, func(s *story) {
		s.after(59 * time.Minute)
		require.InDelta(s, 2, s.bw.count("PUT /com.broadsoft.xsi-events/v2.0/subscription/s1"), 1)
		s.bw.on("PUT /v2.0/subscription/s1", nil)
		s.after(2 * time.Hour)
		st := s.p.Status()
		require.Equal(s, []int{1, 1, 0}, []int{st.Followed, st.Subscribed, st.Refused})
	})
}

// A snapshot that cannot be read would be as long, or as strange, the next time:
// the calls are read one by one instead of asking for another.
func TestASnapshotThatCannotBeReadIsNotAskedForAgain(t *testing.T) {
	const renewals = "PUT /com.broadsoft.xsi-events/v2.0/subscription/s1"
	tell(t, func(_ *script, c *Config) { c.MaxDocument = 2048 }, func(s *story) {
		s.say(event("e1", "s1", "1", bob, snapshotType, "<xsi:calls>"+strings.Repeat(alertingCall, 50)+"</xsi:calls>"))
		require.Equal(s, []string{bob}, s.sink.resyncs)
		out := s.ask(engine.VerbSnapshot)
		require.NotNil(s, out.Snapshot)
		require.False(s, out.Snapshot.Coming)
		require.Equal(s, 1, s.bw.count("GET /com.broadsoft.xsi-actions/v2.0/user/bob@example.com/calls"))
		require.Zero(s, s.bw.count(renewals))
		require.True(s, s.ask(engine.VerbSnapshot).Snapshot.Coming, "once is enough")
		require.Equal(s, 1, s.bw.count(renewals))
	})
}

// An event that names no subscription is its target's, and no standing order.
func TestAnEventWithoutASubscription(t *testing.T) {
	tell(t, func(bw *script, _ *Config) {
		bw.on("POST /user/bob@example.com", says(http.StatusForbidden, errorInfo(4711)))
	}, func(s *story) {
		strange := strings.ReplaceAll(event("e1", "", "9", bob, "CallReceivedEvent", alertingCall), "<xsi:subscriptionId></xsi:subscriptionId>", "")
		s.say(strange)
		s.say(strings.ReplaceAll(strange, ">e1<", ">e2<"))
		s.say(strings.ReplaceAll(strings.ReplaceAll(strange, ">e1<", ">e3<"), bob, ""))
		require.Equal(s, []string{"received", "received"}, s.sink.kinds())
		require.Equal(s, []uint32{0, 0}, s.sequences())
		require.Equal(s, []string{"e1", "e2", "e3"}, s.bw.acked())
		require.Zero(s, s.p.Status().Subscribed)
	})
}

// An ErrorEvent is no call's; where it wants an acknowledgement it gets one.
func TestAnErrorEvent(t *testing.T) {
	document := func(id string) string {
		return declaration + `<xsi:Event xmlns:xsi="http://schema.broadsoft.com/xsi" xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance" xsi1:type="xsi:ErrorEvent">` + id + `<xsi:errorCode>4711</xsi:errorCode></xsi:Event>`
	}
	tell(t, nil, func(s *story) {
		s.say(document(""))
		s.say(document("<xsi:eventID>e1</xsi:eventID>"))
		s.say(received)
		require.Equal(s, []string{"e1", "e1"}, s.bw.acked())
		require.Len(s, s.bw.opened(), 1)
	})
}

// What is remembered of subscriptions that ran out meanwhile is cleared away.
func TestWhatRanOutIsForgotten(t *testing.T) {
	memory := NewMemory()
	tell(t, func(_ *script, c *Config) {
		c.Memory = memory
		require.NoError(t, memory.Put("user/carol@example.com", remembered{ID: "s77", Expires: time.Now().Add(-time.Hour).UnixMilli()}.encode()))
		require.NoError(t, memory.Put(targetContact, remembered{ID: "path"}.encode()))
	}, func(s *story) {
		var left []string
		require.NoError(s, memory.Each(func(target string, _ []byte) error { left = append(left, target); return nil }))
		require.ElementsMatch(s, []string{targetSet, targetContact, "user/" + bob}, left)
	})
}

// Comparing whoever missed a number is a renewal like any other: all of them
// together keep the rate.
func TestComparisonsKeepTheRate(t *testing.T) {
	const renewals = "PUT /com.broadsoft.xsi-events/v2.0/subscription/"
	tell(t, func(_ *script, c *Config) { c.Rate = 20 }, func(s *story) {
		for i := range 60 {
			s.p.Follow(fmt.Sprintf("user%d@example.com", i))
		}
		s.after(10 * time.Second)
		require.Equal(s, 61, s.p.Status().Subscribed)
		for i := range 60 {
			go s.p.Ask(s.Context(), engine.Ask{Verb: engine.VerbSnapshot, User: fmt.Sprintf("user%d@example.com", i)})
		}
		s.after(time.Second)
		require.InDelta(s, 20, s.bw.count(renewals), 2)
		s.after(3 * time.Second)
		require.Equal(s, 60, s.bw.count(renewals))
	})
}
