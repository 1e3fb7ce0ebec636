package overload

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

const (
	// deadline is the longest that a command waits for its outcome: past it, it
	// is answered all the same. Nobody waits longer than that for anything.
	deadline = 15 * time.Second
	recovers = 30 * time.Second // after the load, until commands take no longer than before; the rows say how long it really was
)

// Ten times as many commands are asked for as the platform can be asked to
// carry out. Those that can be are, in a bounded time; the others are told when
// to come back, and nothing was done for them; and what memory that takes is bounded.
func TestTenTimesTheCommandsThatThePlatformTakes(t *testing.T) {
	const (
		people      = 300
		connections = 2000
		// What waits is bounded: one request for each connection. With its stacks,
		// buffers and records it is 48 KB, and the collector lets twice that be there.
		bound = connections*2*48<<10 + storeMemory
	)
	long := seconds(t)
	row := report.Attack(t, report.Refusals, "ten times the commands that the platform takes", "commands")
	ledger := rig.NewLedger(t)
	// A platform that takes so few lets the clients offer ten times as many.
	w := begin(t, ledger, people, "requests_per_second: 200")
	phones(w, `{"answer_after_ms":20,"far_end_after_ms":20}`)
	d := newDesk(w.App, w.Subscribers)
	dials := w.Dials()

	few, all := lines(w, 48), lines(w, connections)
	usual := offer(few, 20, 2*time.Second, d.next)
	sustained := offer(few, 0, 3*time.Second, d.next)
	require.Empty(t, append(usual.wrong, sustained.wrong...))
	t.Logf("usual:     %v", usual)
	t.Logf("sustained: %v", sustained)
	m := watch(w)
	rate := 10 * sustained.rate()
	y := offer(all, rate, long, d.next)
	t.Logf("offered:   %v", y)
	again, recovered := asBeforeAgain(few, usual, d.next)
	grew := m.grew()
	t.Logf("again:     %v after %v; memory %d MB + %d MB", again, recovered, m.idle/mega, grew/mega)

	require.Empty(t, y.wrong)
	require.Less(t, y.slowest, deadline, "nobody hangs")
	require.Positive(t, y.refused)
	require.Greater(t, y.rate(), sustained.rate()/3, "as much is done as without the load, or nearly")
	require.Less(t, grew, int64(bound), "memory")
	require.Less(t, recovered, recovers, "%v", again)

	d.settle(t, w, dials)
	row.Add(y.asked)
	row.Note("%.0f/s can be done; %.0f/s were wanted and %.0f/s offered for %v: %.0f/s accepted in p50 %v p99 %v max %v (before: %v); others%s; as before %v later; memory %d MB + %d MB of %d",
		sustained.rate(), rate, y.offered(), long, y.rate(), y.p(0.5), y.p(0.99), y.p(1), usual.p(0.5), y.others(),
		recovered.Round(time.Millisecond), m.idle/mega, grew/mega, bound/mega)
}

// asBeforeAgain asks as before the load until all are accepted about as fast,
// and says how long that took.
func asBeforeAgain(few []*line, usual *tally, next client) (again *tally, took time.Duration) {
	for after := time.Now(); took < recovers; took = time.Since(after) {
		again = offer(few, 20, time.Second/2, next)
		if len(again.accepted) == again.asked && again.p(0.5) <= 4*usual.p(0.5)+200*time.Millisecond {
			return again, time.Since(after)
		}
	}
	return again, took
}
