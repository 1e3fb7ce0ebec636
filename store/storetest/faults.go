package storetest

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// OpenOn opens storage in a file system. failed hears of a failure that would
// end the process, which must not happen here.
type OpenOn func(t *testing.T, fs vfs.FS, failed func(error)) Impl

// RunFaults proves an implementation that lives on a file system: what a slow,
// a failing and a vanishing disk do to it.
func RunFaults(t *testing.T, open OpenOn) {
	t.Run("nothing is visible before its sync returned", func(t *testing.T) { slowDisk(t, open) })
	t.Run("after a failed sync nothing succeeds", func(t *testing.T) { failedSync(t, open) })
	for _, percent := range []int{0, 50, 100} {
		t.Run(map[int]string{
			0:   "a power cut keeps what was completed; nothing unsynced survives",
			50:  "a power cut keeps what was completed; half of the unsynced survives",
			100: "a power cut keeps what was completed; all of the unsynced survives",
		}[percent], func(t *testing.T) { powerCuts(t, open, percent) })
	}
}

// walSync reports whether an operation makes the write-ahead log durable.
func walSync(op errorfs.Op) bool {
	switch op.Kind {
	case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
		return strings.HasSuffix(op.Path, ".log")
	}
	return false
}

func slowDisk(t *testing.T, open OpenOn) {
	var gate atomic.Pointer[chan struct{}]
	asked := make(chan struct{}, 1000)
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if walSync(op) {
			if g := gate.Load(); g != nil {
				asked <- struct{}{}
				<-*g
			}
		}
		return nil
	}))
	s := open(t, fs, func(error) {})
	sub := Subscriber("alice")
	stream := Stream("app", sub)
	Put(t, s, []engine.Record{{Kind: engine.RecordProfile, Subscriber: sub}, Of(sub)}, []engine.Notification{Told("app", sub, 1)})

	g := make(chan struct{})
	gate.Store(&g)
	two, three, mark, empty := NewDone(), NewDone(), NewDone(), NewDone()
	s.Submit(0, 0, []engine.Record{Of(sub)}, []engine.Notification{Told("app", sub, 2), Told("app", Subscriber("bob"), 1)}, two)
	select {
	case <-asked: // the batch is in the memtable, and its sync hangs
	case <-time.After(patience):
		require.FailNow(t, "nobody synced")
	}
	s.Submit(0, 0, []engine.Record{Of(sub)}, []engine.Notification{Told("app", sub, 3)}, three)
	s.Mark(0, 0, "alice", mark)
	s.Submit(0, 0, nil, nil, empty)

	hidden := func() {
		t.Helper()
		for _, d := range []*Done{two, three, mark, empty} {
			require.True(t, d.Pending(), "done before it was durable")
		}
		require.EqualValues(t, 1, s.Durable())
		require.Equal(t, []engine.Waiting{{Stream: stream, Sequence: 1, Index: 1}}, firsts(t, s, engine.StreamID{}, 0))
		require.Equal(t, []uint64{1}, waiting(t, s, stream, 0))
		_, found, err := s.Next(stream, 1)
		require.NoError(t, err)
		require.False(t, found)
		_, found, err = s.Event(stream, 2)
		require.NoError(t, err)
		require.False(t, found)
		var indexes []uint64
		_, err = s.Events("app", 0, 0, func(ev engine.StoredEvent) error {
			indexes = append(indexes, ev.Index)
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, []uint64{1}, indexes)
	}
	hidden()
	s.Delivered(stream, 7) // lazy rows do not wait for the disk, and do not help it
	s.Attempt(engine.Attempt{Stream: stream, Sequence: 1, Index: 1})
	hidden()
	gate.Store(nil)
	close(g)
	for _, d := range []*Done{two, three, mark, empty} {
		d.Wait(t)
	}
	require.Equal(t, []uint64{1, 2, 3}, waiting(t, s, stream, 0))
	closed(t, s)
}

var errDisk = errors.New("disk on fire")

