package webhook

import (
	"bytes"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/clock"
)

// lanesOf is how many streams of an app's calls are in memory.
func (b *bed) lanesOf(app string) int {
	ep := b.endpoints()[endpointKey{app, engine.StreamCalls}]
	ep.mu.Lock()
	defer ep.mu.Unlock()
	return len(ep.lanes)
}

func TestBlackHolesDoNotSlowAnybodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 20)
		b.cfg.Slots = 256
		b.poster.answer = func(url string, _ *engine.Notification, _ int) Outcome {
			if url < "mem://a14" || url > "mem://a2" { // a0, a1, a10 … a13, a2 … a9: fourteen of twenty
				return Outcome{Class: Timeout, Took: 10 * time.Second}
			}
			return answer(200)
		}
		b.start()
		for i := range 5000 {
			b.emit("a3", fmt.Sprintf("s%d", i%1000))
			b.emit("a4", fmt.Sprintf("s%d", i%1000))
		}
		for i := range 2000 {
			for app := range 20 {
				b.emit(fmt.Sprintf("a%d", app), fmt.Sprintf("s%d", i))
			}
			time.Sleep(10 * time.Millisecond)
			for app := 14; app < 20; app++ {
				require.Equal(t, numbers(1), b.poster.record(fmt.Sprintf("a%d", app), fmt.Sprintf("s%d", i), engine.StreamCalls), "at once")
			}
		}
		require.LessOrEqual(t, b.poster.most("mem://a3/calls"), windowStart)
		b.halt()
	})
}

func TestOneEndpointGetsAQuarterOfTheSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 2)
		b.cfg.Slots = 16
		b.poster.lag = func() time.Duration { return 100 * time.Millisecond }
		b.start()
		for i := range 1000 {
			b.emit("a0", fmt.Sprintf("s%d", i))
		}
		time.Sleep(time.Second)
		require.Equal(t, 4, b.poster.most("mem://a0/calls"))
		time.Sleep(time.Minute)
		require.Zero(t, b.outbox.left())
		b.halt()
	})
}

func TestEndpointsTakeTurnsWhenSlotsRunOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 12)
		b.cfg.Slots = 8 // two for each, and twelve want them
		b.poster.lag = func() time.Duration { return 100 * time.Millisecond }
		b.start()
		for i := range 50 {
			for app := range 12 {
				b.emit(fmt.Sprintf("a%d", app), fmt.Sprintf("s%d", i))
			}
		}
		time.Sleep(3 * time.Second) // about 240 attempts: 20 for each
		for app := range 12 {
			n := 0
			for i := range 50 {
				n += len(b.poster.record(fmt.Sprintf("a%d", app), fmt.Sprintf("s%d", i), engine.StreamCalls))
			}
			require.InDelta(t, 20, n, 4, "app %d", app)
		}
		time.Sleep(time.Minute)
		require.Zero(t, b.outbox.left())
		b.halt()
	})
}

func TestConcurrencyFollowsWhatTheReceiverCanTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		const takes = 20
		b.poster.lag = func() time.Duration { return 50 * time.Millisecond }
		b.poster.answer = func(url string, _ *engine.Notification, _ int) Outcome {
			if b.poster.busy[url] > takes {
				return answer(503)
			}
			return answer(200)
		}
		b.start()
		for i := range 20_000 {
			b.emit("a0", fmt.Sprintf("s%d", i%500))
		}
		var least, most int
		time.Sleep(5 * time.Second)
		for i := range 100 {
			time.Sleep(50 * time.Millisecond)
			c := b.Status()[0].Concurrency
			if i == 0 || c < least {
				least = c
			}
			most = max(most, c)
		}
		require.GreaterOrEqual(t, least, takes/2)
		require.LessOrEqual(t, most, takes+2)
		b.halt()
	})
}

func TestMoreFailingStreamsThanRoomDoNotKeepOthersOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.cfg.Lanes = 50
		b.poster.answer = func(_ string, n *engine.Notification, _ int) Outcome {
			if strings.HasPrefix(n.Subscriber, "poison") {
				return answer(422)
			}
			return answer(200)
		}
		b.start()
		for i := range 500 {
			b.emit("a0", fmt.Sprintf("poison%d", i))
			b.emit("a0", fmt.Sprintf("fine%d", i))
		}
		time.Sleep(10 * time.Second)
		for i := range 500 {
			require.Equal(t, numbers(1), b.poster.record("a0", fmt.Sprintf("fine%d", i), engine.StreamCalls))
		}
		before := b.poster.total()
		time.Sleep(time.Hour)
		tries := float64(b.poster.total()-before) / 500
		require.Less(t, tries, 40.0, "what fails keeps to its schedule, in memory or not")
		require.Greater(t, tries, 1.0, "and is not forgotten")
		require.LessOrEqual(t, b.lanesOf("a0"), 51)
		for i := range 20 {
			late := fmt.Sprintf("late%d", i)
			b.emit("a0", late)
			time.Sleep(10 * time.Millisecond)
			require.Equal(t, numbers(1), b.poster.record("a0", late, engine.StreamCalls), "what is new does not wait for what is refused")
			time.Sleep(time.Minute)
		}
		b.halt()
	})
}

func TestAMillionWaitingStreamsCostLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const streams = 50_000 // fewer, to spare the model of the outbox; nothing below grows with it
		b := newBed(t, 2)
		b.poster.answer = func(url string, _ *engine.Notification, _ int) Outcome {
			if url == "mem://a0/calls" {
				return silence(ConnRefused)
			}
			return answer(200)
		}
		b.start()
		time.Sleep(time.Second)
		idle := runtime.NumGoroutine()
		var before, after runtime.MemStats
		for i := range streams {
			b.outbox.add("a0", fmt.Sprintf("s%d", i), engine.StreamCalls, time.Now())
		}
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range streams {
			b.Ready("a0", fmt.Sprintf("s%d", i), engine.StreamCalls, 1)
			if i%1000 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		time.Sleep(time.Second)
		runtime.GC()
		runtime.ReadMemStats(&after)
		require.LessOrEqual(t, runtime.NumGoroutine(), idle+mostResting)
		require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(4<<20))
		require.LessOrEqual(t, b.lanesOf("a0"), probeLanes)
		b.emit("a1", "alice")
		time.Sleep(time.Millisecond)
		require.Equal(t, numbers(1), b.poster.record("a1", "alice", engine.StreamCalls))
		b.halt()
	})
}

func TestAReceiverThatRefusesEverythingIsProbedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		status := 500
		b.poster.answer = func(string, *engine.Notification, int) Outcome { return answer(status) }
		b.start()
		for i := range 1000 {
			b.emit("a0", fmt.Sprintf("s%d", i))
		}
		time.Sleep(time.Hour)
		require.LessOrEqual(t, b.poster.total(), 30_000+3600/2, "not a thousand streams, each on its own")
		b.poster.mu.Lock()
		status = 200
		b.poster.mu.Unlock()
		time.Sleep(6 * time.Minute)
		require.Zero(t, b.outbox.left())
		b.halt()
	})
}

func TestTheClockMayJump(t *testing.T) {
	for _, by := range []time.Duration{-48 * time.Hour, 48 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			b := newBed(t, 1)
			b.poster.answer = func(string, *engine.Notification, int) Outcome { return answer(500) }
			b.emit("a0", "alice")
			b.cfg.Clock = clock.New(func() int64 { return time.Now().Add(by).UnixMilli() }, nil)
			b.start()
			time.Sleep(time.Hour)
			require.GreaterOrEqual(t, b.poster.total(), 12)
			require.LessOrEqual(t, b.poster.total(), 36)
			b.poster.mu.Lock()
			b.poster.answer = nil
			b.poster.mu.Unlock()
			time.Sleep(5 * time.Minute)
			require.Zero(t, b.outbox.left())
			b.halt()
		})
	}
}

func TestADiskThatCannotBeReadDelaysAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.outbox.failing = true
		b.emit("a0", "from before")
		b.start()
		b.emit("a0", "alice")
		time.Sleep(time.Minute)
		b.outbox.mu.Lock()
		b.outbox.failing = false
		b.outbox.mu.Unlock()
		time.Sleep(10 * time.Second)
		require.Zero(t, b.outbox.left())
		b.halt()
	})
}

