package store

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/store/storetest"
)

var errOnFire = errors.New("disk on fire")

// burning is a disk whose log hangs at a sync, and fails at it when it goes on.
func burning(held <-chan struct{}, burns *atomic.Bool) vfs.FS {
	return errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !burns.Load() || !strings.HasSuffix(op.Path, ".log") {
			return nil
		}
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
			<-held
			return errOnFire
		}
		return nil
	}))
}

// A sync fails while the next group is written already, and one more waits: the
// process ends with last words, and all of them fail, in their turn.
func TestASyncThatFailsTakesWithItWhatIsAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held, burns := make(chan struct{}), &atomic.Bool{}
		var told, ended atomic.Int64
		var last atomic.Value
		s := openIn(t, burning(held, burns), ahead, func(o *Options) {
			o.OnFailure = func(error) { told.Add(1) }
			o.LastWords = func(err error) { last.Store(err) }
			o.Exit = func(code int) { ended.Add(int64(code)) }
		})
		sub := storetest.Subscriber("alice")
		storetest.Put(t, s, nil, []engine.Notification{storetest.Told("app", sub, 1)})
		burns.Store(true)
		var mu sync.Mutex
		var came []int
		for i := range 6 {
			s.Submit(0, 0, nil, []engine.Notification{storetest.Told("app", sub, uint64(i+2))}, completion(func(_ uint64, err error) { // #nosec G115 -- a test
				mu.Lock()
				defer mu.Unlock()
				came = append(came, i)
				require.ErrorIs(t, err, errOnFire)
				require.ErrorIs(t, err, errEnds, "who asked is told to ask again")
				require.NotZero(t, ended.Load(), "the process would be gone")
			}))
			synctest.Wait()
		}
		read := make(chan error)
		go func() { read <- s.journal.settled() }()
		synctest.Wait()
		require.Empty(t, came)
		close(held)
		require.Error(t, <-read)
		synctest.Wait()
		mu.Lock()
		require.Equal(t, []int{0, 1, 2, 3, 4, 5}, came)
		mu.Unlock()
		require.EqualValues(t, 1, told.Load())
		require.ErrorIs(t, last.Load().(error), errOnFire)
		require.EqualValues(t, 1, s.Durable())
		require.Error(t, s.Close())
	})
}

type completion func(index uint64, err error)

func (c completion) Done(index uint64, err error) { c(index, err) }

// A reader waits for two groups, and gives up when one of them takes too long by
// itself.
func TestADiskThatIsSlowTwiceDoesNotStandStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := newSlow()
		s := openIn(t, fs, ahead)
		defer func() { require.NoError(t, s.Close()) }()
		var order storetest.Order
		const slowly = standsStill * 3 / 4
		first, second := make(chan struct{}), make(chan struct{})
		fs.held.Store(&first)
		sub := storetest.Subscriber("alice")
		for i := range 2 {
			s.Submit(0, 0, []engine.Record{storetest.Of(sub)}, nil, order.Nth(i))
			synctest.Wait()
		}
		require.EqualValues(t, 2, s.journal.started.Load()-s.journal.finished.Load())
		time.AfterFunc(slowly, func() {
			fs.held.Store(&second)
			close(first)
		})
		time.AfterFunc(2*slowly, func() {
			fs.held.Store(nil)
			close(second)
		})
		began := time.Now()
		require.NoError(t, s.journal.settled())
		require.Equal(t, 2*slowly, time.Since(began))
		order.Wait(t, 2)
	})
}

// However much waits at a time, and whoever is told by whom: each submission
// completes once, in its order, with an index that only grows; one that no node
// here takes fails alone; and what comes as the store closes is stored or refused,
// and of what was refused nothing after it is stored.
func TestEachIsToldOnceWhoeverTells(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) { eachIsToldOnce(t, seed) })
	}
}

func eachIsToldOnce(t *testing.T, seed uint64) {
	dice := rand.New(rand.NewPCG(seed, 1))
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
			time.Sleep(time.Millisecond)
		}
		return nil
	}))
	s := openIn(t, fs, func(o *Options) { o.Ahead = 3000 })
	const n = 600
	var (
		mu    sync.Mutex
		came  int
		index uint64
		late  bool
		all   = make(chan struct{})
	)
	sub := storetest.Subscriber("alice")
	var closing sync.WaitGroup
	for i := range n {
		foreign := dice.IntN(20) == 0
		group := uint32(0)
		if foreign {
			group = 1
		}
		ev := storetest.Told("app", sub, uint64(i+1)) // #nosec G115 -- a test
		ev.Body = make([]byte, dice.IntN(1500))
		emit := []engine.Notification{ev}
		if dice.IntN(10) == 0 {
			emit = nil // nothing to store, and still behind all that is
		}
		s.Submit(group, 0, nil, emit, completion(func(is uint64, err error) {
			mu.Lock()
			defer mu.Unlock()
			if came != i {
				t.Errorf("seed %d: %d came at place %d", seed, i, came)
			}
			if came++; came == n {
				close(all)
			}
			switch {
			case errors.Is(err, ErrClosed):
				late = true
			case foreign && !errors.Is(err, errNoGroup), !foreign && err != nil, late:
				t.Errorf("seed %d: %d: %v, after one that was refused: %t", seed, i, err, late)
			case err == nil:
				if want := index + uint64(len(emit)); is != want || s.Durable() < is {
					t.Errorf("seed %d: %d has index %d and not %d; durable is %d", seed, i, is, want, s.Durable())
				}
				index = is
			}
		}))
		if dice.IntN(4) == 0 {
			time.Sleep(time.Duration(dice.IntN(3000)) * time.Microsecond)
		}
		if i == n-100 {
			closing.Go(func() { _ = s.Close() })
		}
	}
	select {
	case <-all:
	case <-time.After(30 * time.Second):
		t.Fatalf("seed %d: one was never told", seed)
	}
	closing.Wait()
}
