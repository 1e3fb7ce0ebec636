package engine

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What a step folds comes apart as it happened, with what each app was told
// where it was told.
func TestTracesComeApart(t *testing.T) {
	sub, out := &Subscriber{}, &Effects{}
	step := func(in Input) {
		in.Entropy = [2]uint64{1, sub.inputs}
		require.NoError(t, Step(sub, &in, storyStart, out))
	}
	of := func(kind EventKind, id string, status Status) *Event {
		return &Event{Kind: kind, Facts: []Fact{{ProviderID: id, Status: status, Personality: Terminator}}}
	}
	step(Input{Profile: &Profile{ID: "alice", ProviderUser: "alice", Network: "n"}})
	step(Input{Link: "a"}) // tells of a subscriber, which is in no timeline
	step(Input{Link: "b"})
	step(Input{Event: of(EventReceived, "c1", StatusAlerting)})
	step(Input{Event: of(EventReceived, "c2", StatusAlerting)})
	step(Input{Event: of(EventHeld, "c1", StatusHeld)}) // nobody told that it was answered
	c1, c2 := sub.Calls[0].ID, sub.Calls[1].ID

	fact := func(id CallID, kind EventKind, status Status) Trace {
		return Trace{Call: id, Kind: TraceFact, Event: kind, Status: status}
	}
	move := func(id CallID, from, to State, on Trigger, synthetic bool) Trace {
		return Trace{Call: id, Kind: TraceMove, From: from, To: to, On: on, Synthetic: synthetic}
	}
	told := func(id CallID, app string, n uint64) Trace {
		return Trace{Call: id, Kind: TraceTold, App: app, Number: n}
	}
	want := []Trace{
		fact(c1, EventReceived, StatusAlerting), move(c1, StateNone, StateRinging, OnAlerting, false), told(c1, "a", 1), told(c1, "b", 1),
		fact(c2, EventReceived, StatusAlerting), move(c2, StateNone, StateRinging, OnAlerting, false), told(c2, "a", 2), told(c2, "b", 2),
		fact(c1, EventHeld, StatusHeld),
		move(c1, StateRinging, StateActive, OnActive, true), told(c1, "a", 3), told(c1, "b", 3),
		move(c1, StateActive, StateHeld, OnHeld, false), told(c1, "a", 4), told(c1, "b", 4),
	}
	var got []Trace
	emit := out.Emit // of all steps, as they are submitted
	folded := 0
	for i := range out.Put {
		folded += len(out.Put[i].Traces)
		got, emit = Unfold(got, out.Put[i].Traces, emit)
	}
	require.Equal(t, want, got)
	require.Empty(t, emit)
	require.Equal(t, 5, folded, "one for each transition, and one for the fact that makes two")
}