// measured is the value of one counter or gauge with these labels.
func measured(t *testing.T, reg prometheus.Gatherer, name string, labels ...string) float64 {
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var have []string
			for _, l := range m.GetLabel() {
				have = append(have, l.GetValue())
			}
			if f.GetName() == name && slices.Equal(have, labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("nothing measured as %s %v", name, labels)
	return 0
}

func TestWhatIsMeasuredAndLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		reg := prometheus.NewPedanticRegistry()
		b := newBed(t, 2)
		b.cfg.Metrics = NewMetrics(reg)
		b.cfg.Log = slog.New(slog.NewTextHandler(&logged, nil))
		b.poster.answer = func(url string, _ *engine.Notification, _ int) Outcome {
			if url == "mem://a0/calls" {
				return silence(ConnRefused)
			}
			return answer(200)
		}
		b.start()
		for i := range 100 {
			b.emit("a0", fmt.Sprintf("s%d", i))
			b.emit("a1", fmt.Sprintf("s%d", i))
		}
		time.Sleep(time.Hour)
		require.EqualValues(t, 100, measured(t, reg, "offhook_webhook_attempts_total", "a1/calls", "2xx"))
		require.Greater(t, measured(t, reg, "offhook_webhook_attempts_total", "a0/calls", "refused"), 5.0)
		require.EqualValues(t, 1, measured(t, reg, "offhook_webhook_endpoint_outages_total", "a0/calls"))
		require.InDelta(t, time.Hour.Seconds(), measured(t, reg, "offhook_webhook_oldest_undelivered_seconds", "a0/calls"), 5)
		require.Zero(t, measured(t, reg, "offhook_webhook_oldest_undelivered_seconds", "a1/calls"))
		require.GreaterOrEqual(t, b.Status()[0].Waiting, probeLanes)
		require.Contains(t, logged.String(), "webhook endpoint is out")
		require.NotContains(t, logged.String(), testSecret)
		b.halt()
	})
}

func TestAttemptsAreRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.poster.answer = func(_ string, _ *engine.Notification, try int) Outcome {
			if try < 3 {
				return answer(500)
			}
			return answer(200)
		}
		b.start()
		b.emit("a0", "Alice")
		time.Sleep(time.Minute)
		b.halt()
		require.Len(t, b.outbox.attempts, 3)
		for i, a := range b.outbox.attempts {
			require.Equal(t, engine.StreamOf("a0", "alice", engine.StreamCalls), a.Stream)
			require.EqualValues(t, 1, a.Sequence)
			require.EqualValues(t, i+1, a.Number)
			require.NotZero(t, a.Index)
			require.NotZero(t, a.At)
			if i < 2 {
				require.Equal(t, 500, a.Status)
				require.Equal(t, "answered 500", a.Error)
				require.InDelta(t, b.outbox.attempts[i+1].At, a.NextAt, 2)
			} else {
				require.Equal(t, 200, a.Status)
				require.Empty(t, a.Error)
				require.Zero(t, a.NextAt)
			}
		}
	})
}

func TestAProbeThatToldNothingIsFollowedByAnother(t *testing.T) {
	for name, trouble := range map[string]func(b *bed){
		"the disk could not be read": func(b *bed) { b.outbox.failing = !b.outbox.failing },
		"its event is gone":          func(b *bed) { b.outbox.streams[engine.StreamOf("a0", "s0", engine.StreamCalls)] = nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, 1)
				b.cfg.Rescan = 10_000 * time.Hour
				b.poster.answer = func(string, *engine.Notification, int) Outcome { return silence(ConnRefused) }
				b.start()
				for i := range 8 {
					b.emit("a0", fmt.Sprintf("s%d", i))
				}
				time.Sleep(time.Hour)
				require.Equal(t, BackingOff, b.Status()[0].Condition)
				b.outbox.mu.Lock()
				trouble(b)
				b.outbox.mu.Unlock()
				time.Sleep(time.Hour)
				b.outbox.mu.Lock()
				b.outbox.failing = false
				b.outbox.mu.Unlock()
				b.poster.mu.Lock()
				b.poster.answer = nil
				b.poster.mu.Unlock()
				time.Sleep(6 * time.Minute)
				require.Zero(t, b.outbox.left())
				b.halt()
			})
		})
	}
}

func TestWorkersAreUsedAgainAndFewAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const apps = 2 * mostResting
		b := newBed(t, apps)
		b.poster.lag = func() time.Duration { return time.Millisecond } // so that all are under way at a time
		b.start()
		for a := range apps {
			b.emit(fmt.Sprint("a", a), "alice")
		}
		time.Sleep(time.Second)
		require.Equal(t, int64(mostResting), b.rests.Load(), "the others have ended")
		b.emit("a0", "alice")
		time.Sleep(time.Millisecond / 2)
		require.Equal(t, int64(mostResting-1), b.rests.Load(), "one of them works")
		time.Sleep(time.Second)
		require.Equal(t, int64(mostResting), b.rests.Load(), "and rests again")
		require.Equal(t, numbers(2), b.poster.record("a0", "alice", engine.StreamCalls))
		for a := 1; a < apps; a++ {
			require.Equal(t, numbers(1), b.poster.record(fmt.Sprint("a", a), "alice", engine.StreamCalls))
		}
		b.halt()
		require.Zero(t, b.rests.Load(), "none outlives the dispatcher")
	})
}
