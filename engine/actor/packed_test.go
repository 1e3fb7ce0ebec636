package actor

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// quiet is long enough for the janitor to come by everybody twice.
const quiet = 2*shards/tidied*janitorEvery + janitorEvery

// packed is alice, if she is; else nil.
func (h *desk) packed() (is *entry) {
	h.each(func(e *entry) {
		if e.key == alice && !e.packed.None() {
			require.Nil(h.t, e.sub)
			is = e
		}
	})
	return is
}

func (h *desk) active() engine.CallID {
	h.tell(engine.EventReceived, engine.StatusAlerting)
	h.tell(engine.EventAnswered, engine.StatusActive)
	return h.only().Call.ID
}

func TestWhoHasNothingToDoIsPackedAndGoesOnAsBefore(t *testing.T) {
	w, s := &watcher{}, &counted{}
	atDesk(t, func(h *desk) {
		call := h.active()
		require.Nil(t, h.packed(), "somebody may be about to do something")
		before, told, reads := h.board(), w.of(alice), s.reads.Load()
		time.Sleep(quiet)
		require.NotNil(t, h.packed())
		require.Equal(t, before[0].Apps, h.board()[0].Apps)
		require.Equal(t, before[0].Profile, h.board()[0].Profile)
		require.Equal(t, engine.StateActive, h.only().Call.State)
		require.Equal(t, told, w.of(alice), "nothing is shown otherwise")
		calls, refused := h.SubscriberCalls(context.Background(), app1, alice)
		require.Nil(t, refused)
		require.Len(t, calls, 1)
		require.Nil(t, h.do(engine.VerbGet, call).Err)
		require.NotNil(t, h.packed(), "to look changes nothing")

		go func() { time.Sleep(time.Millisecond); h.tell(engine.EventHeld, engine.StatusHeld) }()
		require.Nil(t, h.do(engine.VerbHold, call).Err)
		require.Nil(t, h.packed())
		time.Sleep(quiet)
		require.NotNil(t, h.packed())
		h.seq-- // told once more
		h.tell(engine.EventHeld, engine.StatusHeld)
		h.tell(engine.EventRetrieved, engine.StatusActive)
		h.tell(engine.EventReleased, engine.StatusReleased)
		require.Equal(t, []string{"ringing", "active", "held", "active", "released"}, h.states())
		require.Equal(t, reads, s.reads.Load(), "nobody was read again")
	}, func(c *Config) {
		s.memory = c.Store.(*memory)
		c.Store, c.Changed = s, w.changed
	})
}

// Nothing changes what is shown, and nothing is shown before it is durable: who
// is packed has his calls in common with those who look at them.
func TestWhatIsShownOfOneWhoIsPackedIsNotChanged(t *testing.T) {
	atDesk(t, func(h *desk) {
		h.active()
		time.Sleep(quiet)
		e := h.packed()
		require.NotNil(t, e)
		shown := e.view
		is := slices.Clone(shown.calls)

		unblock := h.disk.block()
		h.tell(engine.EventHeld, engine.StatusHeld)
		synctest.Wait()
		require.Nil(t, h.packed())
		require.Equal(t, engine.StateHeld, e.sub.Calls[0].State)
		require.Same(t, shown, e.view)
		require.Equal(t, engine.StateActive, h.only().Call.State, "not durable yet")
		time.Sleep(2 * quiet)
		require.Nil(t, h.packed(), "he has something to wait for")
		require.Equal(t, engine.StateActive, h.only().Call.State, "nor after a while")
		unblock()
		require.Equal(t, engine.StateHeld, h.only().Call.State)
		require.Equal(t, is, shown.calls, "who looked before has what he saw")

		time.Sleep(quiet)
		require.Same(t, e, h.packed())
		shown, is = e.view, slices.Clone(e.view.calls)
		require.Nil(t, h.Do(context.Background(), alice, engine.Command{Verb: engine.VerbList, App: app1}).Err)
		require.Same(t, shown, e.view, "who asks changes nothing")
		h.tell(engine.EventRetrieved, engine.StatusActive)
		h.tell(engine.EventReleased, engine.StatusReleased)
		synctest.Wait()
		require.Equal(t, is, shown.calls)
	})
}

func TestWhoIsWaitedForIsNotPacked(t *testing.T) {
	atDesk(t, func(h *desk) {
		call := h.active()
		h.platform.answer = func(a engine.Ask) engine.Outcome {
			if a.Verb == engine.VerbHold {
				time.Sleep(2 * quiet)
			}
			return engine.Outcome{Kind: engine.OutcomeAccepted}
		}
		replied := make(chan engine.Reply, 1)
		go func() { replied <- h.do(engine.VerbHold, call) }()
		time.Sleep(quiet + quiet/2)
		require.Nil(t, h.packed())
		require.Equal(t, engine.CodeUnconfirmed, (<-replied).Err.Code)
		time.Sleep(quiet)
		require.NotNil(t, h.packed())
	}, func(c *Config) { c.AskTime = time.Hour })
}

func TestWhoComesBackAtAStartIsPackedAtOnce(t *testing.T) {
	atDesk(t, func(h *desk) {
		h.active()
		h.Close()
		h.open()
		require.NotNil(t, h.packed())
		time.Sleep(6 * time.Second) // no snapshot came by itself
		require.Contains(t, h.platform.verbs(), "snapshot", "he is compared all the same")
		h.snapshotOfNothing()
		require.Equal(t, []string{"ringing", "active", "released"}, h.states())
	})
}

