package replay

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"offhook/engine"
)

func TestATaskGoesOnAfterARestart(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		each := rapid.IntRange(1, 120).Draw(rt, "each")
		poison := uint64(rapid.IntRange(1, each).Draw(rt, "poison"))
		restarts := rapid.SliceOfN(rapid.IntRange(0, 900), 1, 4).Draw(rt, "restarts after ms")
		cut := rapid.Bool().Draw(rt, "power cuts")
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t)
			subs := []string{"alice", "bob", "carol", "dave", "erin"}
			h.tell("app", each, subs...)
			h.is(func(stream engine.StreamID, sequence uint64, _ int) (engine.Attempt, error) {
				if stream.Subscriber == "bob" && sequence == poison {
					return status(503)
				}
				return status(200)
			})
			r := h.open()
			task := h.start(r, calls)
			again := map[string]bool{} // settled before a restart: not to be sent again
			for _, ms := range restarts {
				time.Sleep(time.Duration(ms) * time.Millisecond)
				h.mu.Lock()
				left := maps.Clone(h.disk)
				h.mu.Unlock()
				h.close(r)
				if cut {
					h.tasks, h.disk = left, maps.Clone(left)
				}
				known, ok, err := h.Task("app", task.ID)
				require.NoError(t, err)
				require.True(t, ok)
				for _, ev := range h.log[:known.Through] {
					event := fmt.Sprintf("app/%s/%d", ev.Subscriber, ev.Sequence)
					require.Positive(t, h.tries[event], "settled, and never sent")
					again[event] = true
				}
				h.anew() // it may go back a little, and not farther than that
				sent := len(h.sent)
				r = h.open()
				time.Sleep(100 * time.Millisecond)
				for _, event := range h.events()[sent:] {
					require.False(t, again[event], "%s was settled before the restart", event)
				}
			}
			task = h.ends(r, task)
			h.close(r)
			total := uint64(each * len(subs))
			require.Equal(t, Done, task.State)
			require.Equal(t, [4]uint64{total, total, total - 1, 1}, [4]uint64{task.Total, task.Done, task.Delivered, task.Failed},
				"nothing is counted twice, whatever was sent twice")
			for _, sub := range subs {
				for n := 1; n <= each; n++ {
					require.Positive(t, h.tries[fmt.Sprintf("app/%s/%d", sub, n)])
				}
			}
		})
	})
}

// After an orderly stop only what was settled out of turn is sent again.
func TestAnOrderlyStopForgetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.tell("app", 1000, "alice")
		r := h.open()
		task := h.start(r, calls)
		time.Sleep(2505 * time.Millisecond)
		h.close(r)
		require.Len(t, h.events(), 251, "the last was under way")
		r = h.open()
		task = h.ends(r, task)
		h.close(r)
		require.Equal(t, uint64(1000), task.Delivered)
		require.Len(t, h.events(), 1000)
	})
}

func TestCancelEndsATaskForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.tell("app", 1000, "alice", "bob")
		r := h.open()
		task := h.start(r, calls)
		time.Sleep(1005 * time.Millisecond)
		require.False(t, r.Cancel("other", task.ID), "another app's")
		require.False(t, r.Cancel("app", "rpl_0"))
		require.True(t, r.Cancel("app", task.ID))
		now, ok := r.Task("app", task.ID)
		require.True(t, ok)
		require.Equal(t, Canceled, now.State)
		require.Equal(t, reasonPerson, now.Error)
		require.Equal(t, Canceled, h.onDisk(task).State, "it is on disk")
		require.False(t, r.Cancel("app", task.ID))
		time.Sleep(time.Second)
		sent := len(h.events())
		end, _ := r.Task("app", task.ID)
		require.Equal(t, uint64(sent), end.Done, "an attempt under way counts")
		_, seen := r.Task("other", task.ID)
		require.False(t, seen)
		h.close(r)
		r = h.open()
		time.Sleep(time.Minute)
		require.Len(t, h.events(), sent, "a restart does not take it up again")
		require.False(t, r.Cancel("app", task.ID))
		h.close(r)
	})
}

func TestTasksAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.takes, h.rough = time.Hour, true
		r := h.open(func(c *Config) { c.InAll = 10 })
		for i := range 3 {
			app := fmt.Sprintf("app%d", i)
			h.webhook(app, true)
			h.tell(app, 1, "alice")
			for n := range 5 {
				_, err := r.Start(Range{App: app, Kind: engine.StreamCalls})
				if n == 4 || i == 2 && n >= 2 {
					require.ErrorIs(t, err, ErrBusy)
				} else {
					require.NoError(t, err)
				}
			}
			require.LessOrEqual(t, len(r.Tasks(app)), 4)
		}
		time.Sleep(10 * time.Hour)
		h.mu.Lock()
		h.takes = time.Millisecond
		h.mu.Unlock()
		for range 130 {
			h.tell("app", 1, "alice")
			h.ends(r, h.start(r, calls))
			time.Sleep(time.Minute)
		}
		kept := r.Tasks("app")
		require.Len(t, kept, 100)
		require.Equal(t, uint64(31), kept[0].Total, "the oldest are forgotten")
		require.Equal(t, uint64(130), kept[99].Total)
		time.Sleep(8 * 24 * time.Hour)
		require.Empty(t, r.Tasks("app"))
		h.close(r)
		_, err := r.Start(calls)
		require.ErrorIs(t, err, ErrStopped)
	})
}

func TestRangesThatMakeNoSense(t *testing.T) {
	h := newHouse(t)
	r := New(Config{Log: h, Tasks: h, Tenants: h, Lanes: h})
	for _, of := range []Range{
		{},
		{App: "app"},
		{App: "app", Kind: 3},
		{Kind: engine.StreamCalls},
		{App: "app", Kind: engine.StreamCalls, From: 1},
		{App: "app", Kind: engine.StreamCalls, To: 1},
		{App: "app", Kind: engine.StreamCalls, Subscriber: "alice", From: 3, To: 2},
		{App: "app", Kind: engine.StreamCalls, Since: 5, Until: 5},
		{App: "app", Kind: engine.StreamCalls, Since: -1},
	} {
		_, err := r.Start(of)
		require.ErrorIs(t, err, ErrRange, "%+v", of)
	}
	_, err := r.Start(calls)
	require.ErrorIs(t, err, ErrStopped, "before Run")
	_, err = r.Start(Range{App: "app", Kind: engine.StreamSubscriber})
	require.ErrorIs(t, err, ErrNoWebhook)
	require.NoError(t, r.Stop(context.Background()))
	require.ErrorIs(t, r.Run(), ErrStopped)
}

func TestATaskOutlastsADiskThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.tell("app", 2000, "alice") // more than is read ahead
		r := h.open()
		task := h.start(r, calls)
		breaks := func(err error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.broken = err
		}
		breaks(errDisk)
		_, err := r.Start(calls)
		require.ErrorIs(t, err, errDisk)
		time.Sleep(time.Minute)
		now, ok := r.Task("app", task.ID)
		require.True(t, ok)
		require.Equal(t, noteTrouble, now.Error)
		breaks(nil)
		task = h.ends(r, task)
		require.Equal(t, Done, task.State)
		require.Equal(t, uint64(2000), task.Delivered)
		require.Len(t, r.Tasks("app"), 1, "the one that was refused is not there")
		h.close(r)
	})
}

func TestALongLogIsCountedInPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.tell("app", 1500, "alice", "bob")
		reg := prometheus.NewRegistry()
		r := h.open(func(c *Config) { c.Count, c.Metrics = 1000, NewMetrics(reg) })
		task := h.start(r, calls)
		time.Sleep(time.Second)
		now, _ := r.Task("app", task.ID)
		require.Equal(t, uint64(1024), now.Total)
		require.True(t, now.More)
		require.Equal(t, 1.0, measured(t, reg)["offhook_webhook_replay_tasks"])
		task = h.ends(r, task)
		require.Equal(t, uint64(3000), task.Total)
		require.False(t, task.More)
		h.close(r)
		require.Zero(t, measured(t, reg)["offhook_webhook_replay_tasks"])
		require.Equal(t, 3000.0, measured(t, reg)["offhook_webhook_replayed_events_total"])
	})
}

func measured(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	families, err := reg.Gather()
	require.NoError(t, err)
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			all[f.GetName()] += m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return all
}
