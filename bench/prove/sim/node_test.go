package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/engine"
	"offhook/engine/maybe"
	"offhook/provider/simulator"
)

// desks is how many phones are the desks' alone: the platform's own traffic
// leaves the first three alone too.
const desks = 3

// knob reads a number from the environment.
func knob(t *testing.T, name string, usual float64) float64 {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return usual
	}
	n, err := strconv.ParseFloat(s, 64)
	require.NoError(t, err, name)
	return n
}

// tally is what all runs came to.
type tally struct {
	virtual                            time.Duration
	events, calls, operations, crashes int
	webhooks, repeats, gaps, jumps     int
	at                                 map[string]int // crashes at maybe sites
}

func (a *tally) add(b tally) {
	a.virtual += b.virtual
	a.events += b.events
	a.calls += b.calls
	a.operations += b.operations
	a.crashes += b.crashes
	a.webhooks += b.webhooks
	a.repeats += b.repeats
	a.gaps += b.gaps
	a.jumps += b.jumps
	for site, n := range b.at {
		a.at[site] += n
	}
}

// The whole node: engine, owners, store on a disk in memory, provider,
// webhooks, event log and listener, between two platforms and three apps, all
// in one clock of its own. Everything goes wrong that can, seeded; every event
// is judged when it arrives by webhook, stream and log, what clients do and
// hear is held against a model, and at quiet points all know what the
// platforms know. OFFHOOK_SIM_HOURS is virtual.
func TestTheWholeNodeInAClockOfItsOwn(t *testing.T) {
	seed := uint64(knob(t, "OFFHOOK_SIM_SEED", 1))
	hours := knob(t, "OFFHOOK_SIM_HOURS", hoursInTests)
	t.Logf("make sim SEED=%d HOURS=%g", seed, hours)
	ordered := report.Attack(t, report.Ordered, "whole node in one virtual clock, faults everywhere", "events")
	ends := report.Attack(t, report.EveryCallEnds, "whole node in one virtual clock, compared with the platforms' truth", "calls")
	twice := report.Attack(t, report.NeverTwice, "histories of commands held against a model, with crashes", "operations")
	durable := report.Attack(t, report.Durable, "crash of the whole node under HTTP clients, 0, 50 and 100 % of what was unsynced lost", "crashes")
	first := report.Attack(t, report.IDFirst, "order of 201 and event seen at the socket", "events")
	isolation := report.Attack(t, report.Isolation, "a stranger tries another app's calls all the while", "virtual hours")

	began, last := time.Now(), time.Now()
	all := tally{at: map[string]int{}}
	for n := seed; all.virtual.Hours() < hours && !t.Failed(); n++ {
		var one tally
		if !t.Run(fmt.Sprint("seed ", n), func(t *testing.T) { one = run(t, n) }) {
			break
		}
		all.add(one)
		if time.Since(last) > 10*time.Second {
			last = time.Now()
			fmt.Printf("sim: seed %d, %.1f virtual hours in %s, %d events, %d operations, violations 0\n",
				n, all.virtual.Hours(), time.Since(began).Round(time.Second), all.events, all.operations)
		}
	}
	fired := reachedSites(t, all.virtual)
	note := fmt.Sprintf("seed %d, %.1f virtual hours, %.1f per minute", seed, all.virtual.Hours(), all.virtual.Hours()/time.Since(began).Minutes()) + fired
	for r, n := range map[*report.Row]int{ordered: all.events, ends: all.calls, twice: all.operations, durable: all.crashes, first: all.events, isolation: int(all.virtual.Hours())} {
		r.Add(n)
		r.Note("%s", note)
	}
	t.Logf("%s: %+v", note, all)
}

// run is one life story of a node, of the seed's own kind.
func run(t *testing.T, seed uint64) (sum tally) { return runWith(t, seed, func(*world) {}) }

