package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
	"offhook/provider/simulator"
)

const (
	patrons    = 60
	standstill = time.Second           // a disk that takes longer is waited for by nobody new
	commanding = 15 * time.Second      // a command is answered by then, whatever comes of it
	promptly   = 50 * time.Millisecond // bytes take up to 2 ms each way
	piles      = 16 << 20              // what the heap may grow by, whatever waits
)

// The disk stands still under clients who are never at rest. Who asks just then
// waits, no longer than a command may take. All others are refused at once and
// told when to come back, so that what waits does not grow. When the disk goes
// on so does everything; what was accepted was done, and what was refused was not.
func TestADiskThatStandsStillHasCommandsRefused(t *testing.T) {
	row := report.Attack(t, report.Refusals, "the disk stands still for 10 ms, 1 s and 30 s", "requests")
	var notes []string
	for _, stall := range []time.Duration{10 * time.Millisecond, time.Second, 30 * time.Second} {
		t.Run(stall.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 1, quietApp())
				w.fs = vfs.NewMem() // whose power is not cut: the other one copies each file at each sync
				disk := rig.NewStubborn(w.fs)
				w.disk, w.wires.jitter = disk.FS, 2*time.Millisecond
				w.rise([]simulator.Config{{Subscribers: 30, Seed: 5, CallsPerSecond: 2, Traffic: simulator.TrafficRate, CallDuration: 4 * time.Second}})
				defer w.fall()
				n, note := w.standStill(disk, stall)
				row.Add(n)
				notes = append(notes, fmt.Sprintf("in %v %s", stall, note))
				t.Log(note)
			})
		})
	}
	row.Note("%d clients; %s", patrons, strings.Join(notes, "; "))
}

func (w *world) standStill(disk *rig.Stubborn, stall time.Duration) (requests int, note string) {
	p := w.platforms[0]
	w.after(15 * time.Second) // everybody is subscribed to
	ctx, stop := context.WithCancel(w.Context())
	b := &book{}
	b.next()
	var clients sync.WaitGroup
	for i := range patrons {
		clients.Go(func() { w.patron(ctx, i, b) })
	}
	w.after(5 * time.Second)
	before, heap := b.next(), inUse()

	disk.Shut()
	w.after(stall)
	waiting, grown := b.asking(), inUse()-heap
	during := b.next()
	disk.Open()
	w.after(time.Second)
	at := b.next()
	w.after(5 * time.Second)
	after := b.next()
	stop()
	clients.Wait()

	require.Positive(w, disk.Waited())
	for when, s := range map[string]*shift{"before": before, "meanwhile": during, "at once": at, "after": after} {
		w.Logf("%-9s %v", when, s)
		require.Empty(w, s.wrong, when)
		require.LessOrEqual(w, s.most(refused), standstill+promptly, when)
		require.LessOrEqual(w, s.most(unknown), commanding+promptly, when)
	}
	if stall > standstill {
		require.Greater(w, len(during.took[refused]), patrons, "they come back")
		require.Less(w, during.quantile(refused, 0.9), promptly, "but for who came at first nobody waits")
		require.Less(w, waiting, patrons/4)
	}
	require.Less(w, grown, int64(piles))
	require.Greater(w, len(at.took[accepted]), patrons/4, "it is as before at once")
	require.Less(w, at.most(accepted), standstill+time.Second, "also for those who had waited")
	for _, s := range []*shift{before, after} {
		require.Empty(w, append(s.took[refused], s.took[unknown]...))
	}

	p.traffic(w.Context(), 0)
	for _, c := range p.truth() {
		p.control(http.MethodPost, "/calls/"+c.ID+"/hangup", nil, nil)
	}
	w.quiet(time.Minute)
	w.compare("the end")
	w.ended()
	dials := int(p.sim.Stats().Dials)
	require.GreaterOrEqual(w, dials, b.placed, "what was accepted was done")
	require.LessOrEqual(w, dials, b.placed+b.doubts, "what was refused was not")
	for _, s := range []*shift{before, during, at, after} {
		requests += s.asked()
	}
	return requests, fmt.Sprintf("%v; %d waited at its end, heap %+.1f MB", during, waiting, float64(grown)/(1<<20))
}

