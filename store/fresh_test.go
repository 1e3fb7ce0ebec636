package store

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"offhook/engine"
	"offhook/store/storetest"
)

// held is how many events are in memory, and what they take by the books; both
// counted anew.
func (f *fresh) held(t require.TestingT) (n, size int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var before *freshEvent
	for e := f.oldest; e != nil; e = e.newer {
		require.Same(t, e, f.by[e.place()])
		require.True(t, before == e.older)
		before = e
		n++
		size += e.size()
	}
	require.True(t, before == f.newest)
	require.Len(t, f.by, n)
	require.Equal(t, size, f.size)
	return n, size
}

// A store with a memory for fresh events is told the same as one without; what
// is then read from them must be the same, whatever was forgotten.
func TestFreshEventsAreWhatIsOnDisk(outer *testing.T) {
	apps := []string{"app", "7fa63706-39c8-44c8-bf1b-f0749dda9110"}
	names := []string{"Alice", "bob", "carol@example.com"}
	rapid.Check(outer, func(t *rapid.T) {
		var stores [3]*Store
		rooms := []int{-1, 3 * (freshCost + 40), 0}
		for i := range stores {
			opts := Options{FS: vfs.NewMem(), SweepEvery: -1, CacheBytes: 1 << 20, MemTable: 1 << 20, FreshBytes: rooms[i]}
			s, err := Open("data", opts)
			require.NoError(t, err)
			stores[i] = s
		}
		defer func() {
			for _, s := range stores {
				require.NoError(t, s.Close())
			}
		}()
		last := map[engine.StreamID]uint64{}
		app, name := rapid.SampledFrom(apps), rapid.SampledFrom(names)
		kind := rapid.SampledFrom([]engine.StreamKind{engine.StreamCalls, engine.StreamSubscriber})
		now := int64(0)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			a, sub, k := app.Draw(t, "app"), storetest.Subscriber(name.Draw(t, "name")), kind.Draw(t, "kind")
			stream := engine.StreamOf(a, sub.ID, k)
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			default:
				var emit []engine.Notification
				for range rapid.IntRange(1, 4).Draw(t, "events") {
					now++
					last[stream]++
					n := storetest.Told(a, sub, last[stream])
					n.Kind, n.Time, n.Queue = k, now, rapid.IntRange(0, 4).Draw(t, "queued") > 0
					emit = append(emit, n)
				}
				for _, s := range stores {
					storetest.Put(outer, s, nil, emit)
				}
			case 0, 1, 2, 3:
				n := rapid.Uint64Range(0, last[stream]+1).Draw(t, "delivered")
				for _, s := range stores {
					s.Delivered(stream, n)
				}
			case 4:
				old := rapid.Int64Range(0, now).Draw(t, "old")
				for _, s := range stores {
					_, err := s.Expire(stream, 0, func(at int64) bool { return at <= old }, now, fmt.Sprintf("evt_gap%d", now))
					require.NoError(t, err)
				}
			case 5:
				through := rapid.Uint64Range(0, stores[0].Durable()).Draw(t, "through")
				for _, s := range stores {
					require.NoError(t, s.DropWaiting(a, k, through))
				}
			case 6:
				i := rapid.IntRange(0, len(stores)-1).Draw(t, "restarts")
				require.NoError(t, stores[i].Close())
				s, err := Open("data", stores[i].opts)
				require.NoError(t, err)
				n, _ := s.fresh.held(t)
				require.Zero(t, n)
				stores[i] = s
			}
			for _, s := range stores {
				require.NoError(t, s.lazy.flush())
				_, size := s.fresh.held(t)
				require.LessOrEqual(t, size, s.fresh.room)
			}
			for stream, n := range last {
				for behind := range n + 1 {
					want, found, err := stores[0].Next(stream, behind)
					require.NoError(t, err)
					for _, s := range stores[1:] {
						got, have, err := s.Next(stream, behind)
						require.NoError(t, err)
						require.Equal(t, found, have)
						require.Equal(t, want, got)
					}
				}
			}
		}
	})
}

// What waits for delivery is answered from memory, and what is not in there any
// more from disk.
func TestTheOldestFreshEventsAreRead(t *testing.T) {
	const room = 10
	s := openIn(t, vfs.NewMem(), func(o *Options) { o.FreshBytes = room * (freshCost + 40) })
	defer func() { require.NoError(t, s.Close()) }()
	sub := storetest.Subscriber("Alice")
	stream := storetest.Stream("app", sub)
	for i := range uint64(3 * room) {
		storetest.Put(t, s, nil, []engine.Notification{storetest.Told("app", sub, i+1)})
	}
	kept, _ := s.fresh.held(t)
	require.Equal(t, room, kept)
	for i := range uint64(3 * room) {
		var ev engine.StoredEvent
		require.Equal(t, i >= 2*room, s.fresh.get(stream, i+1, &ev))
		got, found, err := s.Next(stream, i)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, engine.StoredEvent{Index: i + 1, Notification: storetest.Told("app", sub, i+1)}, got)
	}
	s.Delivered(engine.StreamID{App: "app", Subscriber: "ALICE", Kind: engine.StreamCalls}, 3*room)
	kept, _ = s.fresh.held(t)
	require.Equal(t, room-1, kept, "who it is for is folded")
}

// One that is larger than the memory is not in it, and neither is what only is
// logged.
func TestWhatIsNotFresh(t *testing.T) {
	s := openIn(t, vfs.NewMem(), func(o *Options) { o.FreshBytes = freshCost + 1000 })
	defer func() { require.NoError(t, s.Close()) }()
	sub := storetest.Subscriber("alice")
	large, logged := storetest.Told("app", sub, 1), storetest.Told("app", sub, 2)
	large.Body, logged.Queue = make([]byte, 2000), false
	storetest.Put(t, s, nil, []engine.Notification{large, logged})
	kept, _ := s.fresh.held(t)
	require.Zero(t, kept)
	ev, found, err := s.Next(large.Stream(), 0)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, large, ev.Notification)
}

// What is in memory is not shown before it is durable, and not at all after a
// failure: it never came to be there.
func TestNothingIsFreshThatWasNotSynced(t *testing.T) {
	s := openIn(t, vfs.NewMem())
	sub := storetest.Subscriber("alice")
	storetest.Put(t, s, nil, []engine.Notification{storetest.Told("app", sub, 1)})
	s.journal.poison(fmt.Errorf("the disk is gone"))
	lost := storetest.NewDone()
	s.Submit(0, 0, nil, []engine.Notification{storetest.Told("app", sub, 2)}, lost)
	require.Error(t, lost.Err(t))
	kept, _ := s.fresh.held(t)
	require.Equal(t, 1, kept)
	_, found, err := s.Next(storetest.Stream("app", sub), 1)
	require.NoError(t, err)
	require.False(t, found)
	require.Error(t, s.Close())
}
