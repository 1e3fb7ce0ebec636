package webhook

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

// adjust changes the calls webhook of an app as the API does.
func (b *bed) adjust(app string, fn func(*tenant.Receiver)) {
	_, err := b.tenants.ChangeApp(app, func(was *tenant.App) (*tenant.App, error) {
		r := was.Calls
		fn(&r)
		return was.With(engine.StreamCalls, r), nil
	})
	require.NoError(b.t, err)
}

// notices keeps what a person would be told.
func (b *bed) notices() (told func() []What) {
	var mu sync.Mutex
	var list []What
	b.cfg.Notice = func(n Notice) {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, n.What)
	}
	return func() []What {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(list)
	}
}

func TestAPausedWebhookKeepsItsEventsAndGoesOnInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 2)
		b.start()
		b.emit("a0", "alice")
		time.Sleep(time.Second)
		b.adjust("a0", func(r *tenant.Receiver) { r.Paused = true })
		for range 3 {
			b.emit("a0", "alice")
			b.emit("a0", "bob")
			b.emit("a1", "alice")
		}
		time.Sleep(time.Hour)
		require.Equal(t, numbers(1), b.poster.record("a0", "alice", engine.StreamCalls))
		require.Equal(t, numbers(3), b.poster.record("a1", "alice", engine.StreamCalls), "nobody else waits")
		status, ok := b.StatusOf("a0", engine.StreamCalls)
		require.True(t, ok)
		require.Equal(t, Paused, status.Condition)
		require.Equal(t, 2, status.Waiting)
		require.Greater(t, status.Oldest, 50*time.Minute)

		b.halt()
		b.start() // it stays paused
		time.Sleep(time.Hour)
		require.Equal(t, numbers(1), b.poster.record("a0", "alice", engine.StreamCalls))

		b.adjust("a0", func(r *tenant.Receiver) { r.Paused = false })
		time.Sleep(10 * time.Second)
		require.Equal(t, numbers(4), b.poster.record("a0", "alice", engine.StreamCalls))
		require.Equal(t, numbers(3), b.poster.record("a0", "bob", engine.StreamCalls))
		require.Zero(t, b.outbox.left())
		b.halt()
	})
}

func TestAPausedStreamHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.poster.lag = func() time.Duration { return 100 * time.Millisecond }
		b.start()
		b.emit("a0", "alice")
		b.emit("a0", "alice")
		time.Sleep(50 * time.Millisecond) // the first is on its way
		b.adjust("a0", func(r *tenant.Receiver) { r.Held = []string{"alice", "carol"} })
		b.emit("a0", "bob")
		b.emit("a0", "carol")
		time.Sleep(time.Hour)
		require.Equal(t, numbers(1), b.poster.record("a0", "alice", engine.StreamCalls))
		require.Equal(t, numbers(1), b.poster.record("a0", "bob", engine.StreamCalls))
		require.Empty(t, b.poster.record("a0", "carol", engine.StreamCalls))

		var seen []StreamStatus
		list := func(s StreamStatus) error { seen = append(seen, s); return nil }
		require.NoError(t, b.Streams("a0", engine.StreamCalls, "", 10, list))
		require.Len(t, seen, 2)
		require.Equal(t, "alice", seen[0].Subscriber)
		require.EqualValues(t, 2, seen[0].Sequence)
		require.True(t, seen[0].Paused)

		b.halt()
		b.start()
		time.Sleep(time.Hour)
		require.Equal(t, 2, b.outbox.left())
		b.adjust("a0", func(r *tenant.Receiver) { r.Held = []string{"carol"} })
		time.Sleep(10 * time.Second)
		require.Equal(t, numbers(2), b.poster.record("a0", "alice", engine.StreamCalls))
		require.Equal(t, 1, b.outbox.left())
		b.adjust("a0", func(r *tenant.Receiver) { r.Held = nil })
		time.Sleep(10 * time.Second)
		require.Zero(t, b.outbox.left())
		b.halt()
	})
}

func TestADisabledWebhookStaysSoUntilAPersonSaysOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		told := b.notices()
		var willing atomic.Bool
		b.poster.answer = func(string, *engine.Notification, int) Outcome {
			if willing.Load() {
				return answer(200)
			}
			return answer(410)
		}
		b.start()
		b.emit("a0", "alice")
		time.Sleep(time.Second)
		b.adjust("a0", func(r *tenant.Receiver) { r.Batch = true }) // has nothing to do with it
		b.halt()
		b.start()
		b.emit("a0", "alice")
		time.Sleep(time.Hour)
		require.Equal(t, 1, b.poster.total(), "one answer was enough")
		require.Equal(t, []What{EndpointDisabled}, told())

		willing.Store(true)
		b.adjust("a0", func(r *tenant.Receiver) { r.Disabled = "" })
		time.Sleep(time.Second)
		require.Equal(t, []uint64{1, 1, 2}, b.poster.record("a0", "alice", engine.StreamCalls))
		b.halt()
	})
}

func TestAParkedStreamIsResumedByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		told := b.notices()
		b.poster.answer = func(_ string, n *engine.Notification, _ int) Outcome { return answer(400) }
		b.start()
		b.emit("a0", "alice")
		b.emit("a0", "bob")
		time.Sleep(80 * time.Hour)
		require.Equal(t, []What{StreamParked, StreamParked}, told())
		b.poster.mu.Lock()
		b.poster.answer = nil
		b.poster.mu.Unlock()
		b.ResumeStream("a0", "Alice", engine.StreamCalls)
		time.Sleep(time.Second)
		require.Equal(t, 1, b.outbox.left(), "the other one was not asked for")
		b.halt()
	})
}
