package broadworks

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/provider/simulator"
)

// Each of several XSPs has one channel of ours, all in one set. What is about a
// channel goes where it is: an XSP answers 404 for one that it does not have,
// and ends one whose heartbeats or acknowledgements do not come.
func TestWhatIsAboutAChannelGoesToItsXSP(t *testing.T) {
	inCrowd(t, simulator.Config{Subscribers: 40, Seed: 5, GrantedExpires: 10 * time.Minute}, func(c *Config) { c.Network.Subscribe = subscribeUser }, func(c *crowd) {
		for minute := range 30 { // three lives of a channel
			for i := range 8 {
				control(c.T, c.sim, "POST", "/simulator/calls", map[string]any{
					"subscriber_id": c.sim.Phones()[(minute*8+i)%40].SubscriberID, "remote_number": "+442079460001"}, 0)
			}
			c.after(time.Minute)
		}
		c.after(time.Minute)
		st := c.sim.Stats()
		c.Logf("%d events, %d heartbeats, %d renewals of subscriptions", st.EventsSent, st.Heartbeats, st.Renewed)
		require.Equal(c, []int64{1, 1}, []int64{st.XSPs["xsp1"].Channels, st.XSPs["xsp2"].Channels}, "opened once each")
		require.Zero(c, st.ChannelsEnded, "%v", st.ChannelsEndedBy)
		require.Positive(c, st.EventsAcked)
		require.Equal(c, st.EventsSent, st.EventsAcked)
		require.Zero(c, st.AcksUnknown)
		require.Zero(c, st.EventsResent)
		require.GreaterOrEqual(c, st.Renewed, int64(40*3), "at half-life, again and again")
		require.Equal(c, int64(40), st.Subscribed, "and made once")
	})
}

// Renewals of what was made in one moment do not come in one moment: each has a
// time of its own around the half of its life.
func TestRenewalsAreSpread(t *testing.T) {
	tell(t, func(_ *script, c *Config) {
		next := 0.0
		c.Random = func() float64 { next += 0.618; next -= float64(int(next)); return next }
	}, func(s *story) {
		for _, u := range "abcdefghijklmnopqrstuvwxyz" {
			s.p.Follow(string(u) + "@example.com")
		}
		s.after(10 * time.Second)
		const renewals = "PUT /com.broadsoft.xsi-events/v2.0/subscription/"
		s.after(26 * time.Minute)
		require.Zero(s, s.bw.count(renewals), "not before 45 percent of an hour")
		busiest := 0
		for range 8 {
			n := s.bw.count(renewals)
			s.after(time.Minute)
			busiest = max(busiest, s.bw.count(renewals)-n)
		}
		require.Equal(s, 27, s.bw.count(renewals), "all before 55")
		require.LessOrEqual(s, busiest, 9)
	})
}

// An XSP that asks to be left alone is asked for a channel after that, not
// before.
func TestAChannelWaitsAsLongAsTheXSPAsks(t *testing.T) {
	const channels = "POST /com.broadsoft.async/"
	tell(t, nil, func(s *story) {
		s.bw.on("POST /v2.0/channel", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "25")
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		s.bw.last().close()
		s.after(2 * time.Second)
		require.Equal(s, 2, s.bw.count(channels))
		require.Equal(s, engine.OutcomeNotSent, s.ask(engine.VerbHold).Kind, "nothing else is asked for either")
		s.after(23 * time.Second)
		require.Equal(s, 2, s.bw.count(channels))
		s.bw.on("POST /v2.0/channel", nil)
		s.after(5 * time.Second)
		require.Equal(s, 1, s.p.Status().Channels)
	})
}