func failedSync(t *testing.T, open OpenOn) {
	mem := vfs.NewMem()
	var broken atomic.Bool
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && walSync(op) {
			return errDisk
		}
		return nil
	}))
	var told []error
	var mu sync.Mutex
	s := open(t, fs, func(err error) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, err)
	})
	sub := Subscriber("alice")
	Put(t, s, []engine.Record{Of(sub)}, []engine.Notification{Told("app", sub, 1)})
	broken.Store(true)
	var dones []*Done
	for n := range uint64(50) {
		d := NewDone()
		dones = append(dones, d)
		s.Submit(0, 0, []engine.Record{Of(sub)}, []engine.Notification{Told("app", sub, n+2)}, d)
	}
	d := NewDone()
	s.Mark(0, 0, "alice", d)
	for _, d := range append(dones, d) {
		require.Error(t, d.Err(t))
	}
	broken.Store(false) // a disk that comes back does not bring back what was lost
	later := NewDone()
	s.Submit(0, 0, nil, nil, later)
	require.Error(t, later.Err(t), "nothing succeeds after a failure")
	require.EqualValues(t, 1, s.Durable())
	_, found, err := s.Next(Stream("app", sub), 1)
	require.NoError(t, err)
	require.False(t, found)
	require.Error(t, s.Close())
	mu.Lock()
	defer mu.Unlock()
	require.NotEmpty(t, told)
}

// ledger is what was promised: how far each subscriber got.
type ledger struct {
	mu   sync.Mutex
	done map[string]uint64 // transitions completed
	sent map[string]uint64 // transitions submitted
}

func (l *ledger) copy(m map[string]uint64) map[string]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := map[string]uint64{}
	for k, v := range m {
		c[k] = v
	}
	return c
}

type step struct {
	l  *ledger
	id string
	n  uint64
}

func (s step) Done(_ uint64, err error) {
	if err != nil {
		return
	}
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	s.l.done[s.id] = max(s.l.done[s.id], s.n)
}

// cut is the disk as it was when the power went, and what was promised by then.
type cut struct {
	fs   *vfs.MemFS
	done map[string]uint64
}

// cutsChecked is how many of the cuts are looked at, spread over the life: with
// the race detector, and Pebble's own checks that come with it, each takes long.
const cutsChecked = 40

// powerCuts runs one life with a cut at each write to the disk, and then looks
// at what every one of them left.
func powerCuts(t *testing.T, open OpenOn, percent int) {
	const subscribers, transitions = 4, 60
	mem := vfs.NewCrashableMem()
	l := &ledger{done: map[string]uint64{}, sent: map[string]uint64{}}
	rng := rand.New(rand.NewPCG(1, uint64(percent))) // #nosec G115 G404 -- a test
	var cuts []cut
	var mu sync.Mutex
	var on atomic.Bool
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if on.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			mu.Lock()
			defer mu.Unlock()
			done := l.copy(l.done) // before the picture is taken
			cuts = append(cuts, cut{mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng}), done})
		}
		return nil
	}))
	s := open(t, fs, func(error) {})
	on.Store(true)
	now := time.Now().UnixMilli()
	var last *Done
	for n := uint64(1); n <= transitions; n++ {
		for i := range subscribers {
			sub := Subscriber(ids(i))
			sub.Source.Sequence = uint32(n)
			sub.Calls = []engine.Call{{ID: callOf(sub.ID, n), State: engine.StateActive, CreatedAt: now}}
			sub.Streams = []engine.Stream{{App: "app", Linked: true}}
			put := []engine.Record{
				Of(sub), {Kind: engine.RecordCall, Subscriber: sub, Call: &sub.Calls[0]},
				{Kind: engine.RecordTrace, Subscriber: sub, Traces: []engine.Trace{{Call: callOf(sub.ID, n), Kind: engine.TraceTold, App: "app", Number: n}}},
			}
			if n > 1 { // the one before ends
				put = append(put, engine.Record{Kind: engine.RecordCall, Subscriber: sub, Call: &engine.Call{
					ID: callOf(sub.ID, n-1), State: engine.StateReleased, CreatedAt: now, ReleasedAt: now + int64(n), // #nosec G115 -- a test
				}})
			}
			s.Submit(0, 0, put, []engine.Notification{Told("app", sub, n), Told("other", sub, n)}, step{l, sub.ID, n})
		}
		last = NewDone()
		s.Submit(0, 0, nil, nil, last)
		if n%3 == 0 {
			last.Wait(t)
		}
	}
	last.Wait(t)
	on.Store(false)
	closed(t, s)
	mu.Lock()
	defer mu.Unlock()
	t.Log(len(cuts), "cuts")
	require.Greater(t, len(cuts), cutsChecked)
	for i := range cutsChecked {
		from, to := i*len(cuts)/cutsChecked, (i+1)*len(cuts)/cutsChecked
		survived(t, open, &cuts[from+rng.IntN(to-from)], subscribers)
	}
}

