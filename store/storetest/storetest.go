// Package storetest proves that a store keeps what the actors and the delivery
// of webhooks rely on: durable before done, in order, all or nothing, and
// nothing shown that could still be lost.
package storetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/actor"
)

// Impl is what is proved.
type Impl interface {
	actor.Journal
	actor.Store

	Waiting(behind engine.StreamID, limit int, fn func(engine.Waiting) error) error
	WaitingOf(app string, kind engine.StreamKind, behind string, limit int, fn func(engine.Waiting) error) error
	Next(stream engine.StreamID, behind uint64) (engine.StoredEvent, bool, error)
	Delivered(stream engine.StreamID, sequence uint64)
	Expire(stream engine.StreamID, since uint64, old func(at int64) bool, now int64, eventID string) (bool, error)
	DropWaiting(app string, kind engine.StreamKind, through uint64) error
	Attempt(engine.Attempt)
	Attempts(stream engine.StreamID, sequence uint64) ([]engine.Attempt, error)
	Event(stream engine.StreamID, sequence uint64) (engine.StoredEvent, bool, error)
	Events(app string, behind uint64, limit int, fn func(engine.StoredEvent) error) (oldest uint64, err error)
	History(q engine.HistoryQuery, fn func(*engine.Profile, *engine.Call) error) (last engine.HistoryPlace, more bool, err error)
	Timeline(app string, call engine.CallID) (list []engine.Moment, found, more bool, err error)
	Durable() uint64
	Close() error
}

// Open opens the storage of one test. Called again after Close, within the
// same test, it opens the same storage.
type Open func(t *testing.T) Impl

// Run proves an implementation.
func Run(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Open)
	}{
		{"what is done can be read, before and after a restart", roundTrip},
		{"completions come in order", completionOrder},
		{"an empty submission completes behind those before it", emptySubmission},
		{"the caller may reuse what it passed", reuse},
		{"another group is refused and harms nobody", wrongGroup},
		{"nothing is stored after Close", afterClose},
		{"ids are compared folded, and none is a prefix of another", hostileIDs},
		{"how a subscriber went on is behind the record", wentOn},
		{"calls, owners and what is left of them", calls},
		{"idempotency keys", intents},
		{"users move with the profile", users},
		{"unsettled: live calls, open intents, deferred bodies, marks", unsettled},
		{"events are numbered on after a restart", numbering},
		{"the outbox gives the first of each stream", outbox},
		{"a dropped webhook queues nothing", dropWaiting},
		{"what waited too long becomes a gap", expire},
		{"a gap grows old too", expireAgain},
		{"a gap is bounded", expireMuch},
		{"the log is read by index", eventLog},
		{"attempts are kept by event", attempts},
		{"many at once", crowd},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open) })
	}
}

func closed(t *testing.T, s Impl) {
	t.Helper()
	require.NoError(t, s.Close())
}

func roundTrip(t *testing.T, open Open) {
	s := open(t)
	sub := Subscriber("Alice@example.com")
	index := Put(t, s, []engine.Record{Of(sub)}, []engine.Notification{Told("app", sub, 1), Told("app", sub, 2)})
	require.EqualValues(t, 2, index, "the index of the last event of the submission")
	require.EqualValues(t, 2, s.Durable())
	check := func() {
		t.Helper()
		got, err := s.Load("ALICE@EXAMPLE.COM")
		require.NoError(t, err)
		require.Equal(t, sub, got)
		other, err := s.Load("alice@example.co")
		require.NoError(t, err)
		require.Nil(t, other)
		ev, found, err := s.Event(Stream("app", sub), 2)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, engine.StoredEvent{Index: 2, Notification: Told("app", sub, 2)}, ev)
	}
	check()
	closed(t, s)
	s = open(t)
	defer closed(t, s)
	check()
	require.EqualValues(t, 2, s.Durable())
}

func completionOrder(t *testing.T, open Open) {
	s := open(t)
	defer closed(t, s)
	var order Order
	const n = 2000
	for i := range n {
		sub := Subscriber(ids(i % 7))
		s.Submit(0, 0, []engine.Record{Of(sub)}, []engine.Notification{Told("app", sub, uint64(i+1))}, order.Nth(i))
	}
	order.Wait(t, n)
	for i, index := range order.Indexes() {
		require.EqualValues(t, i+1, index, "each submission had one event")
	}
}

