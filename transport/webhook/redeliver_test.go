package webhook

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

func TestAnEventIsSentAgainInItsOwnLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.poster.lag = func() time.Duration { return time.Second }
		b.start()
		alice := engine.StreamOf("a0", "alice", engine.StreamCalls)
		for range 5 {
			b.emit("a0", "alice")
		}
		time.Sleep(2500 * time.Millisecond) // 1 and 2 are delivered, 3 is on its way
		a, err := b.Redeliver(t.Context(), alice, 2)
		require.NoError(t, err)
		require.True(t, a.Redelivery)
		require.Equal(t, 200, a.Status)
		time.Sleep(10 * time.Second)
		require.Equal(t, []uint64{1, 2, 3, 2, 4, 5}, b.poster.record("a0", "alice", engine.StreamCalls), "one at a time")
		require.True(t, b.receipts("a0", "alice")[3].redelivery)

		_, err = b.Redeliver(t.Context(), alice, 9)
		require.ErrorIs(t, err, ErrUnknownEvent)
		_, err = b.Redeliver(t.Context(), engine.StreamOf("nobody", "alice", engine.StreamCalls), 1)
		require.ErrorIs(t, err, ErrStopped)
		b.adjust("a0", func(r *tenant.Receiver) { r.Paused = true })
		_, err = b.Redeliver(t.Context(), alice, 1)
		require.ErrorIs(t, err, ErrStopped)
		b.halt()
		_, err = b.Redeliver(t.Context(), alice, 1)
		require.ErrorIs(t, err, ErrStopped, "and after the end")
	})
}

func TestAPersonMayTryTheHeadAndNothingBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.poster.answer = func(string, *engine.Notification, int) Outcome { return answer(500) }
		b.start()
		alice := engine.StreamOf("a0", "alice", engine.StreamCalls)
		b.emit("a0", "alice")
		b.emit("a0", "alice")
		time.Sleep(20 * time.Minute) // five minutes between tries by now
		_, err := b.Redeliver(t.Context(), alice, 2)
		require.ErrorIs(t, err, ErrWaiting)
		tries := b.poster.total()
		a, err := b.Redeliver(t.Context(), alice, 1)
		require.NoError(t, err)
		require.Equal(t, 500, a.Status)
		require.Equal(t, tries+1, b.poster.total())
		b.poster.mu.Lock()
		b.poster.answer = nil
		b.poster.mu.Unlock()
		_, err = b.Redeliver(t.Context(), alice, 1)
		require.NoError(t, err)
		time.Sleep(time.Second)
		require.Zero(t, b.outbox.left(), "it is delivered, and the next follows at once")
		b.halt()
	})
}

func TestWhoGivesUpWaitingDisturbsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.poster.lag = func() time.Duration { return 5 * time.Second }
		b.start()
		for range 3 {
			b.emit("a0", "alice")
		}
		time.Sleep(6 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := b.Redeliver(ctx, engine.StreamOf("a0", "alice", engine.StreamCalls), 1)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		time.Sleep(time.Minute)
		require.Equal(t, numbers(3), b.poster.record("a0", "alice", engine.StreamCalls))
		b.halt()
	})
}
