package broadworks

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/provider"
)

const snapshotType = "CallSubscriptionEvent"

func TestStartUpAsksOnceBeforeAnythingElse(t *testing.T) {
	tell(t, nil, func(s *story) {
		require.Equal(s, "GET /com.broadsoft.xsi-actions/v2.0/user/admin@example.com/profile", s.bw.requests()[0])
		require.Equal(s, "POST /com.broadsoft.async/com.broadsoft.xsi-events/v2.0/channel", s.bw.requests()[1])
		require.Equal(s, "POST /com.broadsoft.xsi-events/v2.0/user/bob@example.com", s.bw.requests()[2])
		require.Equal(s, "Basic YWRtaW5AZXhhbXBsZS5jb206c2VjcmV0", s.bw.logins()[1])
		set := s.bw.last().set
		require.Equal(s, `<?xml version="1.0" encoding="UTF-8"?><Channel xmlns="http://schema.broadsoft.com/xsi"><channelSetId>`+set+
			`</channelSetId><priority>1</priority><weight>50</weight><expires>3600</expires><applicationId>offhook-test</applicationId></Channel>`, s.bw.sent()[1])
		require.Equal(s, `<?xml version="1.0" encoding="UTF-8"?><Subscription xmlns="http://schema.broadsoft.com/xsi"><event>Advanced Call</event><expires>3600</expires><channelSetId>`+set+
			`</channelSetId><applicationId>offhook-test</applicationId></Subscription>`, s.bw.sent()[2])
		st := s.p.Status()
		require.Equal(s, provider.LinkUp, st.Link)
		require.Equal(s, []int{1, 1, 1}, []int{st.Channels, st.Followed, st.Subscribed})
	})
}

func TestAnEventIsAcknowledgedWhenItIsSettledAndNotBefore(t *testing.T) {
	tell(t, nil, func(s *story) {
		s.sink.withhold = true
		s.say(strings.ReplaceAll(received, "<xsi:sequenceNumber>2<", "<xsi:sequenceNumber>1<"))
		require.Equal(s, []string{"received"}, s.sink.kinds())
		require.Equal(s, []string{bob}, s.sink.users)
		require.Equal(s, "s1", s.sink.events[0].Subscription)
		require.Equal(s, "+15555550123", s.sink.events[0].Facts[0].RemoteNumber)
		s.after(2 * time.Second)
		require.Empty(s, s.bw.acked())

		// The platform grows impatient and delivers it again.
		s.say(received)
		require.Len(s, s.sink.kinds(), 1)
		s.sink.settleAll()
		s.after(time.Millisecond)
		require.Equal(s, []string{"e1"}, s.bw.acked())

		// And once more: it is settled, so the answer is due.
		s.say(received)
		require.Len(s, s.sink.kinds(), 1)
		require.Equal(s, []string{"e1", "e1"}, s.bw.acked())
	})
}

func TestTheChannelIsPinnedAndKeptAlive(t *testing.T) {
	tell(t, nil, func(s *story) {
		s.after(46 * time.Second)
		require.Equal(s, 3, s.bw.count("PUT /com.broadsoft.xsi-events/v2.0/channel/ch1/heartbeat"))
		// Half of the 3,600 s that were granted.
		s.after(30 * time.Minute)
		require.Equal(s, 1, s.bw.count("PUT /com.broadsoft.xsi-events/v2.0/channel/ch1 ")+
			s.bw.count("PUT /com.broadsoft.xsi-events/v2.0/channel/ch1")-s.bw.count("ch1/heartbeat"))
		require.Equal(s, 1, s.bw.count("PUT /com.broadsoft.xsi-events/v2.0/subscription/s1"))
		require.Len(s, s.bw.opened(), 1)
	})
}

func TestASilentStreamIsBuiltAgainInTheSameSet(t *testing.T) {
	tell(t, nil, func(s *story) {
		first := s.bw.last()
		first.close()
		s.after(time.Second)
		require.Len(s, s.bw.opened(), 2)
		require.Equal(s, first.set, s.bw.last().set)
		// Every user is compared: the renewal makes the platform send a snapshot.
		require.Equal(s, 1, s.bw.count("PUT /com.broadsoft.xsi-events/v2.0/subscription/s1"))
		require.Equal(s, 1, s.bw.count("POST /com.broadsoft.xsi-events/v2.0/user/bob@example.com"))
	})
}

// Whoever reads the log learns when events stopped, why, and when they flow
// again; a stop is no trouble.
func TestTheLogTellsOfTheLink(t *testing.T) {
	var log strings.Builder // written and read while the bubble stands still
	tell(t, func(_ *script, c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) }, func(s *story) {
		s.bw.on("POST /v2.0/channel", says(http.StatusForbidden, errorInfo(4711)))
		s.bw.last().close()
		s.after(time.Minute)
		require.Equal(s, 1, strings.Count(log.String(), "link not up"))
		require.Contains(s, log.String(), "the XSP refuses a channel: HTTP 403, BroadWorks error 4711")
		s.bw.on("POST /v2.0/channel", nil)
		s.after(20 * time.Minute)
		require.Equal(s, 2, strings.Count(log.String(), "link up"))
		require.Contains(s, log.String(), "application_id=offhook-test", "for the operator's list")
	})
	require.Equal(t, 1, strings.Count(log.String(), "link not up"), "not at the end")
}

// Ids that no platform has are not remembered; what comes with them is
// acknowledged all the same.
func TestAnEventIDWithoutEnd(t *testing.T) {
	tell(t, nil, func(s *story) {
		long := strings.Repeat("e", maxEventID+1)
		for range 2 {
			s.say(strings.ReplaceAll(received, ">e1<", ">"+long+"<"))
		}
		require.Equal(s, []string{long, long}, s.bw.acked())
		require.Empty(s, s.p.recent.by)
	})
}
