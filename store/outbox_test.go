package store

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/store/storetest"
)

// A row that was deleted is walked over until a compaction takes it away. Who
// knows what was delivered does not walk.
func TestNextDoesNotWalkOverWhatWasDelivered(t *testing.T) {
	s := openIn(t, vfs.NewMem(), func(o *Options) { o.MemTable = 64 << 20 })
	defer func() { require.NoError(t, s.Close()) }()
	sub := storetest.Subscriber("alice")
	stream := storetest.Stream("app", sub)
	const n = 20_000
	var emit []engine.Notification
	for i := range uint64(n) {
		emit = append(emit, storetest.Told("app", sub, i+1))
	}
	// One was logged and not queued, so that the next one has to be looked for.
	unqueued := storetest.Told("app", sub, n+1)
	unqueued.Queue = false
	storetest.Put(t, s, nil, append(emit, unqueued, storetest.Told("app", sub, n+2)))
	for i := range uint64(n) {
		s.Delivered(stream, i+1)
	}
	require.NoError(t, s.lazy.flush())

	quickest := func(behind uint64) time.Duration {
		least := time.Hour
		for range 10 {
			began := time.Now()
			ev, found, err := s.Next(stream, behind)
			least = min(least, time.Since(began))
			require.NoError(t, err)
			require.True(t, found)
			require.EqualValues(t, n+2, ev.Sequence)
		}
		return least
	}
	require.Less(t, quickest(n)*5, quickest(0))
}

// A delivery may be told while its event is swept or its app deleted: nothing
// comes of it.
func TestDeliveriesOfNothing(t *testing.T) {
	s := openIn(t, vfs.NewMem())
	stream := engine.StreamOf("app", "nobody", engine.StreamCalls)
	s.Delivered(stream, 1)
	s.Attempt(engine.Attempt{Stream: stream, Sequence: 1, Number: 1})
	list, err := s.Attempts(stream, 1)
	require.NoError(t, err)
	require.Empty(t, list)
	require.NoError(t, s.Close())
	s.Delivered(stream, 2)
	s.Attempt(engine.Attempt{Stream: stream, Sequence: 2})
	_, _, err = s.Next(stream, 0)
	require.ErrorIs(t, err, ErrClosed)
	_, err = s.Events("app", 0, 0, nil)
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, s.Waiting(engine.StreamID{}, 0, nil), ErrClosed)
	require.ErrorIs(t, s.Sweep(), ErrClosed)
	require.ErrorIs(t, s.Unsettled(nil), ErrClosed)
}
