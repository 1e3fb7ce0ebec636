package sim

import (
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// audit notes how late facts are heard of.
type audit struct {
	mu    sync.Mutex
	since time.Time // when late began to be noted; zero for not at all
	known map[beginning]bool
	late  []lateness // of facts that happened since
}

// beginning is when a call was first heard of in a state.
type beginning struct {
	call  string
	state engine.Status
}

// lateness is how late a fact was heard of, and when, since mark.
type lateness struct{ by, at time.Duration }

// read takes in what the logs have since the last time.
func (w *world) read() {
	w.Helper()
	for _, s := range w.apps {
		_, err := w.store.Events(s.id, s.index, 0, func(ev engine.StoredEvent) error {
			s.index = ev.Index
			if ev.Kind == engine.StreamCalls {
				s.hear(byLog, ev.Body, 0, true)
			}
			return nil
		})
		require.NoError(w, err)
	}
	w.check()
}

// compare holds offhook's calls, and the apps', against the platforms' truth:
// no ghost, no missing, nothing in another state.
func (w *world) compare(when string) {
	w.Helper()
	w.read()
	for _, s := range w.apps {
		ours, theirs := w.pictures(s)
		require.Equal(w, theirs, ours, "%s: offhook's calls for %s against the platform's", when, s.id)
		live := 0
		for _, c := range w.directory.Live(s.id) {
			require.Equal(w, c.Call.State.String(), s.stateOf(c.Call.ID.String()), "%s: %s was told of %s", when, s.id, c.Call.ID)
			live++
		}
		require.Equal(w, live, s.open(), "%s: %s knows the live calls and no other", when, s.id)
	}
	for _, p := range w.platforms {
		for n := 0; n < 20 && p.sim.Stats().Live.Waiting > 0; n++ { // a renewal may have brought one just now
			w.after(100 * time.Millisecond)
		}
		require.Zero(w, p.sim.Stats().Live.Waiting, "%s: every event is acknowledged", when)
	}
}

// ended says that every call ended, once.
func (w *world) ended() {
	w.Helper()
	for _, s := range w.apps {
		require.Zero(w, s.open(), "every call of %s ended", s.id)
		require.Equal(w, s.met(), s.releases, "once")
	}
}

// pictures are the live calls an app may see, by platform id, as offhook and
// as the platforms have them.
func (w *world) pictures(s *side) (ours, theirs map[string]string) {
	ours, theirs = map[string]string{}, map[string]string{}
	for _, c := range w.directory.Live(s.id) {
		ours[c.Profile.ID+" "+c.Call.ProviderID] = c.Call.State.String()
	}
	for _, p := range w.platforms {
		for _, c := range p.truth() {
			if id := p.subscriber(c.Subscriber); c.State != "released" && s.follows(id) {
				theirs[id+" "+c.ID] = c.State
			}
		}
	}
	return ours, theirs
}

// mark begins to note how late facts are heard of.
func (a *audit) mark() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.since, a.late, a.known = time.Now(), nil, map[beginning]bool{}
}

// heard notes how late the ends of calls are, and the beginnings of those that
// come in.
func (a *audit) heard(ev *engine.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.since.IsZero() {
		return
	}
	now := time.Now()
	for i := range ev.Facts {
		f, at := &ev.Facts[i], time.Time{}
		switch {
		case f.Status == engine.StatusReleased:
			at = time.UnixMilli(f.ReleaseTime)
		case f.Status == engine.StatusAlerting && f.Personality == engine.Terminator && f.Recall == engine.RecallNone:
			at = time.UnixMilli(f.StartTime)
		}
		id := beginning{f.ProviderID, f.Status}
		if at.After(a.since) && !a.known[id] {
			a.known[id] = true
			a.late = append(a.late, lateness{now.Sub(at), now.Sub(a.since)})
		}
	}
}
