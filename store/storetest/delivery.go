package storetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

func numbering(t *testing.T, open Open) {
	s := open(t)
	sub := Subscriber("alice")
	for n := uint64(1); n <= 5; n++ {
		require.Equal(t, n, s.Durable()+1)
		require.Equal(t, n, Put(t, s, []engine.Record{Of(sub)}, []engine.Notification{Told("app", sub, n)}))
		closed(t, s)
		s = open(t)
	}
	closed(t, s)
}

// firsts is what Waiting gives.
func firsts(t *testing.T, s Impl, behind engine.StreamID, limit int) []engine.Waiting {
	t.Helper()
	var list []engine.Waiting
	require.NoError(t, s.Waiting(behind, limit, func(w engine.Waiting) error {
		list = append(list, w)
		return nil
	}))
	return list
}

// waiting is what Next gives, one after the other.
func waiting(t *testing.T, s Impl, stream engine.StreamID, behind uint64) []uint64 {
	t.Helper()
	var list []uint64
	for {
		ev, found, err := s.Next(stream, behind)
		require.NoError(t, err)
		if !found {
			return list
		}
		require.Greater(t, ev.Sequence, behind)
		require.Equal(t, stream, ev.Stream())
		require.True(t, ev.Queue)
		list = append(list, ev.Sequence)
		behind = ev.Sequence
	}
}

func outbox(t *testing.T, open Open) {
	s := open(t)
	alice, bob := Subscriber("Alice"), Subscriber("bob")
	Put(t, s, nil, []engine.Notification{Told("app", alice, 1), Told("app", bob, 1), Told("other", alice, 1)})
	Put(t, s, nil, []engine.Notification{Told("app", alice, 2), Told("app", alice, 3)})
	logged := Told("app", alice, 4)
	logged.Queue = false
	provisioned := Told("app", alice, 1)
	provisioned.Kind = engine.StreamSubscriber
	Put(t, s, nil, []engine.Notification{logged, Told("app", alice, 5), provisioned})

	streams := []engine.StreamID{Stream("app", alice), Stream("app", bob), Stream("other", alice), provisioned.Stream()}
	list := firsts(t, s, engine.StreamID{}, 0)
	var got []engine.StreamID
	for _, w := range list {
		got = append(got, w.Stream)
		require.EqualValues(t, 1, w.Sequence)
	}
	require.ElementsMatch(t, streams, got)
	var paged []engine.Waiting
	for behind := (engine.StreamID{}); ; {
		page := firsts(t, s, behind, 1)
		if len(page) == 0 {
			break
		}
		paged = append(paged, page...)
		behind = page[0].Stream
	}
	require.Equal(t, list, paged)
	var app []engine.Waiting
	for behind := ""; ; behind = app[len(app)-1].Stream.Subscriber {
		before := len(app)
		require.NoError(t, s.WaitingOf("app", engine.StreamCalls, behind, 1, func(w engine.Waiting) error {
			app = append(app, w)
			return nil
		}))
		if len(app) == before {
			break
		}
	}
	require.Len(t, app, 2)
	for _, w := range app {
		require.Contains(t, list, w)
		require.Equal(t, Stream("app", alice).App, w.Stream.App)
		require.Equal(t, engine.StreamCalls, w.Stream.Kind)
	}

	require.Equal(t, []uint64{1, 2, 3, 5}, waiting(t, s, Stream("app", alice), 0), "4 is logged and not queued")
	require.Equal(t, []uint64{3, 5}, waiting(t, s, Stream("app", alice), 2))
	unfolded := Stream("app", alice)
	unfolded.Subscriber = "ALICE"
	ev, found, err := s.Next(unfolded, 3)
	require.NoError(t, err)
	require.True(t, found)
	require.EqualValues(t, 5, ev.Sequence)

	s.Delivered(Stream("app", alice), 1)
	s.Delivered(Stream("app", alice), 2)
	s.Delivered(Stream("app", bob), 1)
	s.Delivered(Stream("app", bob), 1) // once more changes nothing
	for range 2 {
		for _, w := range firsts(t, s, engine.StreamID{}, 0) {
			require.NotEqual(t, Stream("app", bob), w.Stream)
			if w.Stream == Stream("app", alice) {
				require.EqualValues(t, 3, w.Sequence)
			}
		}
		ev, found, err := s.Event(Stream("app", alice), 1)
		require.NoError(t, err)
		require.True(t, found, "what was delivered is kept for a while")
		require.Equal(t, Told("app", alice, 1), ev.Notification)
		closed(t, s)
		s = open(t)
	}
	closed(t, s)
}

