package simulator

import (
	"slices"

	"github.com/stretchr/testify/require"
)

// sound checks what always holds between the two ends of a call, orbits and
// conferences, whatever was done.
func (w *world) sound() {
	w.Helper()
	s := w.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, h := range s.calls {
		require.Equal(w, id, h.id)
		require.True(w, h.live(), "an ended call is on the switch")
		require.Contains(w, h.phone.calls, h)
		w.soundPeer(h)
		if h.orbit != nil {
			require.Contains(w, s.parked, h.orbit)
			require.Same(w, h, h.orbit.caller)
		}
		require.True(w, h.recording != recordPending || !h.recorder.stopped, "a recording that never starts")
		require.True(w, h.conf == nil || slices.Contains(h.conf.calls, h))
		require.True(w, h.conf != nil || !h.muted && !h.deaf)
	}
	for _, p := range s.parked {
		require.False(w, p.recall.stopped, "nobody is left in an orbit")
		if p.caller != nil {
			require.Same(w, p, p.caller.orbit)
			require.Nil(w, p.caller.peer)
			require.Same(w, p.caller, s.calls[p.caller.id])
		}
		require.Same(w, p, s.parkedAt(p.of, p.extension), "one call in one orbit")
	}
	for _, p := range s.phones {
		for _, h := range p.calls {
			require.Same(w, h, s.calls[h.id])
			require.True(w, h.conf == nil || h.conf == p.conf, "one conference for one subscriber")
		}
		if p.conf != nil {
			require.GreaterOrEqual(w, len(p.conf.calls), minParticipants)
			require.Equal(w, p.conf.allHeld(), p.conf.held)
			for _, h := range p.conf.calls {
				require.Same(w, p.conf, h.conf)
				require.Same(w, h, s.calls[h.id])
			}
		}
	}
}

// soundPeer: both ends of an internal call agree who talks, under which id, and
// who holds.
func (w *world) soundPeer(h *half) {
	w.Helper()
	p := h.peer
	if p == nil {
		require.Equal(w, h.waits, h.orbit != nil, "music for nobody in an orbit")
		return
	}
	require.Same(w, h, p.peer)
	require.True(w, p.live())
	require.Equal(w, p.trackingID, h.trackingID)
	if h.remote.userID != "" {
		require.Equal(w, p.phone.SubscriberID, h.remote.userID)
	}
	require.False(w, h.waits && (p.recall != recallPark || p.stage != alerting), "music while the parker's phone rings, and no longer")
	if h.stage == active && p.stage == active && !p.localHold {
		require.Equal(w, h.localHold, p.state() == "Remote Held")
	}
}