// runWith is run in a world of which something is special.
func runWith(t *testing.T, seed uint64, special func(*world)) (sum tally) {
	synctest.Test(t, func(t *testing.T) {
		crm, office, stranger := newSide("crm", seed), newSide("office", seed), newSide("stranger", seed)
		crm.hook, office.hook = "crm.example", "office.example"
		office.wordy = seed%2 == 0
		of := func(part string) func(string) bool {
			return func(sub string) bool { return strings.HasPrefix(sub, part) }
		}
		office.subs, stranger.subs = of("net1/"), of("net2/")
		w := newWorld(t, seed, crm, office, stranger)
		if seed%2 == 1 {
			w.usual = int64(time.Millisecond)
		}
		cfg := chaotic(seed)
		w.calm = quietTime
		special(w)
		if weekend(seed) { // days of renewals every three minutes would be dear
			cfg.GrantedExpires, w.calm = 30*time.Minute, 45*time.Minute
		}
		w.wires.jitter = 2 * time.Millisecond
		w.rise([]simulator.Config{cfg, cfg})
		defer w.fall()
		sum = w.live(office)
	})
	return sum
}

// live is a morning of bursts, each with a quiet point behind it, and hours in
// which people sleep.
func (w *world) live(office *side) (sum tally) {
	began := time.Now()
	sum.at = map[string]int{}
	ctx, cancel := context.WithCancel(context.Background())
	var people sync.WaitGroup
	defer func() { cancel(); people.Wait() }()
	board := w.desks()
	for _, s := range w.apps {
		people.Go(func() { w.follow(ctx, s) })
	}
	people.Go(func() { w.stranger(ctx, w.apps[2], board) })
	w.after(time.Minute)
	defer maybe.Disarm()
	defer maybe.Watch(nil)
	maybe.Only(w.place)
	defer maybe.Only("")
	on, fire := 0.25, 0.25
	if w.place != "" {
		on, fire = 1, 0.5
	}
	var ended time.Time
	var dealing sync.Mutex
	dice := rand.New(rand.NewPCG(w.seed, 8))
	maybe.Watch(func(site string) {
		dealing.Lock()
		now := dice.IntN(150) == 0
		if w.place != "" {
			now = time.Since(ended) > 3*time.Second
		}
		if now {
			ended = time.Now()
		}
		dealing.Unlock()
		if now {
			select {
			case w.sites <- site:
			default:
			}
		}
	})
	for burst := range w.bursts {
		maybe.Arm(w.seed, on, fire)
		shift, over := context.WithCancel(ctx)
		var clerks sync.WaitGroup
		for i := range 8 {
			c := &clerk{w: w, id: i, line: phoneLine{w: w, s: office}, dice: rand.New(rand.NewPCG(w.seed, uint64(100+10*burst+i))), desks: board}
			clerks.Go(func() { c.work(shift) })
		}
		for _, p := range w.platforms {
			p.traffic(w.Context(), 0.7)
		}
		w.weather(time.Minute+time.Duration(w.random.IntN(60))*time.Second, &sum)
		for _, p := range w.platforms {
			p.traffic(w.Context(), 0)
			p.control(http.MethodDelete, "/faults", nil, nil)
			p.wires.clear()
		}
		w.rightClock()
		w.wires.clear()
		w.syncs.Store(0)
		for _, r := range w.receivers {
			r.feel(content)
		}
		maybe.Disarm()
		over()
		clerks.Wait()
		w.quiet(w.calm)
		w.compare(fmt.Sprintf("quiet point %d", burst+1))
		w.delivered()
		sum.operations = w.linear(board)
		w.check()
		if w.place == "" && (w.seed+uint64(burst))%3 == 0 {
			w.night(time.Duration(1+w.seed%4) * time.Hour)
		}
	}
	for _, p := range w.platforms {
		for _, c := range p.truth() {
			p.control(http.MethodPost, "/calls/"+c.ID+"/hangup", nil, nil)
		}
	}
	w.quiet(w.calm)
	w.compare("the end")
	w.delivered()
	w.ended()
	for _, s := range w.apps {
		sum.events += s.events
		sum.calls += s.releases
		sum.repeats += s.repeats
		sum.gaps += s.gaps
	}
	for _, r := range w.receivers {
		sum.webhooks += r.took
	}
	sum.jumps = w.jumps
	sum.virtual = time.Since(began)
	return sum
}

// weekend reports whether the nights of a seed last for three days.
func weekend(seed uint64) bool { return seed%16 == 5 }

