package store

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/store/storetest"
)

// slow is a disk whose log does not sync while it is held.
type slow struct {
	vfs.FS
	held  atomic.Pointer[chan struct{}]
	asked chan struct{} // gets one for each sync that hangs
	syncs atomic.Int64
}

func newSlow() *slow {
	s := &slow{asked: make(chan struct{}, 100)}
	s.FS = errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !strings.HasSuffix(op.Path, ".log") {
			return nil
		}
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
			s.syncs.Add(1)
			if held := s.held.Load(); held != nil {
				s.asked <- struct{}{}
				<-*held
			}
		}
		return nil
	}))
	return s
}

// hold returns what lets it go on.
func (s *slow) hold() (release func()) {
	held := make(chan struct{})
	s.held.Store(&held)
	return func() {
		s.held.Store(nil)
		close(held)
	}
}

// What comes while a sync hangs shares the next one.
func TestSubmissionsShareASync(t *testing.T) {
	fs := newSlow()
	reg := prometheus.NewRegistry()
	s := openIn(t, fs, func(o *Options) { o.Metrics = NewMetrics(reg) })
	defer func() { require.NoError(t, s.Close()) }()
	release := fs.hold()
	var order storetest.Order
	submit := func(i int) {
		sub := storetest.Subscriber(fmt.Sprint("user", i%3))
		sub.Source.Sequence = uint32(i)
		s.Submit(0, 0, []engine.Record{storetest.Of(sub)}, []engine.Notification{storetest.Told("app", sub, uint64(i))}, order.Nth(i))
	}
	submit(0)
	<-fs.asked
	before := fs.syncs.Load()
	for i := 1; i <= 500; i++ {
		submit(i)
	}
	release()
	order.Wait(t, 501)
	require.LessOrEqual(t, fs.syncs.Load()-before, int64(3), "500 submissions and not 500 syncs")
	for i, want := range []uint32{498, 499, 500} {
		sub, err := s.Load(fmt.Sprint("user", i))
		require.NoError(t, err)
		require.Equal(t, want, sub.Source.Sequence, "the last of each stands")
	}
}

// Of one subscriber put many times in a group, one record is written: a hot
// subscriber must not fill the log.
func TestAGroupHoldsASubscriberOnce(t *testing.T) {
	s := openIn(t, vfs.NewMem())
	defer func() { require.NoError(t, s.Close()) }()
	var group []*submission
	for i := range 100 {
		sub := storetest.Subscriber(fmt.Sprint("user", i%2))
		sub.Source.Sequence = uint32(i)
		one := newSubmission(nil, nil)
		one.encode([]engine.Record{storetest.Of(sub)}, nil)
		group = append(group, one)
	}
	twice := storetest.Subscriber("user1")
	one := newSubmission(nil, nil)
	one.encode([]engine.Record{storetest.Of(twice), {Kind: engine.RecordResynced, Subscriber: twice}, storetest.Of(twice)}, nil)
	require.Len(t, one.ops, 2, "the same within one submission")
	batch := s.db.NewBatch()
	defer func() { require.NoError(t, batch.Close()) }()
	j := &journal{next: 1, live: map[string]struct{}{}, last: map[string]bool{}}
	_, err := j.write(batch, append(group, one))
	require.NoError(t, err)
	require.EqualValues(t, 3, batch.Count(), "user0, user1 and the mark")
}

// A burst larger than a group is stored as several, in order.
func TestALargeBurst(t *testing.T) {
	fs := newSlow()
	s := openIn(t, fs)
	defer func() { require.NoError(t, s.Close()) }()
	release := fs.hold()
	var order storetest.Order
	body := make([]byte, maxGroup/4)
	for i := range 20 {
		sub := storetest.Subscriber("alice")
		n := storetest.Told("app", sub, uint64(i+1))
		n.Body = body
		s.Submit(0, 0, nil, []engine.Notification{n}, order.Nth(i))
	}
	<-fs.asked
	release()
	order.Wait(t, 20)
	require.EqualValues(t, 20, s.Durable())
}

// While much is synced the next much is written. It can be read by then, and is not
// durable: nothing shows it, and nobody is told before those ahead of it.
func TestMuchIsWrittenWhileMuchIsSynced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := newSlow()
		s := openIn(t, fs, ahead)
		defer func() { require.NoError(t, s.Close()) }()
		release := sync.OnceFunc(fs.hold())
		defer release()
		var order storetest.Order
		sub := storetest.Subscriber("alice")
		for i := range 4 {
			s.Submit(0, 0, nil, []engine.Notification{storetest.Told("app", sub, uint64(i+1))}, order.Nth(i))
			synctest.Wait()
		}
		written := func(index uint64) bool {
			found, err := s.get(eventKey(nil, "app", index), func([]byte) error { return nil })
			require.NoError(t, err)
			return found
		}
		require.True(t, written(1), "it is synced")
		require.True(t, written(2), "it is written meanwhile")
		require.False(t, written(4), "it waits, and shares a sync with what comes")
		require.Zero(t, s.Durable())
		_, found, err := s.Next(engine.StreamOf("app", "alice", engine.StreamCalls), 0)
		require.NoError(t, err)
		require.False(t, found, "shown before it was durable")
		require.Zero(t, order.Told())
		release()
		order.Wait(t, 4)
		require.EqualValues(t, 4, s.Durable())
	})
}

