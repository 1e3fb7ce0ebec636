package actor

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

const bob = "bob@example.com"

// confers has the provider tell that alice's calls c1 and c2 are, or were, in a conference.
func (h *desk) confers(over bool) {
	h.seq++
	h.Deliver(net1, alice, &engine.Event{
		ID: "conference", Subscription: "s", Sequence: h.seq, Kind: engine.EventConference,
		Conference: &engine.ConferenceFact{Over: over, Participants: []engine.ParticipantFact{{ProviderID: "c1"}, {ProviderID: "c2"}}},
	}, h.receipts)
}

// twoCalls are alice's c1 and c2, by their ids.
func (h *desk) twoCalls() (ids []engine.CallID) {
	for _, id := range []string{"c1", "c2"} {
		h.tellOf(id, engine.EventReceived, engine.StatusAlerting)
		h.tellOf(id, engine.EventAnswered, engine.StatusActive)
	}
	synctest.Wait()
	calls, err := h.SubscriberCalls(context.Background(), app1, alice)
	require.Nil(h.t, err)
	for _, c := range calls {
		ids = append(ids, c.Call.ID)
	}
	require.Len(h.t, ids, 2)
	return ids
}

func (h *desk) confer(cmd engine.Command) engine.Reply {
	if cmd.App == "" {
		cmd.App = app1
	}
	return h.DoConference(context.Background(), cmd)
}

func TestAConferenceFromItsStartToTenMinutesAfterItsEnd(t *testing.T) {
	atDesk(t, func(h *desk) {
		h.platform.becomes(engine.Platform{Verbs: ^engine.VerbSet(0)})
		ids := h.twoCalls()
		h.platform.answer = func(a engine.Ask) engine.Outcome {
			switch a.Verb {
			case engine.VerbConference:
				require.Equal(h.t, []string{"c2"}, a.With)
				h.confers(false)
			case engine.VerbEndConference:
				h.tellOf("c1", engine.EventReleased, engine.StatusReleased)
				h.tellOf("c2", engine.EventReleased, engine.StatusReleased)
			}
			return engine.Outcome{}
		}
		r := h.confer(engine.Command{Verb: engine.VerbConference, Call: ids[0], With: ids[1:], ClientRef: "board"})
		require.Nil(t, r.Err)
		id := r.Conference.ID
		require.Equal(t, "board", r.Conference.ClientRef)
		require.Len(t, r.Conference.Calls, 2)
		require.Equal(t, ids[0].Slot(), id.Slot(), "the owner is found by it")

		require.Len(t, h.Conferences(app1), 1)
		require.Empty(t, h.Conferences("app-2"))
		for _, v := range []engine.Verb{engine.VerbGetConference, engine.VerbMute, engine.VerbEndConference} {
			r := h.confer(engine.Command{Verb: v, App: "app-2", Conference: id, Call: ids[0]})
			require.Equal(t, engine.CodeNotFound, r.Err.Code, "another app's is nobody's")
		}
		require.Equal(t, engine.CodeNotFound, h.confer(engine.Command{Verb: engine.VerbGetConference, Conference: id + 1024}).Err.Code)
		require.Equal(t, engine.CodeNotFound, h.confer(engine.Command{Verb: engine.VerbMute, Conference: id, Call: 99 << 10}).Err.Code)
		shown := h.confer(engine.Command{Verb: engine.VerbGetConference, Conference: id}).Conference
		require.Equal(t, id, shown.ID)
		require.True(t, shown.Can.Has(engine.VerbEndConference))
		require.True(t, shown.Calls[0].Can.Has(engine.VerbMute))

		require.Nil(t, h.confer(engine.Command{Verb: engine.VerbEndConference, Conference: id}).Err)
		require.Empty(t, h.Conferences(app1))
		require.Zero(t, h.inMemory())
		for range 2 {
			r := h.confer(engine.Command{Verb: engine.VerbGetConference, Conference: id})
			require.Nil(t, r.Err)
			require.Equal(t, engine.StateReleased, r.Conference.State())
			require.Nil(t, h.confer(engine.Command{Verb: engine.VerbEndConference, Conference: id}).Err)
			r = h.confer(engine.Command{Verb: engine.VerbMute, Conference: id, Call: ids[0]})
			require.Equal(t, engine.StateReleased, r.Err.State)
			require.Equal(t, engine.CodeNotFound, h.confer(engine.Command{Verb: engine.VerbGetConference, App: "app-2", Conference: id}).Err.Code)
			h.Close() // and so after a restart
			h.open()
		}
		time.Sleep(10 * time.Minute)
		require.Equal(t, engine.CodeNotFound, h.confer(engine.Command{Verb: engine.VerbEndConference, Conference: id}).Err.Code)
	})
}

func TestAConferenceGoesOnAfterARestart(t *testing.T) {
	atDesk(t, func(h *desk) {
		h.platform.becomes(engine.Platform{Verbs: ^engine.VerbSet(0)})
		ids := h.twoCalls()
		h.confers(false)
		synctest.Wait()
		was := h.Conferences(app1)
		require.Len(t, was, 1)
		h.Close()
		h.open()
		is := h.Conferences(app1)
		require.Len(t, is, 1)
		require.Equal(t, was[0].ID, is[0].ID)
		require.Equal(t, ids[0], is[0].Calls[0].ID)
		require.True(t, is[0].Calls[0].Can.Has(engine.VerbMute))
	})
}

