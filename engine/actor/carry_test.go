package actor

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// halting is an outbox at which a step can be stopped on its way.
type halting struct {
	outbox
	at func()
}

func (o *halting) Wants(string) *engine.Wants {
	if o.at != nil {
		o.at()
	}
	return nil
}

func (h *desk) ringing() engine.CallID {
	h.tell(engine.EventReceived, engine.StatusAlerting)
	return h.only().Call.ID
}

// Somebody in the midst of his own input is an owner like any other: what comes
// meanwhile waits, is not lost and keeps its order; and he is kept for no more
// than his own.
func TestWhatComesWhileSomebodyCarriesOutHisOwnWaitsForAnOwner(t *testing.T) {
	o := &halting{}
	atDesk(t, func(h *desk) {
		h.ringing()
		halted, on := make(chan struct{}), make(chan struct{})
		first := true
		o.at = func() {
			if first {
				first = false
				close(halted)
				<-on
			}
		}
		back := make(chan struct{})
		go func() {
			h.tell(engine.EventAnswered, engine.StatusActive)
			close(back)
		}()
		<-halted
		h.tell(engine.EventHeld, engine.StatusHeld)
		h.tell(engine.EventRetrieved, engine.StatusActive)
		listed := make(chan engine.Reply, 1)
		go func() {
			listed <- h.Do(context.Background(), alice, engine.Command{Verb: engine.VerbList, App: app1})
		}()
		synctest.Wait()
		require.Empty(t, listed, "one owner at a time")
		require.Equal(t, []string{"ringing"}, h.states())
		unblock := h.disk.block()
		close(on)
		<-back // the disk stands still, and he does not wait for it
		unblock()
		require.Equal(t, []string{"ringing", "active", "held", "active"}, h.states())
		require.Len(t, (<-listed).Calls, 1)
	}, func(c *Config) { c.Outbox = o })
}

// Whoever is to carry out an input has no time to read a record: Deliver never
// waits.
func TestWhoIsNotInMemoryIsLoadedByAnOwner(t *testing.T) {
	atDesk(t, func(h *desk) {
		reading := make(chan struct{})
		h.disk.loading = reading
		h.tell(engine.EventReceived, engine.StatusAlerting) // and back, though nothing can be read
		close(reading)
		require.Equal(t, []string{"ringing"}, h.states())
	})
}

// A caller who leaves has left his command behind, which is carried out.
func TestACallerWhoLeavesLeavesHisCommand(t *testing.T) {
	atDesk(t, func(h *desk) {
		call := h.ringing()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		unblock := h.disk.block()
		h.tell(engine.EventAnswered, engine.StatusActive)
		r := h.DoCall(ctx, engine.Command{Verb: engine.VerbHold, App: app1, Call: call})
		require.Equal(t, engine.CodeUnconfirmed, r.Err.Code)
		unblock()
		synctest.Wait()
		require.Contains(t, h.platform.verbs(), "hold")
	})
}

// Whoever catches a panic of a step must not go on with what is half changed.
func TestAPanicInAStepEndsOwnership(t *testing.T) {
	o := &halting{}
	atDesk(t, func(h *desk) {
		call := h.ringing()
		o.at = func() { panic("a rule is broken") }
		require.PanicsWithValue(t, "a rule is broken", func() { h.tell(engine.EventAnswered, engine.StatusActive) })
		require.ErrorIs(t, <-h.failed, errLost)
		require.Equal(t, engine.CodeBusy, h.do(engine.VerbHold, call).Err.Code)
		require.Equal(t, []string{"ringing"}, h.states())
	}, func(c *Config) { c.Outbox = o })
}

// Nothing is submitted after Close, whoever carries it out.
func TestCloseWaitsForThoseWhoCarryOutAnInput(t *testing.T) {
	o := &halting{}
	atDesk(t, func(h *desk) {
		h.ringing()
		halted, on := make(chan struct{}), make(chan struct{})
		o.at = func() { close(halted); <-on }
		go h.tell(engine.EventAnswered, engine.StatusActive)
		<-halted
		closed := make(chan struct{})
		go func() { h.Close(); close(closed) }()
		synctest.Wait()
		select {
		case <-closed:
			require.Fail(t, "closed in the midst of a step")
		default:
		}
		close(on)
		<-closed
		before := h.received()
		h.tell(engine.EventHeld, engine.StatusHeld)
		synctest.Wait()
		require.Equal(t, before, h.received())
		h.open() // for whoever closes it again
	}, func(c *Config) { c.Outbox = o })
}