// What clients are answered.
const (
	accepted = iota
	refused  // certainly not done
	unknown  // a command that was not confirmed in time
	numAnswers
)

// shift is what clients were answered in a while.
type shift struct {
	took  [numAnswers][]time.Duration
	wrong []string
}

func (s *shift) quantile(of int, q float64) time.Duration {
	if len(s.took[of]) == 0 {
		return 0
	}
	slices.Sort(s.took[of])
	return s.took[of][int(q*float64(len(s.took[of])-1))].Round(time.Millisecond / 10)
}

func (s *shift) most(of int) time.Duration { return s.quantile(of, 1) }

func (s *shift) asked() (n int) {
	for _, all := range s.took {
		n += len(all)
	}
	return n
}

func (s *shift) String() string {
	return fmt.Sprintf("%d accepted in up to %v, %d refused in p90 %v p99 %v max %v, %d unknown after %v", len(s.took[accepted]), s.most(accepted),
		len(s.took[refused]), s.quantile(refused, 0.9), s.quantile(refused, 0.99), s.most(refused), len(s.took[unknown]), s.most(unknown))
}

// book is what all clients note.
type book struct {
	mu             sync.Mutex
	is             *shift
	waiting        int
	placed, doubts int // calls that were answered 201, and that may have been placed all the same
}

// next begins a shift, and returns the one before.
func (b *book) next() *shift {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.is
	b.is = &shift{}
	return was
}

func (b *book) asking() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waiting
}

// patron places a call, ends it and takes a rest, again and again.
func (w *world) patron(ctx context.Context, i int, b *book) {
	l := &phoneLine{w: w, s: w.apps[0]}
	defer l.hangUp()
	p := w.platforms[0]
	ph := p.sim.Phones()[i%len(p.sim.Phones())]
	for n := 0; ctx.Err() == nil; n++ {
		body, _ := json.Marshal(map[string]string{
			"subscriber_id": p.subscriber(ph.SubscriberID), "subscriber_number": ph.SubscriberNumber, "remote_number": fmt.Sprintf("+1720555%04d", i*50+n%50),
		})
		r := b.ask(l, http.MethodPost, "/calls", fmt.Sprintf("patron-%d-%d", i, n), string(body))
		var made struct {
			Call string `json:"call_id"`
		}
		if r.status == http.StatusCreated && json.Unmarshal(r.body, &made) == nil {
			pause(ctx, 200*time.Millisecond)
			b.ask(l, http.MethodDelete, "/calls/"+made.Call, "", "")
		}
		pause(ctx, time.Second+time.Duration(i)*time.Millisecond)
	}
}

// ask is the line's, with a note of what came and how long it took.
func (b *book) ask(l *phoneLine, method, path, key, body string) reply {
	began := time.Now()
	b.mu.Lock()
	b.waiting++
	b.mu.Unlock()
	r := l.ask(method, path, key, body)
	took := time.Since(began)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting--
	is := -1
	switch r.status {
	case http.StatusCreated:
		b.placed++
		is = accepted
	case http.StatusNoContent:
		is = accepted
	case http.StatusServiceUnavailable:
		is = refused
	case http.StatusGatewayTimeout:
		if is = unknown; method == http.MethodPost {
			b.doubts++
		}
	}
	if is < 0 {
		b.is.wrong = append(b.is.wrong, fmt.Sprintf("%s is answered %d %s after %v", method, r.status, r.code, took))
		return r
	}
	b.is.took[is] = append(b.is.took[is], took)
	return r
}

// inUse is what is left of the heap after a collection.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) // #nosec G115 -- far below
}
