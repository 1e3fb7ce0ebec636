package webhook

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

func newBatchBed(t *testing.T) *bed {
	b := newBed(t, 1)
	b.adjust("a0", func(r *tenant.Receiver) { r.Batch = true })
	return b
}

func TestABatchTakesManyStreamsAndKeepsTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBatchBed(t)
		b.poster.lag = func() time.Duration { return time.Second }
		const streams, events = 50, 20
		for range events {
			for i := range streams {
				b.emit("a0", fmt.Sprintf("s%d", i))
			}
		}
		b.start()
		time.Sleep(time.Minute)
		require.Zero(t, b.outbox.left())
		for i := range streams {
			require.Equal(t, numbers(events), b.poster.record("a0", fmt.Sprintf("s%d", i), engine.StreamCalls))
		}
		require.Less(t, b.poster.total(), 50, "a thousand events")
		b.emit("a0", "s1")
		time.Sleep(2 * time.Second)
		got := b.receipts("a0", "s1")
		require.True(t, got[len(got)-1].array, "one event is an array too")
		b.halt()
	})
}

func TestABatchThatFailsIsTriedOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBatchBed(t)
		b.poster.answer = func(_ string, n *engine.Notification, _ int) Outcome {
			if n.Subscriber == "poison" {
				return answer(422)
			}
			return answer(200)
		}
		b.cfg.Slots = 4 // of which an endpoint gets one
		b.poster.lag = func() time.Duration { return 100 * time.Millisecond }
		b.start()
		b.emit("a0", "first")
		time.Sleep(time.Millisecond) // it is on its way, and what comes now goes together
		for range 3 {
			for i := range 10 {
				b.emit("a0", fmt.Sprintf("s%d", i))
			}
			b.emit("a0", "poison")
		}
		time.Sleep(time.Minute)
		for i := range 10 {
			got := b.receipts("a0", fmt.Sprintf("s%d", i))
			require.Equal(t, 30+3, got[0].with, "all went together")
			require.False(t, got[0].ok)
			require.Len(t, got, 6, "then each by itself")
			for k, r := range got[3:] {
				require.EqualValues(t, k+1, r.sequence)
				require.Equal(t, 1, r.with)
				require.True(t, r.ok)
			}
		}
		require.Equal(t, 3, b.outbox.left(), "one line stalls and no other")
		for range 5 {
			b.emit("a0", "s1")
			b.emit("a0", "s2")
		}
		time.Sleep(time.Second)
		require.Equal(t, 3, b.outbox.left())
		b.halt()
	})
}

func TestABatchIsBoundedInEventsAndBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBatchBed(t)
		b.poster.lag = func() time.Duration { return time.Second }
		for i := range 250 {
			b.emit("a0", fmt.Sprintf("s%d", i))
		}
		for range 20 {
			n := b.outbox.add("a0", "large", engine.StreamCalls, time.Now())
			id := engine.StreamOf("a0", "large", engine.StreamCalls)
			b.outbox.streams[id][n-1].Body = make([]byte, 60<<10)
		}
		b.start()
		time.Sleep(time.Minute)
		require.Zero(t, b.outbox.left()) // the poster counted
		most := 0
		for i := range 250 {
			most = max(most, b.receipts("a0", fmt.Sprintf("s%d", i))[0].with)
		}
		require.LessOrEqual(t, most, maxBatchEvents)
		require.Greater(t, most, maxBatchEvents/2, "what was ready went together")
		for _, r := range b.receipts("a0", "large") {
			require.LessOrEqual(t, r.with, 4+maxBatchEvents)
		}
		b.halt()
	})
}

func TestAGapLeavesABatchAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBatchBed(t)
		b.adjust("a0", func(r *tenant.Receiver) { r.Paused = true })
		b.start()
		for i := range 5 {
			b.emit("a0", fmt.Sprintf("s%d", i))
		}
		time.Sleep(8 * 24 * time.Hour)
		for i := range 10 {
			b.emit("a0", fmt.Sprintf("s%d", i))
		}
		b.adjust("a0", func(r *tenant.Receiver) { r.Paused = false })
		time.Sleep(time.Minute)
		for i := range 5 {
			got := b.receipts("a0", fmt.Sprintf("s%d", i))
			require.Len(t, got, 1)
			require.EqualValues(t, 2, got[0].sequence)
			require.EqualValues(t, 1, got[0].gapFrom, "the header speaks of one stream")
			require.Equal(t, 1, got[0].with)
		}
		require.Zero(t, b.outbox.left())
		b.halt()
	})
}
