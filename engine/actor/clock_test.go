package actor

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/clock"
)

// wall is the clock of a machine, which somebody sets.
type wall struct{ off atomic.Int64 }

func (w *wall) set(by time.Duration) { w.off.Add(by.Milliseconds()) }
func (w *wall) now() int64           { return time.Now().UnixMilli() + w.off.Load() }
func (w *wall) in(c *Config) {
	born := time.Now()
	c.Clock = clock.New(w.now, func() int64 { return time.Since(born).Milliseconds() })
}

// whoeverSets runs a story with the clock set by seconds, an hour and years,
// ahead and back.
func whoeverSets(t *testing.T, story func(h *desk, set func())) {
	for name, by := range map[string]time.Duration{
		"three seconds ahead": 3 * time.Second, "three seconds back": -3 * time.Second,
		"an hour ahead": time.Hour, "an hour back": -time.Hour,
		"ten years ahead": 10 * 365 * 24 * time.Hour, "ten years back": -10 * 365 * 24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			w := &wall{}
			w.off.Store(20 * 365 * 24 * time.Hour.Milliseconds()) // in a bubble it is the year 2000
			atDesk(t, func(h *desk) { story(h, func() { w.set(by) }) }, w.in)
		})
	}
}

func TestACommandWaitsForItsEventWhoeverSetsTheClock(t *testing.T) {
	whoeverSets(t, func(h *desk, set func()) {
		h.tell(engine.EventReceived, engine.StatusAlerting)
		h.tell(engine.EventAnswered, engine.StatusActive)
		call := h.only().Call.ID
		for _, comes := range []bool{true, false} {
			began := time.Now()
			replied := make(chan engine.Reply)
			verb := map[bool]engine.Verb{true: engine.VerbHold, false: engine.VerbResume}[comes]
			go func() { replied <- h.do(verb, call) }()
			time.Sleep(time.Second)
			set()
			h.tellOf("c2", engine.EventReceived, engine.StatusAlerting) // something else makes the owner look
			h.tellOf("c2", engine.EventReleased, engine.StatusReleased)
			time.Sleep(999 * time.Millisecond)
			if comes {
				h.tell(engine.EventHeld, engine.StatusHeld)
			}
			r := <-replied
			if comes {
				require.Nil(h.t, r.Err, "it has its two seconds")
				continue
			}
			require.Equal(h.t, engine.CodeUnconfirmed, r.Err.Code)
			require.InDelta(h.t, 2*time.Second, time.Since(began), float64(50*time.Millisecond), "and no more")
		}
	})
}

// Also of a subscriber who was parked meanwhile, and comes from the store.
func TestAnEndedCallIsKnownForTenMinutesWhoeverSetsTheClock(t *testing.T) {
	whoeverSets(t, func(h *desk, set func()) {
		h.tell(engine.EventReceived, engine.StatusAlerting)
		id := h.only().Call.ID
		h.tell(engine.EventReleased, engine.StatusReleased)
		synctest.Wait()
		require.Zero(h.t, h.inMemory())
		told := h.do(engine.VerbGet, id).Call.ReleasedAt
		time.Sleep(time.Minute)
		set()
		h.tell(engine.EventUpdated, engine.StatusActive)
		require.Len(h.t, h.states(), 2, "late news of a call that is over are no call")
		require.Zero(h.t, h.inMemory())
		time.Sleep(4 * time.Minute)
		set()
		require.Equal(h.t, told, h.do(engine.VerbGet, id).Call.ReleasedAt, "as it was told")
		time.Sleep(4*time.Minute + 50*time.Second)
		require.Nil(h.t, h.do(engine.VerbEnd, id).Err)
		h.tell(engine.EventUpdated, engine.StatusActive)
		require.Len(h.t, h.states(), 2)
		time.Sleep(time.Minute)
		require.Equal(h.t, engine.CodeNotFound, h.do(engine.VerbGet, id).Err.Code)
	})
}

// The events that tell of it carry what the clock shows, and their numbers are
// what they would have been.
func TestEventsAreNumberedInOrderWhoeverSetsTheClock(t *testing.T) {
	whoeverSets(t, func(h *desk, set func()) {
		for _, call := range []string{"c1", "c2", "c3"} {
			h.tellOf(call, engine.EventReceived, engine.StatusAlerting)
			synctest.Wait()
			set()
			h.tellOf(call, engine.EventAnswered, engine.StatusActive)
			time.Sleep(time.Minute)
			h.tellOf(call, engine.EventReleased, engine.StatusReleased)
			time.Sleep(time.Minute)
		}
		states := h.states() // numbered without a gap
		require.Len(h.t, states, 9)
		for i, state := range states {
			require.Equal(h.t, []string{"ringing", "active", "released"}[i%3], state)
		}
		h.disk.mu.Lock()
		defer h.disk.mu.Unlock()
		last := h.disk.events[len(h.disk.events)-1]
		require.InDelta(h.t, h.cfg.Clock.Now()-60_000, last.Time, 1000)
	})
}
