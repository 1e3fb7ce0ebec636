package actor

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// tide is room that comes and goes.
type tide struct{ atomic.Uint32 }

func (s *tide) set(r Room)      { s.Store(uint32(r)) }
func (s *tide) room() Room      { return Room(s.Load()) } // #nosec G115 -- one of three
func (s *tide) in(c *Config)    { c.Room = s.room }
func (h *desk) waitForJanitor() { time.Sleep(2 * janitorEvery); synctest.Wait() }
func (h *desk) received() int   { h.disk.mu.Lock(); defer h.disk.mu.Unlock(); return h.disk.received }
func (h *desk) marks(id string) int {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	return h.disk.marks[id]
}

func (p *platform) answers(fn func(engine.Ask) engine.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = fn
}

// With little room commands and changes are refused, and reading goes on.
func TestWithLittleRoomOnlyReadingGoesOn(t *testing.T) {
	space := &tide{}
	atDesk(t, func(h *desk) {
		h.tell(engine.EventReceived, engine.StatusAlerting)
		call := h.only().Call.ID
		before := h.received()
		for _, room := range []Room{RoomShort, RoomNone} {
			space.set(room)
			require.Equal(t, engine.CodeBusy, h.do(engine.VerbAnswer, call).Err.Code)
			require.Equal(t, engine.CodeBusy, h.do(engine.VerbEnd, call).Err.Code)
			place := originate("key")
			require.Equal(t, engine.CodeBusy, h.Do(context.Background(), alice, place).Err.Code)
			_, refused := h.PutProfile(context.Background(), engine.Profile{ID: alice, Number: "+15125550100", Name: "Alice B", Network: net1})
			require.Equal(t, engine.CodeBusy, refused.Code)
			require.Equal(t, engine.CodeBusy, h.Link(context.Background(), "app-2", alice).Code)
			require.Equal(t, engine.CodeBusy, h.Unlink(context.Background(), app1, alice).Code)
			require.Equal(t, engine.CodeBusy, h.Delete(context.Background(), alice).Code)

			require.Equal(t, engine.StateRinging, h.do(engine.VerbGet, call).Call.State)
			require.Len(t, h.Live(app1), 1)
			views, refused := h.SubscriberCalls(context.Background(), app1, alice)
			require.Nil(t, refused)
			require.Len(t, views, 1)
		}
		require.Equal(t, before, h.received(), "nothing was stored")
		space.set(RoomEnough)
		require.Nil(t, h.Link(context.Background(), "app-2", alice))
	}, space.in)
}

// A fact there is no room for is not taken: one mark makes up for all of a
// subscriber, and he is compared when there is room, and not before.
func TestAMarkMakesUpForFactsThereIsNoRoomFor(t *testing.T) {
	space := &tide{}
	atDesk(t, func(h *desk) {
		space.set(RoomShort)
		unblock := h.disk.block()
		for range 5 {
			h.tell(engine.EventReceived, engine.StatusAlerting)
		}
		h.waitForJanitor()
		require.Zero(t, h.receipts.count(), "the mark is not durable")
		unblock()
		h.waitForJanitor()
		require.Equal(t, 5, h.receipts.count())
		require.Equal(t, 1, h.marks(alice), "one mark for all of them")
		require.Empty(t, h.states(), "nothing was taken")
		require.NotContains(t, h.platform.verbs(), "snapshot")
		h.Resync(net1, alice)
		h.waitForJanitor()
		require.NotContains(t, h.platform.verbs(), "snapshot", "nor is anybody compared")

		space.set(RoomEnough)
		h.waitForJanitor()
		require.Contains(t, h.platform.verbs(), "snapshot")
		require.True(t, h.disk.marked(alice), "until compared")
		h.snapshotOfNothing()
		h.waitForJanitor()
		require.False(t, h.disk.marked(alice))
		require.Zero(t, h.inMemory(), "forgotten again")
		h.tell(engine.EventReceived, engine.StatusAlerting)
		require.Equal(t, []string{"ringing"}, h.states(), "and all goes on")
	}, space.in)
}

// A comparison that began while there was room does not take back the mark of
// what was missed since.
func TestAnEarlierComparisonLeavesTheMark(t *testing.T) {
	space := &tide{}
	atDesk(t, func(h *desk) {
		snapshot := make(chan engine.Outcome)
		h.platform.answers(func(a engine.Ask) engine.Outcome {
			if a.Verb.String() == "snapshot" {
				return <-snapshot
			}
			return engine.Outcome{Kind: engine.OutcomeAccepted}
		})
		h.Resync(net1, alice)
		synctest.Wait()
		space.set(RoomShort)
		h.tell(engine.EventReceived, engine.StatusAlerting)
		synctest.Wait()
		require.True(t, h.disk.marked(alice))
		snapshot <- engine.Outcome{Kind: engine.OutcomeAccepted, Snapshot: &engine.Snapshot{}}
		synctest.Wait()
		require.True(t, h.disk.marked(alice), "a crash now must not forget it")
		h.platform.answers(nil)
		space.set(RoomEnough)
		h.waitForJanitor()
		h.snapshotOfNothing()
		h.waitForJanitor()
		require.False(t, h.disk.marked(alice))
	}, space.in)
}

// Where even marks find no room nothing is settled; with room it all is.
func TestWithoutAnyRoomNothingIsSettled(t *testing.T) {
	space := &tide{}
	atDesk(t, func(h *desk) {
		before := h.received()
		space.set(RoomNone)
		for range 7 {
			h.tell(engine.EventReceived, engine.StatusAlerting)
		}
		h.waitForJanitor()
		require.Zero(t, h.receipts.count())
		require.Equal(t, before, h.received(), "nothing was stored")
		require.EqualValues(t, 7, h.owed.Load())

		space.set(RoomEnough)
		h.waitForJanitor()
		require.Equal(t, 7, h.receipts.count())
		require.Zero(t, h.owed.Load())
		require.Contains(t, h.platform.verbs(), "snapshot")
		h.snapshotOfNothing()
		h.waitForJanitor()
		require.False(t, h.disk.marked(alice))
	}, space.in)
}

// However long it lasts, what is kept for it is bounded.
func TestReceiptsThatAreOwedAreBounded(t *testing.T) {
	space := &tide{}
	atDesk(t, func(h *desk) {
		space.set(RoomNone)
		for range mostOwed + 100 {
			h.tell(engine.EventReceived, engine.StatusAlerting)
		}
		require.EqualValues(t, mostOwed, h.owed.Load())
		space.set(RoomShort)
		h.tell(engine.EventReceived, engine.StatusAlerting)
		synctest.Wait()
		require.Equal(t, mostOwed+1, h.receipts.count())
		require.Equal(t, 1, h.marks(alice))
	}, space.in)
}

// A mark from before a restart waits for room too.
func TestAMarkOfBeforeWaitsForRoom(t *testing.T) {
	space := &tide{}
	atDesk(t, func(h *desk) {
		space.set(RoomShort)
		h.tell(engine.EventReceived, engine.StatusAlerting)
		synctest.Wait()
		h.Close()
		h.open(space.in)
		h.waitForJanitor()
		require.NotContains(t, h.platform.verbs(), "snapshot")
		space.set(RoomEnough)
		h.waitForJanitor()
		require.Contains(t, h.platform.verbs(), "snapshot")
		h.snapshotOfNothing()
		h.waitForJanitor()
		require.False(t, h.disk.marked(alice))
	}, space.in)
}