// The calls a command names beside its own are the same subscriber's. What the
// app may not see is not there.
func TestWhoseTheOtherCallsAre(t *testing.T) {
	atDesk(t, func(h *desk) {
		h.platform.becomes(engine.Platform{Verbs: ^engine.VerbSet(0)})
		ids := h.twoCalls()
		other := func(id string, app string) engine.CallID {
			_, err := h.PutProfile(context.Background(), engine.Profile{ID: id, Number: "+15125550101", Network: net1})
			require.Nil(t, err)
			require.Nil(t, h.Link(context.Background(), app, id))
			h.Deliver(net1, id, &engine.Event{Kind: engine.EventAnswered, Facts: []engine.Fact{{ProviderID: "x", Status: engine.StatusActive, Personality: engine.Terminator}}}, h.receipts)
			synctest.Wait()
			calls, refused := h.SubscriberCalls(context.Background(), app, id)
			require.Nil(t, refused)
			return calls[0].Call.ID
		}
		bobs, strangers := other(bob, app1), other("eve@example.com", "app-2")
		for verb, field := range map[engine.Verb]string{engine.VerbConsult: "with_call_id", engine.VerbConference: "call_ids"} {
			do := func(call engine.CallID, with ...engine.CallID) *engine.Error {
				cmd := engine.Command{Verb: verb, App: app1, Call: call, With: with}
				if verb == engine.VerbConference {
					return h.DoConference(context.Background(), cmd).Err
				}
				return h.DoCall(context.Background(), cmd).Err
			}
			err := do(ids[0], bobs)
			require.Equal(t, engine.CodeInvalidField, err.Code)
			require.Equal(t, field, err.Field)
			require.Equal(t, engine.CodeNotFound, do(ids[0], strangers).Code)
			require.Equal(t, engine.CodeNotFound, do(ids[0], 99<<10).Code)
			require.Equal(t, engine.CodeNotFound, do(strangers, ids[0]).Code)
			require.Equal(t, engine.CodeInvalidField, do(ids[0], ids[0]).Code)
			require.Equal(t, engine.CodeInvalidField, do(ids[0]).Code)
		}
		require.Empty(t, h.platform.verbs(), "nobody was asked")

		h.tellOf("c2", engine.EventReleased, engine.StatusReleased)
		synctest.Wait()
		r := h.DoCall(context.Background(), engine.Command{Verb: engine.VerbConsult, App: app1, Call: ids[0], With: ids[1:]})
		require.Equal(t, engine.CodeWrongState, r.Err.Code)
		require.Equal(t, engine.StateReleased, r.Err.State)
	})
}

// What a network can do may change while nothing happens to a subscriber.
func TestWhatIsShownIsWhatWorksNow(t *testing.T) {
	atDesk(t, func(h *desk) {
		h.platform.becomes(engine.Platform{Verbs: engine.Verbs(engine.VerbHold, engine.VerbEnd, engine.VerbTransfer)})
		h.twoCalls()
		first := h.Live(app1)[0].Call
		require.Equal(t, engine.Verbs(engine.VerbHold, engine.VerbEnd, engine.VerbTransfer), first.Can)
		h.platform.becomes(engine.Platform{Verbs: engine.Verbs(engine.VerbEnd)})
		require.Equal(t, engine.Verbs(engine.VerbEnd), h.Live(app1)[0].Call.Can)
		require.Equal(t, engine.Verbs(engine.VerbEnd), h.do(engine.VerbGet, first.ID).Call.Can)
		require.Equal(t, engine.CodeNotSupported, h.do(engine.VerbHold, first.ID).Err.Code)
	})
}

// A parked call is taken back by an app as it places a call: once for each key.
func TestACallIsTakenBackOnce(t *testing.T) {
	atDesk(t, func(h *desk) {
		h.platform.becomes(engine.Platform{Verbs: ^engine.VerbSet(0)})
		dialled := 0
		h.platform.answer = func(a engine.Ask) engine.Outcome {
			require.Equal(h.t, engine.VerbOriginate, a.Verb)
			require.Equal(h.t, "*884001", a.Number)
			dialled++
			return engine.Outcome{Fact: engine.Fact{ProviderID: "c9", TrackingID: "t9"}}
		}
		cmd := engine.Command{Verb: engine.VerbRetrieve, App: app1, Originate: &engine.Originate{
			SubscriberNumber: "+15125550100", Extension: "4001", Key: "k", ClientRef: "mine",
		}}
		var ids []engine.CallID
		for range 3 {
			r := h.Do(context.Background(), alice, cmd)
			require.Nil(t, r.Err)
			require.Equal(t, "4001", r.Call.RemoteNumber)
			require.Equal(t, "mine", r.Call.More.ClientRef)
			ids = append(ids, r.Call.ID)
			h.Lift(r.Call.ID)
		}
		require.Equal(t, 1, dialled)
		require.Equal(t, []engine.CallID{ids[0], ids[0], ids[0]}, ids)
	})
}
