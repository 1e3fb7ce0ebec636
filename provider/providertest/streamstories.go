package providertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/provider"
)

func acknowledges(s *story) {
	require.Zero(s, s.Unacknowledged(), "what was settled is acknowledged")
	s.sink.hold(true)
	id := s.Ring(s.User)
	s.wait(time.Second)
	require.Equal(s, []engine.Status{engine.StatusAlerting}, s.statuses(s.User, id))
	require.NotZero(s, s.Unacknowledged(), "nothing was settled yet")
	n := s.count(s.User)
	s.sink.hold(false)
	s.wait(time.Second)
	require.Zero(s, s.Unacknowledged())
	s.wait(time.Minute)
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	seen := map[string]bool{}
	for _, h := range s.sink.heard[n:] {
		require.False(s, h.ev.ID != "" && seen[h.ev.ID], "an event that was acknowledged comes no more")
		seen[h.ev.ID] = true
	}
}

func follows(s *story) {
	other := s.Ring(s.Other)
	s.wait(settle)
	require.Zero(s, s.count(s.Other), "nobody follows the other")
	require.Zero(s, s.Unacknowledged())

	s.Provider.Follow(s.Other)
	s.wait(settle)
	require.Equal(s, engine.StatusAlerting, s.sightOf(s.Other, other, 0).Status, "following shows what is there already")
	require.Equal(s, 2, s.Provider.Status().Followed)

	s.Provider.Unfollow(s.Other)
	s.Provider.Unfollow(s.Other)
	s.wait(settle)
	n := s.count(s.Other)
	s.RemoteHangUp(other)
	s.wait(settle)
	require.Equal(s, n, s.count(s.Other))
	require.Zero(s, s.Unacknowledged())
	require.Equal(s, 1, s.Provider.Status().Followed)

	s.Provider.Follow(s.Other)
	s.wait(settle)
	require.Empty(s, live(s.picture(s.Other)))
}

func standing(s *story) {
	state := func(user string) provider.UserState { return s.Provider.User(user).State }
	require.Equal(s, provider.UserSubscribed, state(s.User))
	require.Equal(s, provider.UserNotFollowed, state(s.Other))
	require.Equal(s, provider.UserNotFollowed, state("nobody at all"))
	s.Provider.Follow(s.Other)
	s.wait(settle)
	require.Equal(s, provider.UserStatus{State: provider.UserSubscribed}, s.Provider.User(s.Other))
	st := s.Provider.Status()
	require.Equal(s, []int{2, 2, 0}, []int{st.Followed, st.Subscribed, st.Refused})
	require.Empty(s, st.Detail)
	s.Provider.Unfollow(s.Other)
	s.wait(settle)
	require.Equal(s, provider.UserNotFollowed, state(s.Other))
	require.Equal(s, 1, s.Provider.Status().Subscribed)
}

// resyncs is how often the provider wished that a user be compared.
func (s *story) resyncs(user string) int {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	return s.sink.resyncs[user]
}

// sightOf is what a follower knows of a call: the last it was told; or, where
// the provider wished for a comparison since, what that shows.
func (s *story) sightOf(user, providerID string, wishes int) (f engine.Fact) {
	if s.resyncs(user) == wishes {
		return s.lastFact(user, providerID)
	}
	for _, f := range s.picture(user) {
		if f.ProviderID == providerID {
			return f
		}
	}
	return engine.Fact{}
}

func reconnects(s *story) {
	ends, stays := s.Ring(s.User), s.Ring(s.User)
	s.wait(settle)
	wishes := s.resyncs(s.User)
	s.Cut()
	s.RemoteHangUp(ends)
	s.Lift(stays)
	fresh := s.Ring(s.User)
	s.wait(90 * time.Second)
	require.Equal(s, engine.StatusActive, s.sightOf(s.User, stays, wishes).Status)
	require.Equal(s, engine.StatusAlerting, s.sightOf(s.User, fresh, wishes).Status)
	for _, f := range live(s.picture(s.User)) {
		require.NotEqual(s, ends, f.ProviderID)
	}
	require.Zero(s, s.Unacknowledged())

	// The new link carries events like the old one.
	s.RemoteHangUp(fresh)
	s.wait(settle)
	require.Equal(s, engine.StatusReleased, s.lastFact(s.User, fresh).Status)
}

func followsEarly(s *story) {
	s.Provider.Follow(s.User)
	s.wait(settle)
	st := s.Provider.Status()
	require.Equal(s, 1, st.Followed)
	require.Equal(s, 1, st.Subscribed)
	id := s.Ring(s.User)
	s.wait(settle)
	require.Equal(s, 1, s.eventsAbout(s.User, id, engine.EventReceived), "told once")
}

func (s *story) eventsAbout(user, providerID string, kind engine.EventKind) (n int) {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	for _, h := range s.sink.heard {
		for _, f := range h.ev.Facts {
			if h.user == user && h.ev.Kind == kind && f.ProviderID == providerID {
				n++
			}
		}
	}
	return n
}