// pastOf checks what is kept of the calls of a subscriber who began n of them,
// and ended all but the last.
func pastOf(t *testing.T, s Impl, id string, n uint64) {
	t.Helper()
	next := n
	_, _, err := s.History(engine.HistoryQuery{App: "app", Subscriber: id, Limit: 1000}, func(_ *engine.Profile, c *engine.Call) error {
		next--
		require.Equal(t, callOf(id, next), c.ID)
		return nil
	})
	require.NoError(t, err)
	require.LessOrEqual(t, next, uint64(1), "the history of %s has all that ended, and nothing else", id)
	for i := max(n, 2) - 1; i <= n+1; i++ { // what is cut off is the end
		list, found, _, err := s.Timeline("app", callOf(id, i))
		require.NoError(t, err)
		require.Equal(t, i <= n, found)
		if found {
			require.Len(t, list, 1)
			require.Equal(t, i, list[0].Number)
			require.NotEmpty(t, list[0].EventID, "the event came with it")
		}
	}
}

func survived(t *testing.T, open OpenOn, c *cut, subscribers int) {
	s := open(t, c.fs, func(error) {})
	check := func() {
		t.Helper()
		for i := range subscribers {
			id := ids(i)
			sub, err := s.Load(id)
			require.NoError(t, err)
			var n uint64
			if sub != nil {
				n = uint64(sub.Source.Sequence)
			}
			require.GreaterOrEqual(t, n, c.done[id], "a completed transition of %s is lost", id)
			for _, app := range []string{"app", "other"} {
				stream := engine.StreamOf(app, id, engine.StreamCalls)
				list := waiting(t, s, stream, 0)
				require.Len(t, list, int(n), "the outbox of %s has what its record says, no more and no less", id)
				if n > 0 {
					require.Equal(t, n, list[n-1])
				}
				_, found, err := s.Event(stream, n+1)
				require.NoError(t, err)
				require.False(t, found)
			}
			owner, err := s.Owner(callOf(id, n+1))
			require.NoError(t, err)
			require.Empty(t, owner)
			pastOf(t, s, id, n)
		}
		logged := map[string]uint64{}
		_, err := s.Events("app", 0, 0, func(ev engine.StoredEvent) error {
			require.Equal(t, logged[ev.Subscriber]+1, ev.Sequence)
			logged[ev.Subscriber] = ev.Sequence
			return nil
		})
		require.NoError(t, err)
		for i := range subscribers {
			require.GreaterOrEqual(t, logged[ids(i)], c.done[ids(i)])
		}
	}
	check()
	// The power goes again at once: what was seen must not be lost by it.
	again := c.fs.CrashClone(vfs.CrashCloneCfg{})
	before := s.Durable()
	closed(t, s)
	s = open(t, again, func(error) {})
	require.Equal(t, before, s.Durable())
	check()
	sub := Subscriber("later")
	require.Equal(t, before+1, Put(t, s, nil, []engine.Notification{Told("app", sub, 1)}), "numbers go on")
	closed(t, s)
}
