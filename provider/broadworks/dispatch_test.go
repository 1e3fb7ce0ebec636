package broadworks

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

// subscribeSlowly answers a subscription after a while, and says something on
// the stream before.
func subscribeSlowly(s *script, id string, wait time.Duration, before ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, doc := range before {
			s.last().say(doc)
		}
		time.Sleep(wait)
		_, _ = fmt.Fprintf(w, `<Subscription xmlns="http://schema.broadsoft.com/xsi"><subscriptionId>%s</subscriptionId><expires>3600</expires></Subscription>`, id)
	}
}

const alertingCall = `<xsi:call><xsi:callId>callhalf-101:0</xsi:callId><xsi:personality>Terminator</xsi:personality><xsi:state>Alerting</xsi:state></xsi:call>`

func TestTheSnapshotMayComeBeforeTheAnswer(t *testing.T) {
	tell(t, func(bw *script, _ *Config) {
		// A self-subscription: the event names no target (dossier §3.4).
		bw.on("POST /user/bob@example.com", subscribeSlowly(bw, "s9", 100*time.Millisecond,
			event("e1", "s9", "1", "", snapshotType, ""), event("e2", "s9", "2", "", "CallReceivedEvent", alertingCall)))
	}, func(s *story) {
		require.Empty(s, s.sink.kinds(), "nobody knows yet whose events these are")
		s.after(200 * time.Millisecond)
		require.Equal(s, []string{"snapshot", "received"}, s.sink.kinds())
		require.Equal(s, []string{bob, bob}, s.sink.users)
		require.ElementsMatch(s, []string{"e1", "e2"}, s.bw.acked())
	})
}

func TestEventsDoNotWaitForeverForTheirSubscription(t *testing.T) {
	tell(t, func(bw *script, _ *Config) {
		bw.on("POST /user/bob@example.com", subscribeSlowly(bw, "s9", 3*time.Second, event("e1", "s9", "1", "", snapshotType, "")))
	}, func(s *story) {
		s.after(1100 * time.Millisecond)
		require.Equal(s, []string{"e1"}, s.bw.acked(), "or the platform would end the channel")
		s.after(3 * time.Second)
		require.Empty(s, s.sink.kinds())
		require.Equal(s, []string{bob}, s.sink.resyncs, "what was lost is made up for")
	})
}

func TestEventsOfASubscriptionWeLostTrackOf(t *testing.T) {
	tell(t, nil, func(s *story) {
		s.say(event("e1", "lost", "7", bob, "CallReceivedEvent", alertingCall))
		require.Equal(s, []string{"e1 481"}, s.bw.acked(), "the platform may delete it")
		require.Empty(s, s.sink.kinds())
	})
}

func TestASubscriptionWhoseAnswerWasLostIsAdopted(t *testing.T) {
	tell(t, func(bw *script, _ *Config) {
		bw.on("POST /user/bob@example.com", says(http.StatusServiceUnavailable, ""))
	}, func(s *story) {
		s.say(event("e1", "s9", "1", bob, snapshotType, ""))
		require.Equal(s, []string{"snapshot"}, s.sink.kinds())
		s.after(10 * time.Second)
		require.Equal(s, 1, s.p.Status().Subscribed)
		require.Equal(s, 1, s.bw.count("PUT /com.broadsoft.xsi-events/v2.0/subscription/s9"))
	})
}

func TestWhatNobodyWaitsForIsAcknowledgedAtOnce(t *testing.T) {
	tell(t, nil, func(s *story) {
		s.sink.withhold = true
		s.say(event("e1", "s5", "1", "carol@example.com", "CallReceivedEvent", alertingCall))
		require.Empty(s, s.sink.kinds())
		s.say(event("e2", "s1", "2", bob, "CallHistoryEvent", `<xsi:entry><xsi:call>no call</xsi:call></xsi:entry>`))
		require.ElementsMatch(s, []string{"e1", "e2"}, s.bw.acked())
		require.Equal(s, []string{"other"}, s.sink.kinds(), "handed over for its number alone")
		require.EqualValues(s, 2, s.sink.events[0].Sequence)
		require.Empty(s, s.sink.events[0].Facts)
	})
}

