package providertest

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/provider"
)

// heard is one event as the sink got it.
type heard struct {
	user string
	ev   *engine.Event
}

type sink struct {
	mu       sync.Mutex
	withhold bool
	heard    []heard
	receipts []provider.Receipt
	resyncs  map[string]int
}

func (k *sink) Deliver(user string, ev *engine.Event, r provider.Receipt) {
	k.mu.Lock()
	k.heard = append(k.heard, heard{user, ev})
	withhold := k.withhold
	if withhold {
		k.receipts = append(k.receipts, r)
	}
	k.mu.Unlock()
	if !withhold {
		r.Settle()
	}
}

func (k *sink) Resync(user string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.resyncs[user]++
}

func (k *sink) hold(withhold bool) {
	k.mu.Lock()
	receipts := k.receipts
	k.withhold = withhold
	if !withhold {
		k.receipts = nil
	}
	k.mu.Unlock()
	if !withhold {
		for _, r := range receipts {
			r.Settle()
		}
	}
}

// story is one system while its provider runs.
type story struct {
	*testing.T
	*System
	sink *sink
}

// settle is how long anything a platform does takes at most.
const settle = 10 * time.Second

func tell(t *testing.T, build Factory, fn func(*story)) {
	synctest.Test(t, func(t *testing.T) {
		k := &sink{resyncs: map[string]int{}}
		s := &story{T: t, sink: k}
		s.System = build(t, k)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		s.Provider.Follow(s.User)
		go func() { done <- s.Provider.Run(ctx) }()
		defer func() {
			cancel()
			require.NoError(t, <-done, "Run ends well when its context does")
		}()
		s.wait(settle)
		require.Equal(t, provider.LinkUp, s.Provider.Status().Link)
		fn(s)
	})
}

func (s *story) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// ask asks and returns once the facts had time to arrive.
func (s *story) ask(verb engine.Verb, user, providerID string) engine.Outcome {
	s.Helper()
	out := s.Provider.Ask(s.Context(), engine.Ask{ID: 42, Verb: verb, User: user, ProviderID: providerID, Number: s.Number})
	require.EqualValues(s, 42, out.Ask, "the outcome names its ask")
	return out
}

// statuses are the distinct statuses the user's call went through, in order.
// A snapshot says nothing new of a call that events told about.
func (s *story) statuses(user, providerID string) (all []engine.Status) {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	tracking := ""
	for _, h := range s.sink.heard {
		for _, f := range h.ev.Facts {
			if h.user == user && f.ProviderID == providerID && f.TrackingID != "" {
				tracking = f.TrackingID
			}
		}
	}
	for _, h := range s.sink.heard {
		for _, f := range h.ev.Facts {
			same := f.ProviderID == providerID || tracking != "" && f.TrackingID == tracking
			if h.user == user && same && (len(all) == 0 || all[len(all)-1] != f.Status) {
				all = append(all, f.Status)
			}
		}
	}
	return all
}

// lastFact is the newest fact about a call.
func (s *story) lastFact(user, providerID string) (f engine.Fact) {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	for _, h := range s.sink.heard {
		for i := range h.ev.Facts {
			if h.user == user && h.ev.Facts[i].ProviderID == providerID {
				f = h.ev.Facts[i]
			}
		}
	}
	return f
}

// count is how many events a user was told.
func (s *story) count(user string) (n int) {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	for _, h := range s.sink.heard {
		if h.user == user {
			n++
		}
	}
	return n
}

// picture compares a user and returns its calls: from the answer, or from the
// snapshot that it promised.
func (s *story) picture(user string) []engine.Fact {
	s.Helper()
	n := s.count(user)
	out := s.ask(engine.VerbSnapshot, user, "")
	require.Equal(s, engine.OutcomeAccepted, out.Kind, out.Detail)
	require.NotNil(s, out.Snapshot)
	if !out.Snapshot.Coming {
		return out.Snapshot.Facts
	}
	s.wait(settle)
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	var ev *engine.Event
	seen := 0
	for _, h := range s.sink.heard {
		if h.user != user {
			continue
		}
		if seen++; seen > n && h.ev.Kind == engine.EventSnapshot {
			ev = h.ev
		}
	}
	require.NotNil(s, ev, "a snapshot was announced and never came")
	return ev.Facts
}
