package engine

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func stepped(t *testing.T, sub *Subscriber, in Input, now int64) *Effects {
	t.Helper()
	var out Effects
	in.Entropy = [2]uint64{uint64(now), 3}
	require.NoError(t, Step(sub, &in, now, &out))
	return &out
}

func alice(t *testing.T) *Subscriber {
	sub := &Subscriber{}
	stepped(t, sub, Input{Profile: &Profile{ID: "alice", Number: "+15125550100", Network: "n", ProviderUser: "alice"}}, 1)
	return sub
}

func TestTheThirtyThirdAppIsRefused(t *testing.T) {
	sub := alice(t)
	for i := range 32 {
		require.Nil(t, stepped(t, sub, Input{Link: fmt.Sprint("app", i), Token: 1}, 2).Reply[0].Err)
	}
	out := stepped(t, sub, Input{Link: "one more", Token: 1}, 3)
	require.Equal(t, CodeInvalidField, out.Reply[0].Err.Code)
	require.Equal(t, "app_id", out.Reply[0].Err.Field)
	require.Empty(t, out.Put)
	require.False(t, sub.LinkedTo("one more"))

	require.Nil(t, stepped(t, sub, Input{Link: "app7", Token: 1}, 4).Reply[0].Err, "a linked one may be linked again")
	stepped(t, sub, Input{Unlink: "app7"}, 5)
	require.Nil(t, stepped(t, sub, Input{Link: "one more", Token: 1}, 6).Reply[0].Err, "there is room again")
}

func TestNobodyUnknownIsLinkedOrDeleted(t *testing.T) {
	sub := &Subscriber{}
	for _, in := range []Input{{Link: "app1", Token: 1}, {Delete: true, Token: 1}} {
		out := stepped(t, sub, in, 1)
		require.Equal(t, CodeNotFound, out.Reply[0].Err.Code)
		require.Empty(t, out.Put)
	}
}

// A platform gone mad does not take the memory, and is not asked in a circle.
func TestMoreLiveCallsThanAnybodyHas(t *testing.T) {
	sub := alice(t)
	stepped(t, sub, Input{Link: "app1"}, 1)
	var all []Fact
	var asked []Ask
	for i := range maxCalls + 3 {
		f := Fact{ProviderID: fmt.Sprint("c", i), TrackingID: fmt.Sprint("t", i), Status: StatusAlerting, Personality: Terminator}
		all = append(all, f)
		asked = append(asked, stepped(t, sub, Input{Event: &Event{Kind: EventReceived, Facts: []Fact{f}}}, int64(i+2)).Ask...)
	}
	require.Len(t, sub.Calls, maxCalls)
	require.Len(t, asked, 1, "one snapshot at a time")
	out := stepped(t, sub, Input{Outcome: &Outcome{Ask: asked[0].ID, Snapshot: &Snapshot{Facts: all}}}, 200)
	for len(out.Ask) > 0 { // calls that arrived meanwhile
		asked = append(asked, out.Ask...)
		require.Less(t, len(asked), 4)
		out = stepped(t, sub, Input{Outcome: &Outcome{Ask: out.Ask[0].ID, Snapshot: &Snapshot{Facts: all}}}, 200)
	}
	require.Len(t, sub.Calls, maxCalls)
	require.True(t, sub.Idle())

	out = stepped(t, sub, Input{Event: &Event{Kind: EventSnapshot, Facts: all[maxCalls:]}}, 300)
	require.Empty(t, sub.Calls, "none of ours is listed, and there was no room for the others")
	require.Len(t, out.Moves, maxCalls)
}

func TestAnInputWithNothingInItChangesNothing(t *testing.T) {
	sub := alice(t)
	before := *sub
	var out Effects
	require.Error(t, Step(sub, &Input{}, 5, &out))
	require.Equal(t, before, *sub)
	require.Zero(t, out)
}

func TestRulesCanBeChanged(t *testing.T) {
	sub := alice(t)
	sub.Configure(&Config{Confirm: 100, Apps: 1})
	require.Equal(t, Config{Confirm: 100, Refused: 250, OriginateIn: 12000, Verify: 600000, Barrier: 5000, Apps: 1}, *sub.config)
	stepped(t, sub, Input{Link: "app1"}, 1)
	require.Equal(t, CodeInvalidField, stepped(t, sub, Input{Link: "app2", Token: 1}, 1).Reply[0].Err.Code)
	stepped(t, sub, Input{Event: &Event{Kind: EventAnswered, Facts: []Fact{{ProviderID: "c1", Status: StatusActive, Personality: Terminator}}}}, 2)
	hold := stepped(t, sub, Input{Command: &Command{Token: 1, Verb: VerbHold, App: "app1", Call: sub.Calls[0].ID}}, 10)
	taken := stepped(t, sub, Input{Outcome: &Outcome{Ask: hold.Ask[0].ID, Kind: OutcomeAccepted}}, 20)
	require.EqualValues(t, 120, taken.Wake)
	require.Equal(t, CodeInvalidField, stepped(t, sub, Input{Command: &Command{Token: 2, Verb: VerbNone, App: "app1", Call: sub.Calls[0].ID}}, 10).Reply[0].Err.Code)
}

func TestErrorsAreToldApartByCode(t *testing.T) {
	err := error(&Error{Code: CodeWrongState, Message: "only a held call can be resumed", State: StateActive})
	require.ErrorIs(t, err, &Error{Code: CodeWrongState})
	require.NotErrorIs(t, err, &Error{Code: CodeNotFound})
	require.NotErrorIs(t, err, errors.New("wrong_state"))
	require.Equal(t, "wrong_state: only a held call can be resumed", err.Error())
}

// Effects can be used again; what is in them does not show in the next step.
func TestEffectsAreUsedAgain(t *testing.T) {
	sub := alice(t)
	var out Effects
	for i, in := range []Input{
		{Link: "app1", Token: 1},
		{Event: &Event{Kind: EventAnswered, Facts: []Fact{{ProviderID: "c1", Status: StatusActive, Personality: Terminator}}}},
		{Resync: true},
	} {
		out.Reset()
		require.NoError(t, Step(sub, &in, int64(i+1), &out))
	}
	require.Empty(t, out.Emit)
	require.Empty(t, out.Reply)
	require.Empty(t, out.Moves)
	require.Len(t, out.Ask, 1)
	require.False(t, out.Changed)
}

func TestSubscriberIdsAreFolded(t *testing.T) {
	require.Equal(t, SlotOf("Alice@Example.com"), SlotOf("alice@example.COM"))
	n := Notification{App: "app1", Subscriber: "Alice", Kind: StreamCalls}
	require.Equal(t, StreamOf("app1", "aLICE", StreamCalls), n.Stream())
	require.NotEqual(t, StreamOf("app1", "alice", StreamSubscriber), n.Stream())
	seen := map[uint16]bool{}
	for i := range 20_000 {
		seen[SlotOf(fmt.Sprint("user", i, "@example.com"))] = true
	}
	require.Len(t, seen, Slots, "subscribers spread over all slots")
}
