package store

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/clock"
	"offhook/store/storetest"
)

// Whoever sets the clock a year ahead must not have a week's log erased by the
// next sweep, nor every idempotency key: a repeated request would dial again.
func TestASweepErasesNothingBecauseSomebodySetTheClock(t *testing.T) {
	for name, by := range map[string]time.Duration{
		"an hour ahead": time.Hour, "an hour back": -time.Hour, "a month ahead": 30 * 24 * time.Hour,
		"years ahead": 10 * 365 * day * time.Millisecond, "years back": -10 * 365 * day * time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			var gone, off atomic.Int64
			gone.Store(20_000 * day)
			c := clock.New(func() int64 { return gone.Load() + off.Load() }, gone.Load)
			a := &ageing{T: t, Store: openIn(t, vfs.NewMem(), func(o *Options) { o.Clock, o.History = c, 7*24*time.Hour })}
			defer func() { require.NoError(t, a.Close()) }()
			alice := storetest.Subscriber("alice")
			alice.Streams = []engine.Stream{{App: "app", Linked: true}}
			told := func(sequence uint64) {
				a.now.Store(c.Now())
				a.told("app", alice, sequence, false)
			}
			call := engine.Call{ID: 1<<10 | engine.CallID(engine.SlotOf(alice.ID)), State: engine.StateReleased, ReleasedAt: c.Now()}
			key := engine.Intent{App: "app", Key: "k", OpenedAt: c.Now(), SettledAt: c.Now()}
			storetest.Put(t, a.Store, []engine.Record{
				storetest.Of(alice), {Kind: engine.RecordCall, Subscriber: alice, Call: &call}, {Kind: engine.RecordIntent, Subscriber: alice, Intent: &key},
				{Kind: engine.RecordTrace, Subscriber: alice, Traces: []engine.Trace{{Call: call.ID, Kind: engine.TraceFact}}},
			}, nil)
			told(1)
			kept := func(keys int, events ...uint64) {
				t.Helper()
				require.NoError(t, a.Sweep())
				have, _ := a.log("app")
				require.Equal(t, events, have)
				require.Equal(t, []int{1, 1, 1}, []int{a.rows(prefixCall), a.rows(prefixPast), a.rows(prefixLog)})
				require.Equal(t, keys, a.rows(prefixIdem))
			}
			off.Add(by.Milliseconds())
			kept(1, 1)
			told(2)
			gone.Add(day - 1000)
			kept(1, 1, 2)
			off.Add(-by.Milliseconds()) // somebody puts it right
			kept(1, 1, 2)
			told(3)
			gone.Add(day + 1000)
			kept(0, 1, 2, 3) // a key is remembered for a day: two, at most, when the clock was wrong in between
			gone.Add(5*day - 1000)
			kept(0, 1, 2, 3)
			gone.Add(day - 1000)
			require.NoError(t, a.Sweep())
			have, _ := a.log("app")
			require.Equal(t, []uint64{3}, have, "what is old goes, whatever the clock showed")
			gone.Add(day)
			require.NoError(t, a.Sweep())
			require.Zero(t, a.rows(prefixEv)+a.rows(prefixCall))
		})
	}
}

// The same after a restart, when nobody knows any more what the clock showed:
// events from the future do not keep those behind them for ever.
func TestEventsFromTheFutureAreNoOlderThanThoseBehindThem(t *testing.T) {
	a := newAgeing(t)
	alice := storetest.Subscriber("alice")
	a.told("app", alice, 1, false)
	a.days(365)
	for n := uint64(2); n < 50; n++ {
		a.told("app", alice, n, false)
	}
	a.days(-365)
	for n := uint64(50); n < 150; n++ {
		a.told("app", alice, n, false)
	}
	a.told("app", alice, 150, true) // and one that waits
	a.days(3)
	for n := uint64(151); n < 300; n++ {
		a.told("app", alice, n, false)
	}
	require.NoError(t, a.Sweep())
	have, _ := a.log("app")
	require.Len(t, have, 299, "a week has not passed")
	a.days(5)
	require.NoError(t, a.Sweep())
	have, _ = a.log("app")
	require.Len(t, have, 150)
	require.EqualValues(t, 150, have[0])
	a.Delivered(storetest.Stream("app", alice), 150)
	a.days(3)
	require.NoError(t, a.Sweep())
	have, _ = a.log("app")
	require.Empty(t, have)
}