// night is hours in which nobody calls, but for some at their beginning. Every
// other night a receiver is out for all of it, and some nights are a weekend:
// then its streams are parked at the end, until a person lets them go on.
func (w *world) night(d time.Duration) {
	if weekend(w.seed) {
		d = 74 * time.Hour
	}
	w.asleep.Store(true)
	defer w.asleep.Store(false)
	if w.seed%2 == 1 {
		w.receivers[0].feel([]mood{broken, silent, full, moved}[w.seed/2%4])
	}
	for _, p := range w.platforms {
		p.traffic(w.Context(), 0.7)
	}
	w.quiet(10 * time.Second)
	for _, p := range w.platforms {
		p.traffic(w.Context(), 0)
	}
	w.quiet(d)
	w.compare("after a night")
	w.receivers[0].feel(content)
	w.dispatcher.Resume(w.apps[0].id, engine.StreamCalls)
	w.quiet(w.calm + quietTime)
	w.read()
	w.delivered()
}

// quiet lets time pass in which nothing goes wrong.
func (w *world) quiet(d time.Duration) {
	for ; d > 0; d -= 10 * time.Second {
		w.after(min(d, 10*time.Second))
		if w.restless {
			w.setClock()
		}
		w.check()
	}
}

// desks puts the desks' phones aside.
func (w *world) desks() (all []*desk) {
	p := w.platforms[0]
	for _, ph := range p.sim.Phones()[:desks] {
		d := &desk{subscriber: p.subscriber(ph.SubscriberID), number: ph.SubscriberNumber, user: ph.SubscriberID, platform: p}
		w.reserved[ph.SubscriberID] = true
		all = append(all, d)
	}
	return all
}

// delivered says that every webhook has all that the log has.
func (w *world) delivered() {
	for _, s := range w.apps {
		s.mu.Lock()
		for sub, l := range s.lines {
			for _, way := range []string{byStream, byWebhook} {
				if l.at[way] != l.at[byLog] && (way == byStream || s.hook != "") {
					s.mu.Unlock()
					w.violated("%s of %s is at %d of %s, and the log at %d", way, s.id, l.at[way], sub, l.at[byLog])
					s.mu.Lock()
				}
			}
		}
		s.mu.Unlock()
	}
	w.check()
}

// weather is people, far ends, networks, receivers, disks and platforms doing
// what they like for a while.
func (w *world) weather(d time.Duration, sum *tally) {
	until := time.Now().Add(d)
	look, slow := time.Now(), time.Time{}
	for time.Now().Before(until) {
		select {
		case site := <-w.sites:
			sum.crashes++
			sum.at[site]++
			w.crash()
			continue
		case <-time.After(time.Duration(w.random.IntN(600)) * time.Millisecond):
		}
		synctest.Wait()
		if w.restless && w.random.IntN(3) == 0 {
			w.setClock()
		}
		if time.Now().After(slow) {
			w.syncs.Store(w.usual)
		}
		if time.Since(look) > 2*time.Second {
			look = time.Now()
			w.read()
		}
		w.check()
		p := w.platforms[w.random.IntN(len(w.platforms))]
		lasts := time.Duration(200+w.random.IntN(15_000)) * time.Millisecond
		switch n := w.random.IntN(100); {
		case n < 50:
			w.meddle(p)
		case n < 68:
			w.gossip(p)
		case n < 76:
			w.breaks(p, simulator.FaultKinds())
		case n < 82:
			kind, xsp := partitions[w.random.IntN(len(partitions))], fmt.Sprintf("xsp%d", 1+w.random.IntN(2))
			p.wires.strike(kind, xsp, lasts)
		case n < 86:
			host := []string{apiHost, w.apps[0].hook, w.apps[1].hook}[w.random.IntN(3)]
			w.wires.strike(partitions[w.random.IntN(len(partitions))], host, lasts)
		case n < 93:
			w.receivers[w.random.IntN(len(w.receivers))].feel(mood(w.random.IntN(int(moods))))
		case n < 95 && w.usual > 0:
			slow = time.Now().Add(lasts)
			w.syncs.Store(int64([]time.Duration{10 * time.Millisecond, time.Second, 30 * time.Second}[w.random.IntN(3)]))
		case n < 96 && w.seed%4 == 3:
			w.setClock()
		case n < 98 && w.random.IntN(3) == 0:
			sum.crashes++
			w.crash()
		}
	}
}
