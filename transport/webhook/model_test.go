package webhook

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

// The model: random receivers, failures, restarts, crashes, clock jumps and a
// disk that cannot be read now and then, with so little room that lanes are
// evicted all the time. Whatever happens, the record of each stream is 1..n in
// order, with repeats only of what was not acknowledged (or whose
// acknowledgement a crash forgot), and in the end nothing waits.

// mood is how one receiver answers for a while.
type mood func(rng *rand.Rand) Outcome

var moods = []mood{
	func(*rand.Rand) Outcome { return answer(200) },
	func(*rand.Rand) Outcome { return answer(200) },
	func(*rand.Rand) Outcome { return answer(204) },
	func(*rand.Rand) Outcome { return answer(500) },
	func(*rand.Rand) Outcome { return answer(404) },
	func(*rand.Rand) Outcome { return answer(302) },
	func(*rand.Rand) Outcome { return silence(ConnRefused) },
	func(*rand.Rand) Outcome { return Outcome{Class: Timeout, Took: 10 * time.Second} },
	func(r *rand.Rand) Outcome {
		return Outcome{Class: Failed5xx, Status: 503, RetryAfter: time.Duration(r.IntN(1000)) * time.Second}
	},
	func(r *rand.Rand) Outcome {
		if r.IntN(3) == 0 {
			return silence(Reset) // perhaps it took the event; nobody knows
		}
		return answer(200)
	},
	func(r *rand.Rand) Outcome { return answer([]int{200, 200, 429, 500, 200}[r.IntN(5)]) },
	func(r *rand.Rand) Outcome {
		if r.IntN(20) == 0 {
			return answer(410)
		}
		return answer(200)
	},
}

type model struct {
	*bed
	rng    *rand.Rand
	seed   uint64
	moods  map[string]mood
	poison map[engine.StreamID]bool
	offset time.Duration // how wrong the wall clock is
	apps   int
	subs   int
}

func newModel(t *testing.T, seed uint64) *model {
	rng := rand.New(rand.NewPCG(seed, 7))
	m := &model{rng: rng, seed: seed, moods: map[string]mood{}, poison: map[engine.StreamID]bool{}, apps: 1 + rng.IntN(4), subs: 1 + rng.IntN(40)}
	m.bed = newBed(t, m.apps)
	if seed%2 == 0 {
		m.cfg.Rescan = 10_000 * time.Hour // nothing may depend on the pass that is made just in case
	}
	m.cfg.Lanes, m.cfg.Slots = 1+rng.IntN(12), 1+rng.IntN(20)
	m.cfg.Now = func() time.Time { return time.Now().Add(m.offset) }
	m.poster.lag = m.random(50 * time.Millisecond)
	m.outbox.lag = m.random(5 * time.Millisecond)
	jitter := m.random(1 << 62)
	m.cfg.Random = func() uint64 { return uint64(jitter()) }
	answers := rand.New(rand.NewPCG(seed, 8))
	m.poster.answer = func(url string, n *engine.Notification, _ int) Outcome {
		if m.poison[n.Stream()] {
			return answer(422)
		}
		if mood := m.moods[url]; mood != nil {
			return mood(answers)
		}
		return answer(200)
	}
	return m
}

// random is a source of durations below a bound that goroutines may share.
func (m *model) random(below time.Duration) func() time.Duration {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(m.seed, uint64(below)))
	return func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return time.Duration(rng.Int64N(int64(below)))
	}
}

func (m *model) url() string { return fmt.Sprintf("mem://a%d/calls", m.rng.IntN(m.apps)) }

// step does one random thing.
func (m *model) step() {
	switch k := m.rng.IntN(100); {
	case k < 55:
		app, sub := fmt.Sprintf("a%d", m.rng.IntN(m.apps)), fmt.Sprintf("S%d", m.rng.IntN(m.subs))
		for range 1 + m.rng.IntN(5) {
			n := m.outbox.add(app, sub, engine.StreamCalls, m.cfg.Now())
			m.Ready(app, sub, engine.StreamCalls, n)
		}
	case k < 70:
		m.poster.mu.Lock()
		m.moods[m.url()] = moods[m.rng.IntN(len(moods))]
		m.poster.mu.Unlock()
	case k < 74:
		id := engine.StreamOf(fmt.Sprintf("a%d", m.rng.IntN(m.apps)), fmt.Sprintf("S%d", m.rng.IntN(m.subs)), engine.StreamCalls)
		m.poster.mu.Lock()
		m.poison[id] = !m.poison[id]
		m.poster.mu.Unlock()
	case k < 80:
		m.restart()
	case k < 84:
		m.outbox.mu.Lock()
		m.outbox.failing = !m.outbox.failing
		m.outbox.mu.Unlock()
	case k < 88:
		m.jump(time.Duration(m.rng.Int64N(int64(48*time.Hour))) - 24*time.Hour)
	case k < 92:
		m.change()
	case k < 96:
		m.Resume(fmt.Sprintf("a%d", m.rng.IntN(m.apps)), engine.StreamCalls)
	}
	if m.rng.IntN(3) > 0 {
		time.Sleep(time.Duration(m.rng.ExpFloat64() * float64(2*time.Second)))
	} else if m.rng.IntN(20) == 0 {
		time.Sleep(time.Duration(m.rng.IntN(600)) * time.Second)
	}
}

