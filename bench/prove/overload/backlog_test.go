package overload

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

// A receiver takes connections and never answers, while events for it pile up.
// They wait on disk and not in memory, another app's webhooks go on as before,
// and when the receiver answers again all of them come, in order.
func TestABacklogForABlackHoleWaitsOnDisk(t *testing.T) {
	const (
		people = 440
		calm   = 40   // of them are the other app's too
		rate   = 3000 // facts a second of the others; it can keep up with more
		each   = 128  // bytes that an event may cost while it waits, beside chance; its body alone is five times that
		chance = 6 * mega
	)
	events := knob(t, "OFFHOOK_OVERLOAD_EVENTS", 10000)
	long := time.Duration(float64(events) / rate * float64(time.Second))
	row := report.Attack(t, report.Isolation, "events pile up for a receiver that is a black hole", "events")
	lost, told := rig.NewLeanLedger(t), rig.NewLeanLedger(t)
	h := before(t, lost)
	w := begin(t, lost, people, "")
	addApp(w, "a calm app", told.URL, w.Subscribers[:calm])
	few, many := newCrowd(w.Subscribers[:calm]), newCrowd(w.Subscribers[calm:])
	delays := few.delays(told)
	some, all := atPlatform(w, 8), atPlatform(w, 32)
	both := func(long time.Duration) *tally {
		var y *tally
		var crowd sync.WaitGroup
		crowd.Go(func() { y = offer(all, rate, long, many.next) })
		require.Empty(t, offer(some, calm, long, few.next).wrong)
		crowd.Wait()
		require.Empty(t, y.wrong)
		return y
	}

	both(long) // everything that is made once is there
	arrive(t, w, lost)
	usual, heap, m := delays(), live(w), watch(w)
	h.darken()
	arrived, tolds := lost.Count(), few.facts
	y := both(long)
	with, waiting, swallowed := delays(), int(metric(w, "offhook_store_waiting_events")), h.swallowed.Load()
	grown := live(w) - heap
	resident := m.grew()
	t.Logf("offered:  %v", y)
	t.Logf("the other app: p50 %v p99 %v, before %v %v", quantile(with, 0.5), quantile(with, 0.99), quantile(usual, 0.5), quantile(usual, 0.99))
	t.Logf("%d wait, heap %.1f MB + %.1f MB, resident %d MB + %d MB, %d requests swallowed", waiting, float64(heap)/mega, float64(grown)/mega, m.idle/mega, resident/mega, swallowed)
	require.Equal(t, arrived, lost.Count(), "nothing arrives in a black hole")
	require.Positive(t, swallowed)
	require.Greater(t, waiting, y.asked/2)
	require.Greater(t, len(with), (few.facts-tolds)/2)
	require.Less(t, grown, int64(waiting*each+chance), "memory for %d events that wait", waiting)
	require.Less(t, quantile(with, 0.5), 4*quantile(usual, 0.5)+500*time.Millisecond)

	h.lighten()
	back := time.Now()
	lost.Wait(t, "the first event arrives", func() bool { return lost.Count() > arrived })
	noticed := time.Since(back)
	require.NoError(t, few.goHome(some))
	require.NoError(t, many.goHome(all))
	arrive(t, w, lost)
	took := time.Since(back)
	require.GreaterOrEqual(t, lost.Count()-arrived, waiting, "all that waited")
	lost.Wait(t, "the end of every call is told", func() bool { return len(lost.Open()) == 0 })
	told.Wait(t, "the other app is told the end of every call", func() bool { return len(told.Open()) == 0 })
	lost.Audit(t)
	told.Audit(t)
	row.Add(waiting)
	row.Note("heap %.1f MB + %.1f MB, resident %d MB + %d MB; the other app's p50 %v p99 %v, before %v and %v; the first came %v after the receiver was back, all in order after %v, %d of them twice",
		float64(heap)/mega, float64(grown)/mega, m.idle/mega, resident/mega, quantile(with, 0.5), quantile(with, 0.99), quantile(usual, 0.5), quantile(usual, 0.99),
		noticed.Round(time.Millisecond), took.Round(time.Millisecond), lost.Repeats())
}

// delays has it noted how long each fact takes to its webhook. What is returned
// says it, sorted, and begins anew. It must be asked for before anything happens.
func (c *crowd) delays(l *rig.Ledger) func() []time.Duration {
	c.asked = map[string][]time.Time{}
	var noted []time.Duration
	heard := map[string]int{}
	l.Heard(func(d rig.Delivery) {
		c.mu.Lock()
		defer c.mu.Unlock()
		n := heard[d.Provider]
		heard[d.Provider]++
		if at := c.asked[d.Provider]; n < len(at) { // it may be there before the platform's own answer
			noted = append(noted, time.Since(at[n]))
		}
	})
	return func() []time.Duration {
		c.mu.Lock()
		defer c.mu.Unlock()
		is := noted
		noted = nil
		slices.Sort(is)
		return is
	}
}

// arrive waits until nothing waits for delivery, as long as events come.
func arrive(t *testing.T, w *rig.Apart, l *rig.Ledger) {
	t.Helper()
	for done := false; !done; {
		have := l.Count()
		l.Wait(t, "more events", func() bool {
			done = metric(w, "offhook_store_waiting_events") == 0
			return done || l.Count() >= have+1000
		})
	}
}
