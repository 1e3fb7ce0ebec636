package sim

import (
	"bytes"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// audit is an app that remembers everything it was told, and holds it against
// the promises.
type audit struct {
	index     uint64 // of the log, read so far
	numbers   map[string]uint64
	states    map[engine.CallID]engine.State
	releases  int
	events    int
	synthetic int

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

// follows is what may come after what, in one call.
var follows = map[engine.State][]engine.State{
	engine.StateNone:    {engine.StateRinging, engine.StateActive, engine.StateHeld},
	engine.StateRinging: {engine.StateActive, engine.StateReleased},
	engine.StateActive:  {engine.StateHeld, engine.StateReleased},
	engine.StateHeld:    {engine.StateActive, engine.StateReleased},
}

// read takes in what the log has since the last time: numbers without a gap,
// and for each call a life that ends once.
func (w *world) read() {
	w.Helper()
	a := &w.audit
	if a.numbers == nil {
		a.numbers, a.states = map[string]uint64{}, map[engine.CallID]engine.State{}
	}
	_, err := w.store.Events(app, a.index, 0, func(ev engine.StoredEvent) error {
		a.index = ev.Index
		if ev.Kind != engine.StreamCalls {
			return nil
		}
		a.events++
		if bytes.Contains(ev.Body, []byte(`"synthetic":true`)) {
			a.synthetic++
		}
		a.numbers[ev.Subscriber]++
		require.Equal(w, a.numbers[ev.Subscriber], ev.Sequence, "the stream of %s is whole", ev.Subscriber)
		require.Contains(w, follows[a.states[ev.Call]], ev.State, "%s of %s after %s", ev.State, ev.Call, a.states[ev.Call])
		a.states[ev.Call] = ev.State
		if ev.State == engine.StateReleased {
			a.releases++
		}
		return nil
	})
	require.NoError(w, err)
}

// open is the calls that were reported and have not ended.
func (a *audit) open() (n int) {
	for _, s := range a.states {
		if s != engine.StateReleased {
			n++
		}
	}
	return n
}

// compare holds offhook's calls, and the app's, against the platforms' truth:
// no ghost, no missing, nothing in another state.
func (w *world) compare(when string) {
	w.Helper()
	w.read()
	ours, theirs := w.pictures()
	require.Equal(w, theirs, ours, "%s: offhook's calls against the platform's", when)
	told := 0
	for _, c := range w.directory.Live(app) {
		require.Equal(w, c.Call.State, w.audit.states[c.Call.ID], "%s: the app was told of %s", when, c.Call.ID)
		told++
	}
	require.Equal(w, told, w.audit.open(), "%s: the app knows the live calls and no other", when)
	for _, p := range w.platforms {
		require.Zero(w, p.sim.Stats().Live.Waiting, "%s: every event is acknowledged", when)
	}
}

// pictures are the live calls by platform id, as offhook and as the platforms
// have them.
func (w *world) pictures() (ours, theirs map[string]string) {
	ours, theirs = map[string]string{}, map[string]string{}
	for _, c := range w.directory.Live(app) {
		ours[c.Profile.ID+" "+c.Call.ProviderID] = c.Call.State.String()
	}
	for _, p := range w.platforms {
		for _, c := range p.truth() {
			if c.State != "released" {
				theirs[p.subscriber(c.Subscriber)+" "+c.ID] = c.State
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
		case f.Status == engine.StatusAlerting && f.Personality == engine.Terminator && !f.Recall:
			at = time.UnixMilli(f.StartTime)
		}
		id := beginning{f.ProviderID, f.Status}
		if at.After(a.since) && !a.known[id] {
			a.known[id] = true
			a.late = append(a.late, lateness{now.Sub(at), now.Sub(a.since)})
		}
	}
}