// jump stops the dispatcher while the clock changes, as the race detector
// wants it; ages of events that wait change all the same.
func (m *model) jump(by time.Duration) {
	m.halt()
	m.offset = by
	m.start()
}

// restart ends the process, gently or not. A crash forgets acknowledgements
// that were not on disk yet.
func (m *model) restart() {
	ctx, cancel := context.WithCancel(m.t.Context())
	if m.rng.IntN(2) == 0 {
		cancel()
	}
	m.Stop(ctx) // an error says that attempts were aborted
	cancel()
	m.poster.aborted = make(chan struct{})
	if m.rng.IntN(2) == 0 {
		for _, lost := range m.outbox.crash(m.rng.IntN(6)) {
			m.poster.mark(lost.Stream(), receipt{rewind: lost.Sequence})
		}
	}
	m.start()
}

// change sets another webhook, or removes one with what waited for it.
func (m *model) change() {
	app := fmt.Sprintf("a%d", m.rng.IntN(m.apps))
	url := "mem://" + app + "/calls"
	if m.rng.IntN(2) == 0 {
		m.tenants.set(app, tenant.Receiver{URL: url, Secrets: []string{testSecret, newSecret(32)}})
		return
	}
	m.tenants.set(app, tenant.Receiver{})
	m.outbox.mu.Lock()
	for id, n := range m.outbox.numbers {
		if id.App == app {
			m.poster.mark(id, receipt{dropped: n})
		}
	}
	m.outbox.mu.Unlock()
	time.Sleep(time.Duration(m.rng.IntN(2)*m.rng.IntN(3000)) * time.Millisecond)
	m.tenants.set(app, tenant.Receiver{URL: url, Secrets: []string{testSecret}})
}

// adjust changes a webhook as a person would, through the API.
func (m *model) adjust(app string, fn func(*tenant.Receiver)) {
	m.tenants.ChangeApp(app, func(was *tenant.App) (*tenant.App, error) {
		r := was.Calls
		if fn(&r); !r.Set() {
			return was, nil
		}
		return was.With(engine.StreamCalls, r), nil
	})
}

// heal makes everything well again and waits for the longest pause there is.
func (m *model) heal() {
	m.poster.mu.Lock()
	clear(m.moods)
	clear(m.poison)
	m.poster.mu.Unlock()
	m.outbox.mu.Lock()
	m.outbox.failing = false
	m.outbox.mu.Unlock()
	for i := range m.apps {
		m.adjust(fmt.Sprintf("a%d", i), func(r *tenant.Receiver) { r.Disabled, r.Paused, r.Held = "", false, nil })
	}
	time.Sleep(30 * time.Minute)
}

// check reads the record of one stream against the promise.
func (m *model) check(id engine.StreamID, record []receipt, last uint64) error {
	next, floor, late := uint64(1), uint64(0), 0
	for i, r := range record {
		switch {
		case r.rewind != 0:
			next = max(floor+1, min(next, r.rewind)) // what is not for this webhook stays away
		case r.dropped != 0:
			next, floor, late = r.dropped+1, r.dropped, 1
		case r.sequence <= floor && late > 0:
			late-- // it was on its way when its row was dropped
		case r.sequence != next:
			return fmt.Errorf("%v: at %d came %d, expected %d: %v", id, i, r.sequence, next, record)
		case r.ok:
			next++
		}
	}
	if next != last+1 {
		return fmt.Errorf("%v: ended before %d of %d", id, next, last)
	}
	return nil
}

func TestModel(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			m := newModel(t, seed)
			m.start()
			for range 250 {
				m.step()
			}
			m.heal()
			require.Zero(t, m.outbox.left(), "seed %d", seed)
			m.halt()
			for _, id := range slices.SortedFunc(maps.Keys(m.outbox.numbers), compareStreams) {
				require.NoError(t, m.check(id, m.poster.got[id], m.outbox.numbers[id]), "seed %d", seed)
			}
		})
	}
}