func TestADocumentNobodyUnderstandsCostsNoEvent(t *testing.T) {
	tell(t, func(_ *script, c *Config) { c.MaxDocument = 2048 }, func(s *story) {
		s.say(event("e1", "s1", "1", bob, "CallReceivedEvent", `<xsi:call><xsi:callId>&nbsp;</xsi:callId></xsi:call>`))
		s.say(event("e2", "s1", "2", bob, snapshotType, "<xsi:calls>"+strings.Repeat(alertingCall, 50)+"</xsi:calls>"))
		s.say(event("e3", "s1", "3", bob, "CallReceivedEvent", alertingCall))
		require.ElementsMatch(s, []string{"e1", "e2", "e3"}, s.bw.acked())
		require.Equal(s, []string{bob, bob}, s.sink.resyncs)
		require.Equal(s, []string{"received"}, s.sink.kinds())
		require.Len(s, s.bw.opened(), 1)
	})
}

func TestDocumentsSplitAtEveryByte(t *testing.T) {
	stream := received + `<ChannelHeartBeat xmlns="http://schema.broadsoft.com/xsi"/>` +
		strings.ReplaceAll(received, "<xsi:eventID>e1<", "<xsi:eventID>e2<") + declaration + "\n" + `<ChannelHeartBeat xmlns="http://schema.broadsoft.com/xsi"/>` +
		strings.ReplaceAll(received, "<xsi:eventID>e1<", "<xsi:eventID>e3<")
	tell(t, nil, func(s *story) {
		st := s.bw.last()
		for i := range stream {
			st.say(stream[i : i+1])
		}
		s.after(time.Millisecond)
		require.Equal(s, []string{"received", "received", "received"}, s.sink.kinds())
		require.ElementsMatch(s, []string{"e1", "e2", "e3"}, s.bw.acked())
	})
}

func TestRubbishOnTheStreamEndsIt(t *testing.T) {
	for _, rubbish := range []string{"lost words", `<!DOCTYPE a>`, `</xsi:Event>`} {
		tell(t, nil, func(s *story) {
			s.say(rubbish)
			s.after(time.Second)
			require.Len(s, s.bw.opened(), 2, rubbish)
		})
	}
}

func TestAcknowledgementsAreTriedAgain(t *testing.T) {
	tell(t, nil, func(s *story) {
		s.bw.on("POST /eventresponse", says(http.StatusServiceUnavailable, ""))
		s.say(received)
		s.bw.on("POST /eventresponse", nil)
		s.after(time.Second)
		require.Equal(s, []string{"e1"}, s.bw.acked())
	})
}

func TestAGroupIsSubscribedAsOne(t *testing.T) {
	tell(t, func(_ *script, c *Config) {
		c.Network.Subscribe = subscribeGroup
		c.Network.Targets = []tenant.Target{{ServiceProvider: "sp 1", Group: "grp1"}, {Enterprise: "ent1"}, {ServiceProvider: "sp2"}}
	}, func(s *story) {
		s.after(time.Second)
		require.Equal(s, 1, s.bw.count("POST /com.broadsoft.xsi-events/v2.0/serviceprovider/sp2"))
		require.Equal(s, 1, s.bw.count("POST /com.broadsoft.xsi-events/v2.0/serviceprovider/sp%201/group/grp1"))
		require.Equal(s, 1, s.bw.count("POST /com.broadsoft.xsi-events/v2.0/enterprise/ent1"))
		require.Zero(s, s.bw.count("xsi-events/v2.0/user/bob@example.com"))
		require.Subset(s, []string{bob, bob}, s.sink.resyncs)
		require.NotEmpty(s, s.sink.resyncs, "a group brings no snapshot: the calls are read")

		s.say(event("e1", "s1", "1", bob, "CallReceivedEvent", alertingCall))
		require.Equal(s, &engine.Event{ID: "e1", Kind: engine.EventReceived, Facts: s.sink.events[0].Facts}, s.sink.events[0],
			"its numbers are the group's, not bob's")
		s.say(event("e2", "s1", "2", "carol@example.com", "CallReceivedEvent", alertingCall))
		n := len(s.sink.resyncs)
		s.say(event("e4", "s1", "4", "carol@example.com", "CallReceivedEvent", alertingCall))
		s.after(time.Second)
		require.Len(s, s.sink.resyncs, n+1, "the missing one may have been about bob")

		out := s.p.Ask(s.Context(), engine.Ask{Verb: engine.VerbSnapshot, User: bob})
		require.False(s, out.Snapshot.Coming)
	})
}