func emptySubmission(t *testing.T, open Open) {
	s := open(t)
	defer closed(t, s)
	var order Order
	sub := Subscriber("alice")
	s.Submit(0, 0, nil, nil, order.Nth(0))
	s.Submit(0, 0, []engine.Record{Of(sub)}, []engine.Notification{Told("app", sub, 1)}, order.Nth(1))
	s.Submit(0, 0, nil, nil, order.Nth(2))
	order.Wait(t, 3)
	require.Equal(t, []uint64{0, 1, 1}, order.Indexes())
}

func reuse(t *testing.T, open Open) {
	s := open(t)
	defer closed(t, s)
	sub := Subscriber("alice")
	sub.Streams = []engine.Stream{{App: "app", Linked: true, Calls: 1}}
	body := []byte(`{"n":1}`)
	put, emit := []engine.Record{Of(sub)}, []engine.Notification{Told("app", sub, 1)}
	emit[0].Body = body
	done := NewDone()
	s.Submit(0, 0, put, emit, done)
	sub.Streams[0].Calls = 99
	copy(body, "garbage")
	put[0], emit[0] = engine.Record{}, engine.Notification{}
	done.Wait(t)

	got, err := s.Load("alice")
	require.NoError(t, err)
	require.EqualValues(t, 1, got.Streams[0].Calls)
	ev, _, err := s.Event(Stream("app", sub), 1)
	require.NoError(t, err)
	require.JSONEq(t, `{"n":1}`, string(ev.Body))
}

func wrongGroup(t *testing.T, open Open) {
	s := open(t)
	defer closed(t, s)
	done := NewDone()
	s.Submit(7, 0, []engine.Record{Of(Subscriber("alice"))}, nil, done)
	require.Error(t, done.Err(t))
	got, err := s.Load("alice")
	require.NoError(t, err)
	require.Nil(t, got)
	Put(t, s, []engine.Record{Of(Subscriber("bob"))}, nil)
}

func afterClose(t *testing.T, open Open) {
	s := open(t)
	var order Order
	for i := range 100 {
		s.Submit(0, 0, []engine.Record{Of(Subscriber(ids(i)))}, nil, order.Nth(i))
	}
	closed(t, s)
	order.Wait(t, 100) // what was submitted before is stored
	late, mark := NewDone(), NewDone()
	s.Submit(0, 0, nil, nil, late)
	s.Mark(0, 0, "alice", mark)
	require.Error(t, late.Err(t))
	require.Error(t, mark.Err(t))
	_, err := s.Load("alice")
	require.Error(t, err)

	s = open(t)
	defer closed(t, s)
	for i := range 100 {
		got, err := s.Load(ids(i))
		require.NoError(t, err)
		require.NotNil(t, got, ids(i))
	}
}

func crowd(t *testing.T, open Open) {
	s := open(t)
	defer closed(t, s)
	const writers, each = 32, 50
	t.Run("writers", func(t *testing.T) {
		for w := range writers {
			t.Run(ids(w), func(t *testing.T) {
				t.Parallel()
				sub := Subscriber(ids(w))
				for i := range each {
					sub.Source.Sequence = uint32(i + 1)
					Put(t, s, []engine.Record{Of(sub)}, []engine.Notification{Told("app", sub, uint64(i+1))})
				}
			})
		}
	})
	require.EqualValues(t, writers*each, s.Durable())
	seen := map[string]uint64{}
	last := uint64(0)
	_, err := s.Events("app", 0, 0, func(ev engine.StoredEvent) error {
		require.Equal(t, last+1, ev.Index)
		require.Equal(t, seen[ev.Subscriber]+1, ev.Sequence, "in the order of submission")
		last, seen[ev.Subscriber] = ev.Index, ev.Sequence
		return nil
	})
	require.NoError(t, err)
	require.EqualValues(t, writers*each, last)
	for w := range writers {
		got, err := s.Load(ids(w))
		require.NoError(t, err)
		require.EqualValues(t, each, got.Source.Sequence, "the last state stands")
	}
}
