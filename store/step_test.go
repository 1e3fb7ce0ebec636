package store

import (
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/clock"
	"offhook/store/storetest"
)

// What Step leaves to be written is written here, as it would be anywhere else,
// however long it becomes.
func TestWhatStepEmitsIsWritten(t *testing.T) {
	s := openIn(t, vfs.NewMem())
	for i, length := range []int{0, 1, 100, 127, 128, 16000, 16383, 16384, 40000} {
		sub, out := &engine.Subscriber{}, &engine.Effects{}
		steps := []engine.Input{
			{Profile: &engine.Profile{ID: strings.Repeat("s", i+1), Name: strings.Repeat("n", length), Network: "n"}},
			{Link: "app"},
			{Event: &engine.Event{Kind: engine.EventReceived, Facts: []engine.Fact{{ProviderID: "c", Status: engine.StatusAlerting, RemoteName: "Zoë"}}}},
		}
		for j, in := range steps {
			in.Entropy = [2]uint64{uint64(i), uint64(j)}
			require.NoError(t, engine.Step(sub, &in, 1, out))
		}
		require.Len(t, out.Emit, 2)
		out.Emit[0].Queue, out.Emit[1].Queue = true, true
		last := storetest.Put(t, s, out.Put, out.Emit)
		for j := range out.Emit {
			n := out.Emit[j]
			n.Write()
			ev, ok, err := s.Next(n.Stream(), n.Sequence-1)
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, engine.StoredEvent{Index: last - 1 + uint64(j), Notification: n}, ev)
		}
	}
	require.NoError(t, s.Close())
}

func TestALengthStandsBeforeWhatItIsOf(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 16383, 16384, 1 << 21} {
		text := strings.Repeat("x", n)
		for room := range 4 {
			got := appendSized([]byte("before"), room, func(b []byte) []byte { return append(b, text...) })
			require.Equal(t, appendString([]byte("before"), text), got, "%d in %d", n, room)
		}
	}
}

func TestATransitionAllocatesNothing(t *testing.T) {
	next, s := transitions(), newSubmission(clock.New(nil, nil), nil)
	require.Zero(t, testing.AllocsPerRun(100, func() { s.anew(next()) }))
}

// transitions are those of a call that is held and retrieved, over and over,
// told to one app with a webhook.
func transitions() func() *engine.Effects {
	sub, out := &engine.Subscriber{}, &engine.Effects{}
	now := int64(1533331051226)
	step := func(in engine.Input) *engine.Effects {
		now++
		in.Entropy = [2]uint64{uint64(now), 1}
		out.Reset()
		if err := engine.Step(sub, &in, now, out); err != nil {
			panic(err)
		}
		return out
	}
	of := func(kind engine.EventKind, status engine.Status) *engine.Event {
		return &engine.Event{Kind: kind, Facts: []engine.Fact{{
			ProviderID: "callhalf-12345678901:0", TrackingID: "1234567:1", Status: status, Personality: engine.Terminator,
			RemoteNumber: "+15129104114", RemoteName: "Zilkr LLC", StartTime: 1533331051226,
		}}}
	}
	step(engine.Input{Profile: &engine.Profile{
		ID: "somesubscriberid@example-telco.com", Number: "+15128675309", Name: "Tommy Tutone", AccountID: "someCustomerIdOrSiteOrName",
		Network: "7fa63706-39c8-44c8-bf1b-f0749dda9110", ProviderUser: "somesubscriberid@example-telco.com",
	}})
	step(engine.Input{Link: "e1c1eef6-8c12-4031-8cc9-ae667c839476"})
	step(engine.Input{Event: of(engine.EventReceived, engine.StatusAlerting)})
	this, next := of(engine.EventRetrieved, engine.StatusActive), of(engine.EventHeld, engine.StatusHeld)
	return func() *engine.Effects {
		this, next = next, this
		out := step(engine.Input{Event: this})
		out.Emit[0].Queue = true
		return out
	}
}

// anew encodes what a step asks for, in the memory of what was before.
func (s *submission) anew(out *engine.Effects) {
	s.reset()
	s.encode(out.Put, out.Emit)
}

// BenchmarkStepAndEncode is a transition from the decoded event to the rows of
// the journal.
func BenchmarkStepAndEncode(b *testing.B) {
	next, s := transitions(), newSubmission(clock.New(nil, nil), nil)
	b.ReportAllocs()
	for b.Loop() {
		s.anew(next())
	}
	require.Equal(b, []int{1, 1}, []int{s.events, s.queued})
}
