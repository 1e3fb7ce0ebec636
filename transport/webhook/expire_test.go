package webhook

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

// receipts is what arrived of a stream, with all that is known of it.
func (b *bed) receipts(app, subscriber string) []receipt {
	b.poster.mu.Lock()
	defer b.poster.mu.Unlock()
	return b.poster.got[engine.StreamOf(app, subscriber, engine.StreamCalls)]
}

func TestWhatNobodyTookForTooLongBecomesAGap(t *testing.T) {
	for name, extended := range map[string]bool{"an event of its own": true, "a header of the next event": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, 1)
				b.adjust("a0", func(r *tenant.Receiver) { r.Extended = extended })
				var down atomic.Bool
				b.poster.answer = func(string, *engine.Notification, int) Outcome {
					if down.Load() {
						return silence(ConnRefused)
					}
					return answer(200)
				}
				b.start()
				b.emit("a0", "alice")
				time.Sleep(time.Minute)
				down.Store(true)
				for range 3 { // 2, 3 and 4
					b.emit("a0", "alice")
					time.Sleep(time.Hour)
				}
				time.Sleep(6 * 24 * time.Hour)
				b.emit("a0", "alice") // 5 is young when the others are given up
				time.Sleep(30 * time.Hour)
				b.halt()
				b.start() // the gap is on disk before it is tried
				down.Store(false)
				time.Sleep(time.Hour)

				var taken []receipt
				for _, r := range b.receipts("a0", "alice") {
					if r.ok {
						taken = append(taken, r)
					}
				}
				require.EqualValues(t, 1, taken[0].sequence)
				if extended {
					require.Len(t, taken, 4)
					require.EqualValues(t, 2, taken[1].sequence, "a gap has the number of the last that was given up")
					require.EqualValues(t, 2, taken[1].gapFrom)
					require.EqualValues(t, 4, taken[2].sequence, "what grows old behind one that is tried already is another")
					require.EqualValues(t, 3, taken[2].gapFrom)
					require.EqualValues(t, 5, taken[3].sequence)
				} else {
					require.Len(t, taken, 2)
					require.EqualValues(t, 5, taken[1].sequence)
					require.EqualValues(t, 2, taken[1].gapFrom)
				}
				require.Zero(t, b.outbox.left())
				b.halt()
			})
		})
	}
}

func TestAGapWithNothingBehindItWaitsForTheNextEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.adjust("a0", func(r *tenant.Receiver) { r.Paused = true })
		b.start()
		b.emit("a0", "alice")
		b.emit("a0", "alice")
		time.Sleep(8 * 24 * time.Hour)
		b.adjust("a0", func(r *tenant.Receiver) { r.Paused = false })
		time.Sleep(time.Hour)
		require.Zero(t, b.poster.total())
		b.halt()
		b.start()
		time.Sleep(time.Minute)
		b.emit("a0", "alice")
		time.Sleep(time.Minute)
		got := b.receipts("a0", "alice")
		require.Len(t, got, 1)
		require.EqualValues(t, 3, got[0].sequence)
		require.EqualValues(t, 1, got[0].gapFrom)
		b.emit("a0", "alice")
		time.Sleep(time.Minute)
		require.Zero(t, b.receipts("a0", "alice")[1].gapFrom, "it is told once")
		require.Zero(t, b.outbox.left())
		b.halt()
	})
}

func TestNothingIsGivenUpThatStillGoesSomewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.cfg.Retention = 2 * time.Hour
		for range 1000 {
			b.emit("a0", "alice") // waited while we were not there
		}
		time.Sleep(24 * time.Hour)
		b.poster.lag = func() time.Duration { return 9 * time.Second } // slow, and alive
		b.start()
		time.Sleep(6 * time.Hour)
		require.Equal(t, numbers(1000), b.poster.record("a0", "alice", engine.StreamCalls))
		b.halt()
	})
}

func TestAParkedStreamGoesOnBehindItsGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.adjust("a0", func(r *tenant.Receiver) { r.Extended = true })
		b.poster.answer = func(_ string, n *engine.Notification, _ int) Outcome {
			if n.Sequence == 1 && n.GapFrom == 0 {
				return answer(422) // it will never like this one
			}
			return answer(200)
		}
		b.start()
		b.emit("a0", "alice")
		time.Sleep(time.Hour)
		b.emit("a0", "alice")
		time.Sleep(167*time.Hour + 30*time.Minute)
		require.Equal(t, 2, b.outbox.left())
		time.Sleep(2 * time.Hour)
		got := b.receipts("a0", "alice")
		require.EqualValues(t, 1, got[len(got)-2].gapFrom)
		require.True(t, got[len(got)-2].ok)
		require.EqualValues(t, 2, got[len(got)-1].sequence)
		require.Zero(t, b.outbox.left(), "and the line is alive again")
		b.halt()
	})
}
