package broadworks

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
	"offhook/provider"
)

const carol = "carol@example.com"

// A no is one user's trouble: it shows, is asked again seldom, and nobody else
// suffers from it.
func TestWhatTheProviderRefusesIsAUsersStatus(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		state  provider.UserState
		detail string
	}{
		{"the quota of a policy profile", says(http.StatusConflict, ""), provider.UserOverQuota, "HTTP 409"},
		{"the same, in this operator's words", says(http.StatusForbidden, errorInfo(4711)), provider.UserOverQuota, "HTTP 403, BroadWorks error 4711"},
		{"an application id that is not on the list", says(http.StatusForbidden, errorInfo(4410)), provider.UserNotAllowed, "HTTP 403, BroadWorks error 4410"},
		{"a user nobody knows", says(http.StatusNotFound, errorInfo(4008)), provider.UserUnknown, "HTTP 404, BroadWorks error 4008"},
		{"a request it does not understand", says(http.StatusBadRequest, ""), provider.UserRefused, "HTTP 400"},
	} {
		tell(t, func(_ *script, cfg *Config) { cfg.QuotaCodes = []int64{4711} }, func(s *story) {
			const post = "POST /com.broadsoft.xsi-events/v2.0/user/" + carol
			require.Equal(s, provider.UserNotFollowed, s.p.User(carol).State)
			s.bw.on("POST /user/"+carol, c.answer)
			s.p.Follow(carol)
			s.after(time.Second)
			st := s.p.User("Carol@Example.com")
			require.Equal(s, c.state, st.State, c.name)
			require.Equal(s, c.detail, st.Detail, c.name)
			require.InDelta(s, 15*time.Minute.Milliseconds(), st.RetryAt-st.Since, 1000)
			require.Equal(s, provider.UserSubscribed, s.p.User(bob).State)
			require.Equal(s, 1, s.p.Status().Refused)

			// Channels that come and go bring nothing forward.
			for range 10 {
				s.bw.last().close()
				s.after(time.Minute)
			}
			require.Equal(s, 1, s.bw.count(post), c.name)
			s.after(6 * time.Minute)
			require.Equal(s, 2, s.bw.count(post), c.name)
			require.Equal(s, st.Since, s.p.User(carol).Since, "it is the same refusal still")

			s.bw.on("POST /user/"+carol, nil)
			s.after(16 * time.Minute)
			require.Equal(s, provider.UserStatus{State: provider.UserSubscribed}, s.p.User(carol))
			require.Zero(s, s.p.Status().Refused)
		})
	}
}

func TestAUserWaitsForTheLink(t *testing.T) {
	tell(t, func(bw *script, _ *Config) { bw.down["xsp1:80"] = true }, func(s *story) {
		require.Equal(s, provider.UserPending, s.p.User(bob).State)
		s.p.Unfollow(bob)
		require.Equal(s, provider.UserNotFollowed, s.p.User(bob).State)
	})
}

// The subscription of a group is everybody's, and so is its refusal.
func TestARefusedGroupIsEverybodysStatus(t *testing.T) {
	tell(t, func(bw *script, c *Config) {
		c.Network.Subscribe = subscribeGroup
		c.Network.Targets = []tenant.Target{{ServiceProvider: "sp1", Group: "grp1"}, {ServiceProvider: "sp1", Group: "grp2"}}
		bw.on("POST /grp2", says(http.StatusConflict, ""))
	}, func(s *story) {
		s.after(time.Second)
		st := s.p.User(bob)
		require.Equal(s, provider.UserOverQuota, st.State)
		require.Contains(s, st.Detail, "whole group")
		s.bw.on("POST /grp2", nil)
		s.after(20 * time.Minute)
		require.Equal(s, provider.UserSubscribed, s.p.User(bob).State)
	})
}
