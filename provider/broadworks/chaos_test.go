package broadworks

import (
	"context"
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/provider"
	"offhook/provider/simulator"
)

// follower does what an actor does with what it is told, in its simplest form:
// the last word about each call counts, a snapshot replaces everything.
type follower struct {
	sink
	calls map[string]engine.Status
	wish  bool
}

func (f *follower) Deliver(user string, ev *engine.Event, r provider.Receipt) {
	f.mu.Lock()
	if ev.Kind == engine.EventSnapshot {
		clear(f.calls)
	}
	for _, fact := range ev.Facts {
		f.calls[fact.ProviderID] = fact.Status
		if fact.Status >= engine.StatusDetached {
			delete(f.calls, fact.ProviderID)
		}
	}
	f.mu.Unlock()
	r.Settle()
}

func (f *follower) Resync(string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wish = true
}

// wants reports whether the follower would ask for a snapshot: told to, or
// because a number is missing, which this one does not watch.
func (f *follower) wants(kind string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wish || kind == "drop_events"
}

func (f *follower) picture() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	words := map[engine.Status]string{engine.StatusAlerting: "ringing", engine.StatusActive: "active", engine.StatusHeld: "held"}
	got := map[string]string{}
	for id, st := range f.calls {
		got[id] = words[st]
	}
	return got
}

// Whatever goes wrong with the platform, once it is over the follower knows
// exactly the calls that are there, and nothing is left unacknowledged.
func TestEveryFaultIsSurvived(t *testing.T) {
	for _, kind := range []string{"drop_channel", "drop_events", "duplicate_events", "delay_events", "stall", "restart", "reject_actions"} {
		for seed := range uint64(3) {
			synctest.Test(t, func(t *testing.T) {
				f := &follower{calls: map[string]engine.Status{}}
				random, jitter := rand.New(rand.NewPCG(seed, 7)), rand.New(rand.NewPCG(seed, 8))
				var sim *simulator.Simulator
				sys := overSimulator(func(_ *simulator.Config, c *Config) { c.Random = jitter.Float64 }, func(s *simulator.Simulator) { sim = s })(t, f)
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				sys.Provider.Follow(sys.User)
				go func() { done <- sys.Provider.Run(ctx) }()
				time.Sleep(5 * time.Second)

				var ids []string
				body := map[string]any{"kind": kind, "probability": 0.5, "duration_ms": 20000}
				control(t, sim, "POST", "/simulator/faults", body, http.StatusCreated)
				for range 12 {
					time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
					switch n := random.IntN(4); {
					case n == 0 || len(ids) == 0:
						if len(ids) < 5 {
							ids = append(ids, sys.Ring(sys.User))
						}
					default: // some of these do not fit the call's state; so it goes
						verb := []string{"answer", "hold", "remote-hangup"}[n-1]
						try(sim, "/simulator/calls/"+ids[random.IntN(len(ids))]+"/"+verb)
					}
				}
				time.Sleep(100 * time.Second) // less than a phone rings
				synctest.Wait()
				if f.wants(kind) {
					out := sys.Provider.Ask(ctx, engine.Ask{Verb: engine.VerbSnapshot, User: sys.User})
					require.Equal(t, engine.OutcomeAccepted, out.Kind, "%s, seed %d: %s", kind, seed, out.Detail)
					time.Sleep(5 * time.Second)
					synctest.Wait()
				}
				want := map[string]string{}
				for _, c := range truth(t, sim) {
					if c["subscriber_id"] == sys.User {
						want[c["call_id"].(string)] = c["state"].(string)
					}
				}
				require.Equal(t, want, f.picture(), "%s, seed %d", kind, seed)
				require.Zero(t, sys.Unacknowledged(), "%s, seed %d", kind, seed)
				require.Equal(t, provider.LinkUp, sys.Provider.Status().Link)
				cancel()
				require.NoError(t, <-done)
			})
		}
	}
}
