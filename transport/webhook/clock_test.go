package webhook

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/clock"
)

// nineDays are those of an event nobody takes: tried for three days, parked, and
// given up after seven. Each hour somebody sets the clock. It returns when what
// happened.
func nineDays(t *testing.T, sets []time.Duration) (tries []time.Duration, parked, gap time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var off atomic.Int64
		off.Store(20 * 365 * 24 * time.Hour.Milliseconds()) // in a bubble it is the year 2000
		b := newBed(t, 1)
		b.cfg.Clock = clock.New(func() int64 { return time.Now().UnixMilli() + off.Load() }, func() int64 { return time.Since(began).Milliseconds() })
		b.cfg.Random = func() uint64 { return 1 << 40 }
		var still, given atomic.Int64
		b.cfg.Notice = func(n Notice) {
			if n.What == StreamParked {
				still.Store(int64(time.Since(began)))
			}
		}
		b.poster.answer = func(string, *engine.Notification, int) Outcome { return answer(500) }
		b.outbox.expired = func(engine.StreamID, engine.Notification) { given.Store(int64(time.Since(began))) }
		b.start()
		n := b.outbox.add("a0", "alice", engine.StreamCalls, time.UnixMilli(b.cfg.Clock.Now()))
		b.Ready("a0", "alice", engine.StreamCalls, n)
		for hour := range 9 * 24 {
			time.Sleep(time.Hour)
			off.Add(sets[hour%len(sets)].Milliseconds())
			st := b.Status()[0]
			if given.Load() == 0 {
				require.InDelta(t, time.Since(began), st.Oldest, float64(2*time.Second), "for people")
			}
		}
		b.halt()
		parked, gap = time.Duration(still.Load()), time.Duration(given.Load())
		for _, r := range b.poster.got[engine.StreamOf("a0", "alice", engine.StreamCalls)] {
			tries = append(tries, r.at.Sub(began))
		}
	})
	return tries, parked, gap
}

func TestTheScheduleIsTheSameWhoeverSetsTheClock(t *testing.T) {
	const year = 365 * 24 * time.Hour
	tries, parked, gap := nineDays(t, []time.Duration{0})
	require.InDelta(t, 72*time.Hour, parked, float64(10*time.Minute))
	require.InDelta(t, 7*24*time.Hour, gap, float64(2*time.Hour))
	for name, sets := range map[string][]time.Duration{
		"by seconds":            {5 * time.Second, -5 * time.Second},
		"by hours":              {5 * time.Hour, -5 * time.Hour},
		"by years":              {10 * year, -10 * year, 0, -10 * year, 10 * year},
		"a week ahead for good": append([]time.Duration{8 * 24 * time.Hour}, make([]time.Duration, 9*24)...),
		"years back for good":   append([]time.Duration{0, -10 * year}, make([]time.Duration, 9*24)...),
	} {
		t.Run(name, func(t *testing.T) {
			again, then, gone := nineDays(t, sets)
			require.Equal(t, parked, then, "parked when it is due")
			until := 0
			for until < len(tries) && tries[until] < parked+time.Minute {
				until++
			}
			require.Equal(t, tries[:until], again[:min(until, len(again))])
			require.GreaterOrEqual(t, gone, gap, "given up no sooner")
		})
	}
}
