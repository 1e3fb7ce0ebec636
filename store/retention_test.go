package store

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/clock"
	"offhook/store/storetest"
)

const day = 24 * 3600 * 1000 // ms

type ageing struct {
	*testing.T
	*Store
	now atomic.Int64
}

func newAgeing(t *testing.T) *ageing {
	a := &ageing{T: t}
	a.now.Store(100 * day)
	a.Store = openIn(t, vfs.NewMem(), func(o *Options) {
		o.Clock, o.History = clock.New(a.now.Load, nil), 7*24*time.Hour
	})
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return a
}

func (a *ageing) told(app string, sub *engine.Subscriber, sequence uint64, queue bool) {
	n := storetest.Told(app, sub, sequence)
	n.Time, n.Queue = a.now.Load(), queue
	storetest.Put(a.T, a.Store, nil, []engine.Notification{n})
	a.Attempt(engine.Attempt{Stream: n.Stream(), Sequence: sequence, Number: 1, At: n.Time})
}

func (a *ageing) log(app string) (sequences []uint64, oldest uint64) {
	oldest, err := a.Events(app, 0, 0, func(ev engine.StoredEvent) error {
		sequences = append(sequences, ev.Sequence)
		return nil
	})
	require.NoError(a.T, err)
	return sequences, oldest
}

func (a *ageing) days(n float64) { a.now.Add(int64(n * day)) }

func (a *ageing) rows(prefix string) (n int) {
	require.NoError(a.T, a.scan([]byte(prefix), nil, func(_, _ []byte) (bool, error) { n++; return true, nil }))
	return n
}

func TestDeliveredEventsAreForgottenAfterAWeek(t *testing.T) {
	a := newAgeing(t)
	alice, bob := storetest.Subscriber("alice"), storetest.Subscriber("bob")
	a.told("app", alice, 1, true)
	a.told("app", alice, 2, true)
	a.told("other", bob, 1, false)
	a.days(6)
	a.told("app", alice, 3, true)
	a.Delivered(storetest.Stream("app", alice), 1)
	a.Delivered(storetest.Stream("app", alice), 2)
	require.NoError(t, a.Sweep())
	sequences, oldest := a.log("app")
	require.Equal(t, []uint64{1, 2, 3}, sequences, "a week has not passed")
	require.EqualValues(t, 1, oldest)

	a.days(1.5)
	require.NoError(t, a.Sweep())
	sequences, oldest = a.log("app")
	require.Equal(t, []uint64{3}, sequences)
	require.EqualValues(t, 3, oldest, "a reader who stopped at 1 learns that 2 is gone")
	sequences, oldest = a.log("other")
	require.Empty(t, sequences, "what was only logged goes too")
	require.EqualValues(t, 4, oldest)
	_, found, err := a.Event(storetest.Stream("app", alice), 2)
	require.NoError(t, err)
	require.False(t, found)
	require.Equal(t, 1, a.rows(prefixAt))
	require.Equal(t, 1, a.rows(prefixAtt), "attempts go with their event")

	// The numbers of events go on even when none is left.
	a.Delivered(storetest.Stream("app", alice), 3)
	a.days(30)
	require.NoError(t, a.Sweep())
	require.Zero(t, a.rows(prefixEv)+a.rows(prefixAt)+a.rows(prefixAtt)+a.rows(prefixWait))
	require.NoError(t, a.Close())
	a.Store = openIn(t, a.opts.FS, func(o *Options) {
		o.Clock, o.History = clock.New(a.now.Load, nil), 7*24*time.Hour
	})
	require.EqualValues(t, 4, a.Durable())
}

func TestAnEventThatWaitsIsKept(t *testing.T) {
	a := newAgeing(t)
	stuck, fine := storetest.Subscriber("stuck"), storetest.Subscriber("fine")
	const n = 2*sweepStep + 10
	a.told("app", fine, 1, true)
	a.Delivered(storetest.Stream("app", fine), 1)
	a.told("app", stuck, 1, true)
	for i := uint64(2); i <= n; i++ {
		note := storetest.Told("app", fine, i)
		note.Time = a.now.Load()
		a.Submit(0, 0, nil, []engine.Notification{note}, storetest.NewDone())
	}
	storetest.Put(t, a.Store, nil, nil)
	for i := uint64(2); i <= n; i++ {
		a.Delivered(storetest.Stream("app", fine), i)
	}
	a.told("app", stuck, 2, true)
	a.told("app", fine, n+1, false)
	a.days(8)
	a.told("app", fine, n+2, false)
	require.NoError(t, a.Sweep())

	sequences, oldest := a.log("app")
	require.Equal(t, []uint64{1, 2, n + 2}, sequences, "what waits and what is young")
	require.EqualValues(t, n+4, oldest)
	require.Equal(t, 3, a.rows(prefixAt))
	require.Equal(t, 3, a.rows(prefixAtt))
	ev, found, err := a.Next(storetest.Stream("app", stuck), 0)
	require.NoError(t, err)
	require.True(t, found)
	require.EqualValues(t, 1, ev.Sequence)

	// Delivered at last, it goes at the next sweep, and the log does not claim
	// to be whole from an earlier point than before.
	a.Delivered(storetest.Stream("app", stuck), 1)
	require.NoError(t, a.Sweep())
	sequences, again := a.log("app")
	require.Equal(t, []uint64{2, n + 2}, sequences)
	require.Equal(t, oldest, again)
}

