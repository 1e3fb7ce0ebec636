package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
)

// setClock is somebody who sets the clock of offhook's machine: by seconds, by
// an hour, by years, and right again.
func (w *world) setClock() {
	const year = 365 * 24 * time.Hour
	off := []time.Duration{0, 0, 3 * time.Second, time.Minute, time.Hour, 25 * time.Hour, year, 10 * year}[w.random.IntN(8)]
	if w.random.IntN(2) == 0 {
		off = -off
	}
	w.setTo(off)
}

// rightClock is somebody who puts it right.
func (w *world) rightClock() { w.setTo(0) }

func (w *world) setTo(off time.Duration) {
	if w.clock.Swap(off.Milliseconds()) != off.Milliseconds() {
		w.stepped.Store(true)
		w.jumps++
	}
}

// A morning in which somebody sets the clock every other second, under calls,
// commands, webhooks and faults of every kind: every call ends, no command ends
// early or hangs, every stream is numbered and delivered, and at quiet points
// all know what the platforms know.
func TestTheClockIsSet(t *testing.T) {
	row := report.Attack(t, report.EveryCallEnds, "the clock is set back and forth, by seconds to years", "jumps")
	sum := runWith(t, uint64(knob(t, "OFFHOOK_SIM_SEED", 1)), func(w *world) { w.restless, w.bursts = true, 1 })
	require.Greater(t, sum.jumps, 100)
	row.Add(sum.jumps)
	row.Note("%d calls in %d events, %d operations, %d crashes", sum.calls, sum.events, sum.operations, sum.crashes)
	t.Logf("%+v", sum)
}