func TestARecordThatCannotBeStoredEndsTheStore(t *testing.T) {
	for name, r := range map[string]engine.Record{
		"of nobody":      {Kind: engine.RecordSubscriber},
		"of a new kind":  {Kind: 200, Subscriber: storetest.Subscriber("alice")},
		"of kind zero":   {Subscriber: storetest.Subscriber("alice")},
		"a call of none": {Kind: engine.RecordCall},
	} {
		unstorable(t, name, r, func(*Options) {})
		unstorable(t, name+", ahead", r, ahead)
	}
}

func unstorable(t *testing.T, name string, r engine.Record, how func(*Options)) {
	t.Run(name, func(t *testing.T) {
		var told atomic.Int64
		s := openIn(t, vfs.NewMem(), how, func(o *Options) { o.OnFailure = func(error) { told.Add(1) } })
		fine, bad, next := storetest.NewDone(), storetest.NewDone(), storetest.NewDone()
		sub := storetest.Subscriber("bob")
		s.Submit(0, 0, []engine.Record{storetest.Of(sub)}, nil, fine)
		s.Submit(0, 0, []engine.Record{storetest.Of(sub), r}, nil, bad)
		s.Submit(0, 0, []engine.Record{storetest.Of(sub)}, nil, next)
		require.NoError(t, fine.Err(t))
		require.Error(t, bad.Err(t))
		require.Error(t, next.Err(t), "its owner's memory is ahead of the store")
		require.EqualValues(t, 1, told.Load())
		require.Error(t, s.Close())
	})
}

// A completion may take locks that its submitter holds while it submits, also
// when the store is closed by then.
func TestCompletionsNeverRunInTheCaller(t *testing.T) {
	s := openIn(t, vfs.NewMem())
	var mu sync.Mutex
	done := make(chan error, 200)
	c := locking{&mu, done}
	submit := func() {
		mu.Lock()
		defer mu.Unlock()
		s.Submit(0, 0, nil, nil, c)
		s.Mark(0, 0, "alice", c)
	}
	for range 10 {
		submit()
	}
	for range 20 {
		require.NoError(t, <-done)
	}
	require.NoError(t, s.Close())
	for range 10 {
		submit()
	}
	for range 20 {
		require.ErrorIs(t, <-done, ErrClosed)
	}
}

type locking struct {
	mu   *sync.Mutex
	done chan error
}

func (l locking) Done(_ uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done <- err
}

// Lists show what is durable and wait for what they have seen and is not.
func TestListsWaitForTheDisk(t *testing.T) {
	for name, read := range map[string]func(*Store) (n int, err error){
		"one": func(s *Store) (int, error) {
			_, ok, err := s.Subscriber("alice")
			return map[bool]int{true: 1}[ok], err
		},
		"all": func(s *Store) (n int, err error) {
			err = s.Subscribers("", 0, func(*tenant.SubscriberInfo) error { n++; return nil })
			return n, err
		},
		"an app's": func(s *Store) (n int, err error) {
			err = s.Linked("app", "", 0, func(*tenant.SubscriberInfo) error { n++; return nil })
			return n, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fs := newSlow()
				s := openIn(t, fs)
				release := fs.hold()
				sub := storetest.Subscriber("alice")
				s.Submit(0, 0, []engine.Record{
					{Kind: engine.RecordProfile, Subscriber: sub}, storetest.Of(sub), {Kind: engine.RecordLink, Subscriber: sub, App: "app"},
				}, nil, storetest.NewDone())
				synctest.Wait()
				shown := 0
				var failed error
				go func() { shown, failed = read(s) }()
				synctest.Wait()
				require.Zero(t, shown, "shown before it was durable")
				release()
				synctest.Wait()
				require.NoError(t, failed)
				require.Equal(t, 1, shown)
				require.NoError(t, s.Close())
			})
		})
	}
}

// What is not durable is not shown, and a disk that stands still is not waited
// for: readers have no bound, and would be as many as there are requests.
func TestReadersDoNotWaitForADiskThatStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := newSlow()
		s := openIn(t, fs)
		defer func() { require.NoError(t, s.Close()) }()
		var order storetest.Order
		put := func(i int, name string) {
			sub := storetest.Subscriber("alice")
			sub.Profile.Name = name
			s.Submit(0, 0, []engine.Record{storetest.Of(sub)}, nil, order.Nth(i))
		}
		put(0, "Alice")
		order.Wait(t, 1)
		release := fs.hold()
		put(1, "Alice Liddell")
		<-fs.asked
		synctest.Wait() // what is being synced may not be shown yet
		for _, takes := range []time.Duration{standsStill, 0, 0} {
			began := time.Now()
			_, _, err := s.Subscriber("alice")
			var busy *engine.Error
			require.ErrorAs(t, err, &busy)
			require.Equal(t, engine.CodeBusy, busy.Code)
			require.Equal(t, takes, time.Since(began))
			require.ErrorAs(t, s.Subscribers("", 0, func(*tenant.SubscriberInfo) error { return nil }), &busy)
		}
		release()
		order.Wait(t, 2)
		is, found, err := s.Subscriber("alice")
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, "Alice Liddell", is.Profile.Name)

		release = fs.hold() // and one that only takes its time is
		put(2, "Alice")
		<-fs.asked
		synctest.Wait()
		time.AfterFunc(standsStill/2, release)
		is, _, err = s.Subscriber("alice")
		require.NoError(t, err)
		require.Equal(t, "Alice", is.Profile.Name)
		order.Wait(t, 3)
	})
}
