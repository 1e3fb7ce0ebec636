package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/engine"
	"offhook/engine/clock"
	"offhook/engine/tenant"
)

// The model: random receivers, failures, restarts, crashes, clock jumps, people
// who pause, resume and ask again, batches, retention, and a disk that cannot
// be read now and then, with so little room that lanes are evicted all the
// time. Whatever happens, the record of each stream is 1..n in order, with
// repeats only of what was not acknowledged (or whose acknowledgement a crash
// forgot, or that somebody asked for) and no number missing but in a gap that
// says so; and in the end nothing waits.

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
	people sync.WaitGroup
}

func newModel(t *testing.T, seed uint64) *model {
	rng := rand.New(rand.NewPCG(seed, 7))
	m := &model{rng: rng, seed: seed, moods: map[string]mood{}, poison: map[engine.StreamID]bool{}, apps: 1 + rng.IntN(4), subs: 1 + rng.IntN(40)}
	m.bed = newBed(t, m.apps)
	if seed%2 == 0 {
		m.cfg.Rescan = 10_000 * time.Hour // nothing may depend on the pass that is made just in case
	}
	m.cfg.Retention, m.cfg.Grace = []time.Duration{10 * time.Minute, 2 * time.Hour, 7 * 24 * time.Hour}[rng.IntN(3)], time.Minute
	m.cfg.Lanes, m.cfg.Slots = 1+rng.IntN(12), 1+rng.IntN(20)
	m.cfg.Clock = clock.New(func() int64 { return time.Now().Add(m.offset).UnixMilli() }, nil)
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
	switch k := m.rng.IntN(120); {
	case k >= 100:
		m.person()
	case k < 55:
		app, sub := fmt.Sprintf("a%d", m.rng.IntN(m.apps)), fmt.Sprintf("S%d", m.rng.IntN(m.subs))
		for range 1 + m.rng.IntN(5) {
			n := m.outbox.add(app, sub, engine.StreamCalls, time.UnixMilli(m.cfg.Clock.Now()))
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

// person does what people do through the API.
func (m *model) person() {
	app, sub := fmt.Sprintf("a%d", m.rng.IntN(m.apps)), fmt.Sprintf("s%d", m.rng.IntN(m.subs))
	switch m.rng.IntN(8) {
	case 0:
		m.adjust(app, func(r *tenant.Receiver) { r.Paused = !r.Paused })
	case 1:
		m.adjust(app, func(r *tenant.Receiver) { r.Paused, r.Disabled = false, "" })
	case 2:
		m.adjust(app, func(r *tenant.Receiver) {
			if i, held := slices.BinarySearch(r.Held, sub); held {
				r.Held = slices.Delete(slices.Clone(r.Held), i, i+1)
			} else {
				r.Held = slices.Insert(slices.Clone(r.Held), i, sub)
			}
		})
	case 3:
		m.adjust(app, func(r *tenant.Receiver) { r.Batch = !r.Batch })
	case 4:
		m.adjust(app, func(r *tenant.Receiver) { r.Extended = !r.Extended })
	case 5:
		m.ResumeStream(app, sub, engine.StreamCalls)
	default:
		m.again(engine.StreamOf(app, sub, engine.StreamCalls))
	}
}

// again has a person ask for an event once more. The answer is checked here,
// what the receiver sees with the rest.
func (m *model) again(id engine.StreamID) {
	d, sequence := m.Dispatcher, 1+uint64(m.rng.IntN(20))
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Duration(1+m.rng.IntN(20_000))*time.Millisecond)
	m.people.Go(func() {
		defer cancel()
		a, err := d.Redeliver(ctx, id, sequence)
		known := []error{ErrUnknownEvent, ErrWaiting, ErrStopped, ErrBusy, errDisk, context.DeadlineExceeded}
		if err != nil && !slices.ContainsFunc(known, func(k error) bool { return errors.Is(err, k) }) {
			m.t.Errorf("redeliver: %v", err)
		}
		if err == nil && (!a.Redelivery || a.Sequence != sequence || a.Stream != id) {
			m.t.Errorf("redeliver %v %d: %+v", id, sequence, a)
		}
	})
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
			m.poster.mark(lost.Stream(), receipt{rewind: cmp.Or(lost.GapFrom, lost.Sequence)})
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
	for _, id := range slices.SortedFunc(maps.Keys(m.outbox.numbers), compareStreams) {
		// Behind a gap that a header tells of there has to be an event.
		m.Ready(id.App, id.Subscriber, id.Kind, m.outbox.add(id.App, id.Subscriber, id.Kind, time.UnixMilli(m.cfg.Clock.Now())))
	}
	time.Sleep(30 * time.Minute)
}

// check reads the record of one stream against the promise.
func (m *model) check(id engine.StreamID, record []receipt, last uint64) error {
	next, floor, late := uint64(1), uint64(0), 0
	for i, r := range record {
		expected := next
		if i > 0 && r.parcel != 0 && record[i-1].parcel == r.parcel && !r.ok {
			expected = record[i-1].sequence + 1 // behind the other in a batch that failed
		}
		switch {
		case r.rewind != 0:
			next = max(floor+1, min(next, r.rewind)) // what is not for this webhook stays away
		case r.dropped != 0:
			next, floor, late = r.dropped+1, r.dropped, maxBatchEvents
		case r.redelivery && r.sequence < next:
			// asked for; nothing moves on
		case r.sequence <= floor && late > 0:
			late-- // it was on its way when its webhook was removed
		case r.sequence != expected && !(r.gapFrom == expected && r.sequence > expected):
			return fmt.Errorf("%v: at %d came %d, expected %d: %v", id, i, r.sequence, next, record)
		case r.ok:
			next = r.sequence + 1
		}
	}
	if next != last+1 {
		return fmt.Errorf("%v: ended before %d of %d: %v", id, next, last, record)
	}
	return nil
}

// stepsOfSeed is how much happens in one story. OFFHOOK_MODEL_SEEDS is how many
// there are, when the night is long.
const stepsOfSeed = 250

func TestModel(t *testing.T) {
	seeds, err := strconv.ParseUint(cmp.Or(os.Getenv("OFFHOOK_MODEL_SEEDS"), "40"), 10, 32)
	require.NoError(t, err)
	row := report.Attack(t, report.Ordered, "deliveries held against a model: restarts, people, receivers of every kind", "steps")
	for seed := range seeds {
		row.Add(stepsOfSeed)
		synctest.Test(t, func(t *testing.T) {
			m := newModel(t, seed)
			m.start()
			for range stepsOfSeed {
				m.step()
			}
			m.people.Wait()
			m.heal()
			require.Zero(t, m.outbox.left(), "seed %d", seed)
			m.halt()
			for _, id := range slices.SortedFunc(maps.Keys(m.outbox.numbers), compareStreams) {
				require.NoError(t, m.check(id, m.poster.got[id], m.outbox.numbers[id]), "seed %d", seed)
			}
		})
	}
}
