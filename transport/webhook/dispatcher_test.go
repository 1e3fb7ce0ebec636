package webhook

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

// bed is a dispatcher with everything around it in memory.
type bed struct {
	t       *testing.T
	outbox  *memOutbox
	tenants *memTenants
	poster  *memPoster
	cfg     Config
	*Dispatcher
}

func newBed(t *testing.T, apps int) *bed {
	b := &bed{t: t, outbox: newOutbox(), tenants: newTenants(apps), poster: newPoster(t)}
	b.tenants.index = b.outbox.Durable
	b.cfg = Config{Outbox: b.outbox, Tenants: b.tenants, Poster: b.poster}
	t.Cleanup(func() { // for a test that failed on its way
		if b.Dispatcher != nil {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			b.Stop(ctx)
		}
	})
	return b
}

// start makes a new dispatcher over the same outbox.
func (b *bed) start() {
	b.tenants.changed = nil
	b.outbox.left() // a store that is opened shows nothing that was deleted
	b.Dispatcher = New(b.cfg)
	b.Start()
}

func (b *bed) halt() {
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	require.NoError(b.t, b.Stop(ctx))
}

// emit stores an event and says that it is durable.
func (b *bed) emit(app, subscriber string) {
	n := b.outbox.add(app, subscriber, engine.StreamCalls, time.Now())
	if b.Dispatcher != nil {
		b.Ready(app, subscriber, engine.StreamCalls, n)
	}
}

func numbers(n int) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		out[i] = uint64(i + 1)
	}
	return out
}

func TestEventsOfAStreamArriveInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.poster.lag = func() time.Duration { return 10 * time.Millisecond }
		b.start()
		for range 50 {
			b.emit("a0", "Alice")
			b.emit("a0", "bob")
		}
		time.Sleep(time.Second)
		b.halt()
		require.Equal(t, numbers(50), b.poster.record("a0", "alice", engine.StreamCalls))
		require.Equal(t, numbers(50), b.poster.record("a0", "bob", engine.StreamCalls))
		require.Zero(t, b.outbox.left())
	})
}

func TestAnEventThatFailsStallsItsOwnStreamOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.poster.answer = func(_ string, n *engine.Notification, _ int) Outcome {
			if n.Subscriber == "poison" && n.Sequence == 2 {
				return answer(500)
			}
			return answer(200)
		}
		b.start()
		for range 5 {
			b.emit("a0", "poison")
		}
		for range 1000 {
			b.emit("a0", "fine")
			time.Sleep(time.Millisecond)
		}
		require.Equal(t, numbers(1000), b.poster.record("a0", "fine", engine.StreamCalls))
		for _, seq := range b.poster.record("a0", "poison", engine.StreamCalls) {
			require.LessOrEqual(t, seq, uint64(2), "nothing overtakes an event that fails")
		}
		b.poster.mu.Lock()
		b.poster.answer = nil
		b.poster.mu.Unlock()
		time.Sleep(5 * time.Minute)
		require.Zero(t, b.outbox.left(), "once it is taken, the rest follows")
		b.halt()
	})
}

func TestRetriesFollowTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.poster.answer = func(string, *engine.Notification, int) Outcome { return answer(500) }
		b.start()
		b.emit("a0", "alice")
		time.Sleep(2 * time.Hour)
		b.halt()
		got := b.poster.got[engine.StreamOf("a0", "alice", engine.StreamCalls)]
		want := []time.Duration{1, 2, 5, 15, 30, 60, 120, 300, 300, 300, 300, 300, 300}
		require.Greater(t, len(got), len(want))
		for i, d := range want {
			gap, d := got[i+1].at.Sub(got[i].at), d*time.Second
			require.GreaterOrEqual(t, gap, d/2, "wait %d", i)
			require.LessOrEqual(t, gap, d, "wait %d", i)
		}
	})
}

func TestARestartGoesOnWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 2)
		down := true
		b.poster.answer = func(string, *engine.Notification, int) Outcome {
			if down {
				return answer(500)
			}
			return answer(200)
		}
		for i := range 100 {
			for range 3 {
				b.emit(fmt.Sprintf("a%d", i%2), fmt.Sprintf("s%d", i))
			}
		}
		b.start()
		time.Sleep(20 * time.Minute)
		b.halt()
		down = false
		b.start()
		time.Sleep(6 * time.Minute)
		require.Zero(t, b.outbox.left())
		b.halt()
		for i := range 100 {
			rec := b.poster.record(fmt.Sprintf("a%d", i%2), fmt.Sprintf("s%d", i), engine.StreamCalls)
			require.Equal(t, []uint64{1, 2, 3}, rec[len(rec)-3:])
		}
	})
}

func TestARestartKeepsThePositionInTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.poster.answer = func(string, *engine.Notification, int) Outcome { return answer(500) }
		b.start()
		b.emit("a0", "alice")
		time.Sleep(time.Hour)
		b.halt()
		before := b.poster.total()
		b.start()
		time.Sleep(140 * time.Second)
		require.Equal(t, before+1, b.poster.total(), "one try at the start, then the five minutes of an old event")
		b.halt()
	})
}

func TestRetryAfterIsHonouredAndBounded(t *testing.T) {
	for _, tt := range []struct {
		asked, least, most time.Duration
	}{
		{time.Minute, time.Minute, time.Minute},
		{1e9 * time.Second, 10 * time.Minute, 10 * time.Minute},
		{time.Millisecond, time.Second, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBed(t, 1)
			b.poster.answer = func(_ string, _ *engine.Notification, try int) Outcome {
				if try == 1 {
					return Outcome{Class: Refused4xx, Status: 429, RetryAfter: tt.asked}
				}
				return answer(200)
			}
			b.start()
			b.emit("a0", "alice")
			time.Sleep(time.Hour)
			b.halt()
			got := b.poster.got[engine.StreamOf("a0", "alice", engine.StreamCalls)]
			require.Len(t, got, 2)
			require.GreaterOrEqual(t, got[1].at.Sub(got[0].at), tt.least)
			require.LessOrEqual(t, got[1].at.Sub(got[0].at), tt.most)
		})
	}
}

func TestGoneDisablesTheEndpointAndKeepsTheEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 2)
		b.poster.answer = func(url string, _ *engine.Notification, _ int) Outcome {
			if url == "mem://a0/calls" {
				return answer(410)
			}
			return answer(200)
		}
		b.start()
		for range 3 {
			b.emit("a0", "alice")
			b.emit("a1", "alice")
			time.Sleep(time.Hour)
		}
		require.Len(t, b.poster.record("a0", "alice", engine.StreamCalls), 1)
		require.Equal(t, 3, b.outbox.left())
		require.Equal(t, Disabled, b.Status()[0].Condition)
		require.NotEmpty(t, b.tenants.apps["a0"].Calls.Disabled, "a restart knows it")
		require.Equal(t, numbers(3), b.poster.record("a1", "alice", engine.StreamCalls))

		b.tenants.set("a0", tenant.Receiver{URL: "mem://elsewhere", Secrets: []string{testSecret}})
		time.Sleep(time.Second)
		require.Zero(t, b.outbox.left(), "a new webhook takes what waited")
		b.halt()
	})
}

func TestExhaustionParksAndNeverSkips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.poster.answer = func(_ string, n *engine.Notification, _ int) Outcome {
			if n.Subscriber == "poison" {
				return answer(400)
			}
			return answer(200)
		}
		b.start()
		b.emit("a0", "poison")
		b.emit("a0", "poison")
		time.Sleep(73 * time.Hour)
		tries := b.poster.total()
		require.Equal(t, 1, b.Status()[0].Parked)
		b.emit("a0", "fine")
		time.Sleep(90 * time.Hour)
		require.Equal(t, tries+1, b.poster.total(), "a parked stream is left alone")
		require.Equal(t, numbers(1), b.poster.record("a0", "fine", engine.StreamCalls))
		require.Equal(t, 2, b.outbox.left())

		b.poster.answer = nil
		b.Resume("a0", engine.StreamCalls)
		time.Sleep(time.Second)
		require.Zero(t, b.outbox.left())
		b.halt()
	})
}