func TestEndedCallsAndKeysAreForgotten(t *testing.T) {
	a := newAgeing(t)
	sub := storetest.Subscriber("alice")
	slot := engine.CallID(engine.SlotOf(sub.ID))
	for i := range engine.CallID(2*sweepStep + 5) {
		c := engine.Call{ID: (i+1)<<10 | slot, State: engine.StateReleased, ReleasedAt: a.now.Load()}
		a.Submit(0, 0, []engine.Record{{Kind: engine.RecordCall, Subscriber: sub, Call: &c}}, nil, storetest.NewDone())
	}
	live := engine.Call{ID: 99999<<10 | slot, State: engine.StateActive}
	open := engine.Intent{App: "app", Key: "open", OpenedAt: a.now.Load()}
	settled := engine.Intent{App: "app", Key: "settled", OpenedAt: a.now.Load(), SettledAt: a.now.Load()}
	gone := storetest.Subscriber("gone")
	gone.Deleted = true
	storetest.Put(t, a.Store, []engine.Record{
		storetest.Of(sub), storetest.Of(gone),
		{Kind: engine.RecordCall, Subscriber: sub, Call: &live},
		{Kind: engine.RecordIntent, Subscriber: sub, Intent: &open},
		{Kind: engine.RecordIntent, Subscriber: sub, Intent: &settled},
		{Kind: engine.RecordIntent, Subscriber: gone, Intent: &open},
	}, nil)
	a.days(0.9)
	require.NoError(t, a.Sweep())
	require.Equal(t, 3, a.rows(prefixIdem))
	a.days(0.2)
	require.NoError(t, a.Sweep())
	for _, c := range []struct {
		id, key string
		kept    bool
		why     string
	}{
		{"alice", "settled", false, "a day has passed"},
		{"alice", "open", true, "its outcome is still unknown"},
		{"gone", "open", false, "nobody waits for it any more"},
	} {
		in, err := a.Intent("app", c.id, c.key)
		require.NoError(t, err)
		require.Equal(t, c.kept, in != nil, c.why)
	}
	// Settled late, it is remembered for a day from then.
	open.SettledAt = a.now.Load()
	storetest.Put(t, a.Store, []engine.Record{{Kind: engine.RecordIntent, Subscriber: sub, Intent: &open}}, nil)
	a.days(0.95)
	require.NoError(t, a.Sweep())
	require.Equal(t, 1, a.rows(prefixIdem))
	a.days(0.1)
	require.NoError(t, a.Sweep())
	require.Zero(t, a.rows(prefixIdem))

	require.Equal(t, 2*sweepStep+6, a.rows(prefixCall))
	a.days(6)
	require.NoError(t, a.Sweep())
	require.Equal(t, 1, a.rows(prefixCall))
	require.Zero(t, a.rows(prefixAge))
	owner, err := a.Owner(live.ID)
	require.NoError(t, err)
	require.Equal(t, "alice", owner)
}

// The sweeper works by itself, and Close does not leave it behind.
func TestTheSweeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now atomic.Int64
		now.Store(100 * day)
		s := openIn(t, vfs.NewMem(), func(o *Options) { o.Clock, o.SweepEvery = clock.New(now.Load, nil), time.Minute })
		n := storetest.Told("app", storetest.Subscriber("alice"), 1)
		n.Time, n.Queue = now.Load(), false
		storetest.Put(t, s, nil, []engine.Notification{n})
		now.Add(8 * day)
		time.Sleep(time.Minute)
		synctest.Wait()
		time.Sleep(2 * sweepPause)
		oldest, err := s.Events("app", 0, 0, func(engine.StoredEvent) error { return errors.New("still there") })
		require.NoError(t, err)
		require.EqualValues(t, 2, oldest)
		require.NoError(t, s.Close())
	})
}