// What is counted in time goes on while nobody looks.
func TestACallOfOneWhoIsPackedIsLookedForWhoeverSetsTheClock(t *testing.T) {
	whoeverSets(t, func(h *desk, set func()) {
		h.active()
		time.Sleep(5 * time.Minute)
		require.NotNil(h.t, h.packed())
		set()
		h.tell(engine.EventUpdated, engine.StatusActive) // which is nothing new, but to whoever waits for news
		time.Sleep(9*time.Minute + 50*time.Second)
		require.NotNil(h.t, h.packed())
		require.NotContains(h.t, h.platform.verbs(), "snapshot")
		time.Sleep(20 * time.Second)
		synctest.Wait()
		require.Contains(h.t, h.platform.verbs(), "snapshot")
	})
}

func TestAConferenceIsPackedWithItsCalls(t *testing.T) {
	atDesk(t, func(h *desk) {
		h.platform.becomes(engine.Platform{Verbs: ^engine.VerbSet(0)})
		ids := h.twoCalls()
		h.confers(false)
		time.Sleep(quiet)
		require.NotNil(t, h.packed())
		shown := h.Conferences(app1)
		require.Len(t, shown, 1)
		h.platform.answer = func(engine.Ask) engine.Outcome {
			h.tellOf("c2", engine.EventReleased, engine.StatusReleased)
			return engine.Outcome{}
		}
		require.Nil(t, h.do(engine.VerbEnd, ids[1]).Err)
		require.Len(t, shown[0].Calls, 2, "who looked before has what he saw")
		again := h.confer(engine.Command{Verb: engine.VerbGetConference, Conference: shown[0].ID}).Conference
		require.Len(t, again.Calls, 1)
		require.Equal(t, shown[0].Conference, again.Conference)
	})
}

// Of somebody whose last step was not stored nobody knows what is durable: he is
// shown as he was, for as long as the process still answers.
func TestWhoCouldNotBeStoredIsNotPacked(t *testing.T) {
	atDesk(t, func(h *desk) {
		h.active()
		unblock := h.disk.block()
		h.tell(engine.EventHeld, engine.StatusHeld)
		h.disk.mu.Lock()
		h.disk.failing = errDisk
		h.disk.mu.Unlock()
		unblock()
		require.ErrorIs(t, <-h.failed, errDisk)
		time.Sleep(quiet)
		require.Equal(t, engine.StateActive, h.only().Call.State, "shown, and not durable")
	})
}

// What can be done with a conference is as new as what can be done with its calls.
func TestAConferenceIsPackedWithWhatCanBeDoneNow(t *testing.T) {
	atDesk(t, func(h *desk) {
		all := ^engine.VerbSet(0)
		h.platform.becomes(engine.Platform{Verbs: all &^ engine.Verbs(engine.VerbEndConference)})
		h.twoCalls()
		h.confers(false)
		synctest.Wait()
		h.platform.becomes(engine.Platform{Verbs: all})
		can := func() bool { return h.Conferences(app1)[0].Can.Has(engine.VerbEndConference) }
		require.True(t, can())
		require.Nil(t, h.Do(context.Background(), alice, engine.Command{Verb: engine.VerbList, App: app1}).Err)
		require.True(t, can())
		time.Sleep(quiet)
		require.NotNil(t, h.packed())
		require.True(t, can())
	})
}

// Whatever may be done to a subscriber finds him while he is packed.
func TestWhoIsPackedIsProvisionedLikeAnybody(t *testing.T) {
	ctx := context.Background()
	atDesk(t, func(h *desk) {
		call := h.active()
		pause := func() {
			h.t.Helper()
			time.Sleep(quiet)
			require.NotNil(h.t, h.packed())
		}
		pause()
		renamed := engine.Profile{ID: "Alice@Example.com", Number: "+15125550111", Name: "Liddell", Network: net1, ProviderUser: "liddell"}
		created, refused := h.PutProfile(ctx, renamed)
		require.Nil(t, refused)
		require.False(t, created)
		require.Equal(t, "Liddell", h.only().Profile.Name)
		pause()
		renamed.Network = "elsewhere"
		_, refused = h.PutProfile(ctx, renamed)
		require.Equal(t, engine.CodeConflict, refused.Code, "he has a live call")
		pause()
		require.Nil(t, h.Link(ctx, "app-2", alice))
		pause()
		require.Len(t, h.Live("app-2"), 1)
		require.Nil(t, h.Unlink(ctx, app1, alice))
		require.Empty(t, h.Live(app1))
		pause()
		h.Deliver(net1, "liddell", &engine.Event{ID: "held", Subscription: "s2", Sequence: 1, Kind: engine.EventHeld, Facts: []engine.Fact{{
			ProviderID: "c1", TrackingID: "t-c1", Status: engine.StatusHeld, Personality: engine.Terminator,
		}}}, h.receipts)
		require.Nil(t, h.Link(ctx, app1, alice))
		require.Equal(t, engine.StateHeld, h.only().Call.State)
		require.Equal(t, call, h.only().Call.ID)
		pause()
		h.Resync(net1, "liddell")
		synctest.Wait()
		require.Contains(t, h.platform.verbs(), "snapshot")
		time.Sleep(5 * time.Minute) // it is tried again, more and more seldom
		require.NotNil(t, h.packed())
		require.Nil(t, h.Delete(ctx, alice))
		require.Empty(t, h.Live(app1))
		require.Empty(t, h.board())
		require.Equal(t, []string{"ringing", "active", "released", "held", "released"}, h.states())
	})
}