func TestAnEndpointThatIsOutGetsOneProbeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 2)
		down := true
		b.poster.answer = func(url string, _ *engine.Notification, _ int) Outcome {
			if url == "mem://a0/calls" && down {
				return silence(ConnRefused)
			}
			return answer(200)
		}
		b.start()
		for i := range 10_000 {
			b.emit("a0", fmt.Sprintf("s%d", i))
		}
		time.Sleep(time.Minute)
		require.Equal(t, BackingOff, b.Status()[0].Condition)
		require.LessOrEqual(t, b.poster.total(), 8+silentLimit+10)
		b.mu.Lock()
		require.LessOrEqual(t, len(b.endpoints()[endpointKey{"a0", engine.StreamCalls}].lanes), probeLanes, "the backlog is in the outbox")
		b.mu.Unlock()
		before := b.poster.total()
		time.Sleep(time.Hour)
		require.LessOrEqual(t, b.poster.total()-before, 30)
		b.emit("a1", "alice")
		time.Sleep(time.Millisecond)
		require.Equal(t, numbers(1), b.poster.record("a1", "alice", engine.StreamCalls))

		b.poster.mu.Lock()
		down = false
		b.poster.mu.Unlock()
		time.Sleep(6 * time.Minute)
		require.Zero(t, b.outbox.left(), "when it is back everything leaves, found by the scan")
		b.halt()
	})
}

func TestAnEventThatComesWhileTheOutboxIsReadIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.cfg.Rescan = 10_000 * time.Hour
		b.emit("a0", "alice") // waits from before: the scan finds it, so the lane asks until there is no more
		b.outbox.lag = func() time.Duration { return 10 * time.Millisecond }
		b.start()
		// The scan reads until 10 ms; the lane reads the first event until 20 ms and nothing until 30 ms.
		time.Sleep(25 * time.Millisecond)
		require.Equal(t, numbers(1), b.poster.record("a0", "alice", engine.StreamCalls))
		synctest.Wait()
		require.Equal(t, 2, b.outbox.reads, "it is asking for more")
		b.emit("a0", "alice")
		time.Sleep(time.Second)
		require.Equal(t, numbers(2), b.poster.record("a0", "alice", engine.StreamCalls))
		b.halt()
	})
}

func TestAWebhookThatIsRemovedAndSetAgainKeepsOneEventInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.poster.lag = func() time.Duration { return time.Second }
		b.start()
		b.emit("a0", "alice")
		time.Sleep(500 * time.Millisecond)
		r := b.tenants.apps["a0"].Calls
		b.tenants.set("a0", tenant.Receiver{})
		require.False(t, b.Wanted("a0", engine.StreamCalls))
		b.tenants.set("a0", r)
		require.True(t, b.Wanted("a0", engine.StreamCalls))
		b.emit("a0", "alice") // the poster fails the test if it leaves before the first has returned
		time.Sleep(10 * time.Second)
		require.Equal(t, numbers(2), b.poster.record("a0", "alice", engine.StreamCalls))
		b.halt()
	})
}

// Two people change a webhook at once. Who is told first that it has changed may
// be the last to act on what he saw.
func TestOfTwoChangesAtOnceTheLastStands(t *testing.T) {
	b := newBed(t, 1)
	var armed atomic.Bool
	second := make(chan struct{})
	b.tenants.looked = func() {
		if !armed.CompareAndSwap(true, false) {
			return
		}
		go func() {
			defer close(second)
			b.adjust("a0", func(r *tenant.Receiver) { r.Paused = true })
		}()
		select {
		case <-second: // then it has overtaken the first
		case <-time.After(100 * time.Millisecond):
		}
	}
	b.start()
	armed.Store(true)
	b.adjust("a0", func(r *tenant.Receiver) { r.Batch = true })
	<-second
	status, ok := b.StatusOf("a0", engine.StreamCalls)
	require.True(t, ok)
	require.Equal(t, Paused, status.Condition)
	b.halt()
}

func TestARemovedWebhookGetsNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.poster.answer = func(string, *engine.Notification, int) Outcome { return answer(500) }
		b.start()
		for i := range 100 {
			b.emit("a0", fmt.Sprintf("s%d", i))
		}
		time.Sleep(time.Minute)
		b.tenants.set("a0", tenant.Receiver{})
		synctest.Wait()
		before := b.poster.total()
		time.Sleep(time.Hour)
		require.Equal(t, before, b.poster.total())
		require.Zero(t, b.outbox.left(), "what waited for it waits no more")
		require.Empty(t, b.endpoints()[endpointKey{"a0", engine.StreamCalls}].lanes)
		require.NotContains(t, conditions(b.Dispatcher), "a0/calls")
		b.halt()
	})
}

func conditions(d *Dispatcher) map[string]Condition {
	out := map[string]Condition{}
	for _, s := range d.Status() {
		out[endpointKey{s.App, s.Kind}.String()] = s.Condition
	}
	return out
}

func TestAWebhookSetLaterServesWhatComesThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 0)
		told := b.notices()
		b.start()
		b.Ready("new", "alice", engine.StreamCalls, 1) // nobody wants it
		b.tenants.set("new", tenant.Receiver{URL: "mem://new", Secrets: []string{testSecret}})
		b.emit("new", "alice")
		time.Sleep(time.Second)
		require.Equal(t, numbers(1), b.poster.record("new", "alice", engine.StreamCalls))
		b.tenants.set("new", tenant.Receiver{URL: "bad://new", Secrets: []string{testSecret}})
		b.emit("new", "alice")
		time.Sleep(time.Hour)
		require.Equal(t, Unusable, conditions(b.Dispatcher)["new/calls"])
		require.Equal(t, []What{EndpointFailing}, told())
		require.Equal(t, 1, b.outbox.left())
		b.tenants.set("new", tenant.Receiver{URL: "mem://new", Secrets: []string{testSecret}})
		time.Sleep(time.Second)
		require.Zero(t, b.outbox.left())
		b.halt()
	})
}

func TestStopLetsAttemptsFinishAndAbortsThemWhenTimeIsUp(t *testing.T) {
	for _, tt := range []struct {
		patience time.Duration
		taken    int
	}{{time.Minute, 8}, {time.Second, 0}} {
		synctest.Test(t, func(t *testing.T) {
			b := newBed(t, 1)
			b.poster.lag = func() time.Duration { return 5 * time.Second }
			for i := range 100 {
				b.emit("a0", fmt.Sprintf("s%d", i))
			}
			b.start()
			time.Sleep(time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), tt.patience)
			defer cancel()
			err := b.Stop(ctx)
			require.Equal(t, tt.taken == 0, err != nil)
			require.Equal(t, 100-tt.taken, b.outbox.left())
			require.NoError(t, b.Stop(ctx), "again is fine")
			b.Ready("a0", "s1", engine.StreamCalls, 1)
			time.Sleep(time.Hour)
			require.Equal(t, 8, b.poster.total(), "nothing leaves any more")
		})
	}
}

func TestNothingLeavesBeforeStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.Dispatcher = New(b.cfg)
		b.emit("a0", "alice")
		time.Sleep(time.Minute)
		require.Zero(t, b.poster.total())
		b.Start()
		time.Sleep(time.Second)
		require.Equal(t, numbers(1), b.poster.record("a0", "alice", engine.StreamCalls))
		b.halt()
	})
}

func TestANewWebhookBeginsBehindWhatWasBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.cfg.Rescan = 10_000 * time.Hour
		r := b.tenants.apps["a0"].Calls
		b.start()
		b.emit("a0", "alice")
		time.Sleep(time.Second)
		b.tenants.set("a0", tenant.Receiver{})
		b.emit("a0", "alice") // it was on its way to be stored
		b.tenants.set("a0", r)
		b.emit("a0", "alice")
		time.Sleep(10 * time.Second)
		require.Equal(t, []uint64{1, 3}, b.poster.record("a0", "alice", engine.StreamCalls))
		require.Zero(t, b.outbox.left())
		b.halt()
	})
}