func dropWaiting(t *testing.T, open Open) {
	s := open(t)
	defer closed(t, s)
	const streams = 1500
	for i := range streams {
		sub := Subscriber(ids(i))
		other := Told("app", sub, 1)
		other.Kind = engine.StreamSubscriber
		emit := []engine.Notification{Told("ap", sub, 1), Told("app", sub, 1), Told("app", sub, 2), Told("apq", sub, 1), other}
		s.Submit(0, 0, nil, emit, NewDone())
	}
	Put(t, s, nil, nil)
	through := s.Durable()
	late := Told("app", Subscriber(ids(7)), 3)
	Put(t, s, nil, []engine.Notification{late})
	require.NoError(t, s.DropWaiting("app", engine.StreamCalls, through))
	require.Equal(t, []uint64{3}, waiting(t, s, late.Stream(), 0), "what came after is for whoever is next")
	require.NoError(t, s.DropWaiting("app", engine.StreamCalls, s.Durable()))
	left := map[string]int{}
	for _, w := range firsts(t, s, engine.StreamID{}, 0) {
		left[w.Stream.App+"/"+w.Stream.Kind.String()]++
	}
	require.Equal(t, map[string]int{"ap/calls": streams, "apq/calls": streams, "app/subscriber": streams}, left)
	_, found, err := s.Event(engine.StreamOf("app", ids(3), engine.StreamCalls), 2)
	require.NoError(t, err)
	require.True(t, found, "they stay in the log")
}

func eventLog(t *testing.T, open Open) {
	s := open(t)
	defer closed(t, s)
	alice, bob := Subscriber("alice"), Subscriber("bob")
	for n := uint64(1); n <= 10; n++ {
		Put(t, s, nil, []engine.Notification{Told("app", alice, n), Told("other", bob, n)})
	}
	read := func(behind uint64, limit int) (indexes []uint64) {
		oldest, err := s.Events("app", behind, limit, func(ev engine.StoredEvent) error {
			indexes = append(indexes, ev.Index)
			require.Equal(t, Told("app", alice, ev.Sequence), ev.Notification)
			return nil
		})
		require.NoError(t, err)
		require.EqualValues(t, 1, oldest, "nothing was removed")
		return indexes
	}
	require.Equal(t, []uint64{1, 3, 5, 7, 9, 11, 13, 15, 17, 19}, read(0, 0))
	require.Equal(t, []uint64{5, 7}, read(3, 2))
	require.Equal(t, []uint64{5, 7}, read(4, 2), "an index that is another app's is a place like any")
	require.Empty(t, read(19, 0))
	require.Empty(t, read(20, 0))
	require.Empty(t, read(1<<60, 0))
}

func attempts(t *testing.T, open Open) {
	s := open(t)
	sub := Subscriber("alice")
	Put(t, s, nil, []engine.Notification{Told("app", sub, 1), Told("app", sub, 2)})
	tries := []engine.Attempt{
		{Stream: Stream("app", sub), Sequence: 1, Index: 1, Number: 1, At: 100, Took: 7, Error: "connection refused", NextAt: 1100},
		{Stream: Stream("app", sub), Sequence: 1, Index: 1, Number: 2, At: 1100, Took: 9, Status: 503, NextAt: 3100},
		{Stream: Stream("app", sub), Sequence: 1, Index: 1, Number: 3, At: 3100, Took: 3, Status: 200, Redelivery: true},
	}
	for _, a := range tries {
		if a.Number == 2 {
			a.Index = 0 // to be looked up
		}
		s.Attempt(a)
	}
	other := engine.Attempt{Stream: Stream("app", sub), Sequence: 2, Index: 2, Number: 1, At: 5}
	s.Attempt(other)
	for range 2 {
		got, err := s.Attempts(Stream("app", sub), 1)
		require.NoError(t, err)
		require.Equal(t, tries, got)
		got, err = s.Attempts(Stream("app", sub), 2)
		require.NoError(t, err)
		require.Equal(t, []engine.Attempt{other}, got)
		got, err = s.Attempts(Stream("app", sub), 3)
		require.NoError(t, err)
		require.Empty(t, got)
		closed(t, s)
		s = open(t)
	}
	closed(t, s)
}
