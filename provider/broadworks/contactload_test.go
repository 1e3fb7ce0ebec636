package broadworks

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/provider"
	"offhook/provider/simulator"
)

// ledger notes the numbers each user was told, and settles later.
type ledger struct {
	mu      sync.Mutex
	numbers map[string][]uint32
	resyncs int
	settle  chan provider.Receipt
}

func (l *ledger) Deliver(user string, ev *engine.Event, r provider.Receipt) {
	l.mu.Lock()
	l.numbers[user] = append(l.numbers[user], ev.Sequence)
	l.mu.Unlock()
	l.settle <- r // has room
}

func (l *ledger) Resync(string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.resyncs++
}

// quietProvider is one that runs and has subscribed to nothing; the test makes
// it believe otherwise.
func contactProvider(t testing.TB, k provider.Sink, change func(*Config)) *Provider {
	c := Config{Network: tenant.BroadWorks{XSPs: []string{"http://xsp1"}, Username: "admin"}, Sink: k, Listen: (&postbox{}).listen}
	contactNetwork(&c.Network)
	if change != nil {
		change(&c)
	}
	p, err := New(c)
	require.NoError(t, err)
	return p
}

func (p *Provider) believe(users int) {
	for i := range users {
		user := fmt.Sprintf("user%d@example.com", i)
		p.Follow(user)
		p.claim(p.userOf(user), fmt.Sprintf("sub%d", i), time.Hour)
	}
}

// Ten thousand events of five hundred users come on thirty-two connections,
// out of order and some twice. Each user hears its own in order, and a 200
// means settled.
func TestTenThousandPostedEventsStayInOrder(t *testing.T) {
	const users, each = 500, 20
	l := &ledger{numbers: map[string][]uint32{}, settle: make(chan provider.Receipt, users*each)}
	p := contactProvider(t, l, func(c *Config) { c.GapWait = time.Minute })
	p.believe(users)
	var settled atomic.Int64
	var settler sync.WaitGroup
	settler.Go(func() {
		for r := range l.settle {
			settled.Add(1)
			r.Settle()
		}
	})
	type posted struct{ user, number int }
	var all []posted
	for n := 1; n <= each; n++ {
		for u := range users {
			all = append(all, posted{u, n})
			if (n+u)%7 == 0 {
				all = append(all, posted{u, n}) // once more
			}
		}
	}
	// Overtaken by up to a hundred others: far less than wait for their turn at most.
	random := rand.New(rand.NewPCG(1, 2))
	for i := range all {
		j := min(i+random.IntN(100), len(all)-1)
		all[i], all[j] = all[j], all[i]
	}
	work := make(chan posted)
	var good atomic.Int64
	var posters sync.WaitGroup
	for range 256 { // each waits for its answer: as many as may wait for their turn
		posters.Go(func() {
			for w := range work {
				body := alertingCall
				doc := event(fmt.Sprintf("e%d-%d", w.user, w.number), fmt.Sprintf("sub%d", w.user), fmt.Sprint(w.number), "", callType, body)
				if p.Take([]byte(doc)) == 200 {
					good.Add(1)
				}
			}
		})
	}
	for _, w := range all {
		work <- w
	}
	close(work)
	posters.Wait()
	close(l.settle)
	settler.Wait()
	require.EqualValues(t, len(all), good.Load())
	require.EqualValues(t, users*each, settled.Load(), "handed over once each")
	require.Len(t, l.numbers, users)
	for user, numbers := range l.numbers {
		require.Len(t, numbers, each, user)
		for i, n := range numbers {
			require.EqualValues(t, i+1, n, user)
		}
	}
	require.Zero(t, l.resyncs)
	require.Empty(t, p.contact.early)
	require.Zero(t, p.contact.earlyCount)
}

// What waits for its turn is bounded: when there is no more room, it goes on
// with a gap, which the core sees.
func TestEventsThatWaitForTheirTurnAreBounded(t *testing.T) {
	l := &ledger{numbers: map[string][]uint32{}, settle: make(chan provider.Receipt, 1000)}
	p := contactProvider(t, l, func(c *Config) { c.GapWait, c.Answer = time.Hour, time.Hour })
	p.believe(1)
	var posters sync.WaitGroup
	for n := range maxEarlyPerLine {
		posters.Go(func() {
			p.Take([]byte(event(fmt.Sprint("e", n), "sub0", fmt.Sprint(n+2), "", callType, alertingCall))) // 1 never comes
		})
	}
	for range maxEarlyPerLine {
		(<-l.settle).Settle()
	}
	posters.Wait()
	require.Len(t, l.numbers["user0@example.com"], maxEarlyPerLine)
	require.IsIncreasing(t, l.numbers["user0@example.com"])
	require.Empty(t, p.contact.early)
}

// Whatever goes wrong on the way, once it is over the follower knows exactly
// the calls that are there, and nothing is left unanswered.
func TestEveryFaultIsSurvivedOverAnHTTPContact(t *testing.T) {
	for _, kind := range []string{"drop_events", "duplicate_events", "delay_events", "reorder_events", "slow_reader", "stall", "restart", "reject_actions"} {
		for seed := range uint64(3) {
			synctest.Test(t, func(t *testing.T) {
				f := &follower{calls: map[string]engine.Status{}}
				random, jitter := rand.New(rand.NewPCG(seed, 7)), rand.New(rand.NewPCG(seed, 8))
				var sim *simulator.Simulator
				build, box := overContact(func(s *simulator.Config, c *Config) {
					c.Random = jitter.Float64
					s.Contacts.PerSubscription = 1 + int(seed)
				}, func(s *simulator.Simulator) { sim = s })
				sys := build(t, f)
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				sys.Provider.Follow(sys.User)
				go func() { done <- sys.Provider.Run(ctx) }()
				time.Sleep(5 * time.Second)

				var ids []string
				control(t, sim, "POST", "/simulator/faults", map[string]any{"kind": kind, "probability": 0.5, "duration_ms": 20000, "delay_ms": 2000}, 201)
				for i := range 12 {
					time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
					if i == 6 {
						box.drop() // and the listener breaks, too
					}
					switch n := random.IntN(4); {
					case n == 0 || len(ids) == 0:
						if len(ids) < 5 {
							ids = append(ids, sys.Ring(sys.User))
						}
					default: // some of these do not fit the call's state; so it goes
						try(sim, "/simulator/calls/"+ids[random.IntN(len(ids))]+"/"+[]string{"answer", "hold", "remote-hangup"}[n-1])
					}
				}
				time.Sleep(100 * time.Second) // less than a phone rings
				synctest.Wait()
				out := sys.Provider.Ask(ctx, engine.Ask{Verb: engine.VerbSnapshot, User: sys.User}) // as the core would for any gap
				require.Equal(t, engine.OutcomeAccepted, out.Kind, "%s, seed %d: %s", kind, seed, out.Detail)
				time.Sleep(5 * time.Second)
				synctest.Wait()
				want := map[string]string{}
				for _, c := range truth(t, sim) {
					if c["subscriber_id"] == sys.User {
						want[c["call_id"].(string)] = c["state"].(string)
					}
				}
				require.Equal(t, want, f.picture(), "%s, seed %d", kind, seed)
				require.Zero(t, sys.Unacknowledged(), "%s, seed %d", kind, seed)
				st := sys.Provider.Status()
				require.Equal(t, provider.LinkUp, st.Link, "%s, seed %d: %s", kind, seed, st.Detail)
				cancel()
				require.NoError(t, <-done)
			})
		}
	}
}
