package engine

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// shelf keeps a subscriber as a store does: a record, and what is said behind it.
type shelf struct {
	row    *Subscriber
	behind int // calls in the progress behind the record
	waits  []Record
	p      Progress
}

// keep takes what a step, or several, had stored. What comes of it is the
// subscriber as the whole record would have it.
func (s *shelf) keep(t *rapid.T, sub *Subscriber, out *Effects) {
	stored := false
	for _, r := range out.Put {
		switch r.Kind {
		case RecordSubscriber, RecordNoSubscriber:
			s.row, s.behind = reborn(sub), 0
		case RecordProgress:
			s.behind += max(1, len(r.Calls))
			s.waits = append(s.waits, r)
		default:
			continue
		}
		stored = true
	}
	if s.behind >= maxProgress {
		t.Fatalf("%d calls behind one record", s.behind)
	}
	if len(s.waits) > 0 {
		s.p.Collect(s.waits, sub)
		for range rapid.IntRange(1, 2).Draw(t, "applied") { // once more changes nothing
			if err := s.row.Apply(&s.p); err != nil {
				t.Fatal(err)
			}
		}
		s.waits = s.waits[:0]
	}
	if stored {
		want, got := content(sub), content(s.row)
		got.Intents = slices.DeleteFunc(got.Intents, func(in Intent) bool { // forgotten since, which is for the next write of all
			return !in.Open() && !slices.ContainsFunc(want.Intents, func(kept Intent) bool { return kept.Call == in.Call })
		})
		if len(got.Intents) == 0 {
			got.Intents = nil
		}
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("the record and what is behind it say\n%+v\nand the subscriber is\n%+v", *got, *want)
		}
	}
}

// content is what a record has of a subscriber. It has no way to tell an empty
// list from none.
func content(s *Subscriber) *Subscriber {
	s = reborn(s)
	s.transient = transient{}
	if len(s.Calls) == 0 {
		s.Calls = nil
	}
	if len(s.Ended) == 0 {
		s.Ended = nil
	}
	if len(s.Intents) == 0 {
		s.Intents = nil
	}
	return s
}

// What several steps changed is one progress, whichever of them are taken
// together.
func TestProgressOfManySteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s shelf
		sub, out := &Subscriber{}, &Effects{}
		now := int64(storyStart)
		step := func(in Input) {
			now++
			in.Entropy = [2]uint64{uint64(now), 3}
			require.NoError(t, Step(sub, &in, now, out))
		}
		step(Input{Profile: &Profile{ID: "alice", Network: "n", ProviderUser: "alice"}})
		for app := range rapid.IntRange(0, 3).Draw(t, "apps") {
			step(Input{Link: fmt.Sprint("app", app)})
		}
		s.keep(t, sub, out)
		begun, at := 0, map[string]Status{}
		for range rapid.IntRange(1, 40).Draw(t, "batches") {
			out.Reset()
			for range rapid.IntRange(1, 30).Draw(t, "steps") {
				id := fmt.Sprint("c", rapid.IntRange(max(1, begun-2), begun+1).Draw(t, "call"))
				status := StatusReleased
				switch at[id] {
				case StatusUnknown:
					status, begun = StatusAlerting, begun+1
				case StatusAlerting, StatusHeld:
					status = rapid.SampledFrom([]Status{StatusActive, StatusReleased, StatusHeld}).Draw(t, "status")
				case StatusActive:
					status = rapid.SampledFrom([]Status{StatusHeld, StatusReleased, StatusActive}).Draw(t, "status")
				}
				at[id] = status
				now += rapid.SampledFrom([]int64{0, 0, 0, EndedMemory / 4}).Draw(t, "pause")
				step(Input{Event: &Event{
					ID: rapid.SampledFrom([]string{"", fmt.Sprint(now)}).Draw(t, "id"), Kind: EventOther,
					Facts: []Fact{{ProviderID: id, TrackingID: id, Status: status, Personality: Terminator, RemoteName: rapid.SampledFrom([]string{"", "Bob", "Eve"}).Draw(t, "name")}},
				}})
			}
			s.batch(t, sub, out)
		}
	})
}

// batch keeps the records of several steps as a store does: where the whole
// record is among them nothing else is needed, since it is written last.
func (s *shelf) batch(t *rapid.T, sub *Subscriber, out *Effects) {
	for _, r := range out.Put {
		if r.Kind == RecordSubscriber {
			out.Put = []Record{r}
			s.waits = s.waits[:0]
			break
		}
	}
	s.keep(t, sub, out)
}

// The record is written whole where a progress would not say what changed.
func TestWhatIsWrittenWhole(t *testing.T) {
	sub := &Subscriber{}
	now := int64(storyStart)
	step := func(in Input) RecordKind {
		now++
		in.Entropy = [2]uint64{uint64(now), 3}
		var out Effects
		require.NoError(t, Step(sub, &in, now, &out))
		kind := RecordKind(0)
		for _, r := range out.Put {
			if r.Kind == RecordSubscriber || r.Kind == RecordProgress || r.Kind == RecordNoSubscriber {
				kind = r.Kind
			}
		}
		return kind
	}
	seq := uint32(0)
	event := func(subscription string, facts ...Fact) Input {
		seq++
		return Input{Event: &Event{ID: fmt.Sprint(seq), Subscription: subscription, Sequence: seq, Kind: EventOther, Facts: facts}}
	}
	require.Equal(t, RecordSubscriber, step(Input{Profile: &Profile{ID: "alice", Number: "+15125550100", ProviderUser: "alice", Network: "n"}}), "the first one")
	require.Equal(t, RecordSubscriber, step(Input{Link: "app"}))
	require.Equal(t, RecordSubscriber, step(event("s", Fact{ProviderID: "c1", Status: StatusAlerting, Personality: Terminator})), "a new subscription")
	require.Equal(t, RecordProgress, step(event("s", Fact{ProviderID: "c1", Status: StatusActive})))
	require.Equal(t, RecordProgress, step(event("s")), "an event and its number")
	require.Equal(t, RecordProgress, step(event("s", Fact{ProviderID: "c1", Status: StatusReleased})))
	dial := Input{Command: &Command{Token: 1, Verb: VerbOriginate, App: "app", Originate: &Originate{
		SubscriberNumber: "+15125550100", RemoteNumber: "+15125550142", Dialing: &Dialing{CountryCode: "1"},
	}}}
	require.Equal(t, RecordSubscriber, step(dial), "an intent")
	require.Equal(t, RecordSubscriber, step(Input{Outcome: &Outcome{Ask: sub.nextAsk, Fact: Fact{ProviderID: "c2"}}}), "it is settled, and an event waits")
	require.Equal(t, RecordProgress, step(event("s", Fact{ProviderID: "c2", Status: StatusAlerting, Personality: ClickToDial, RemoteName: "Bob"})))
	require.Equal(t, RecordSubscriber, step(Input{Lift: sub.Calls[0].ID}), "it waits no more")
	now += intentMemory
	require.Equal(t, RecordKind(0), step(Input{Tick: true}), "an intent that is forgotten is not worth a write")
	require.Equal(t, RecordSubscriber, step(event("s")), "and is gone from the next one")
	whole := 0
	for range 3 * maxProgress {
		if step(event("s")) == RecordSubscriber {
			whole++
		}
	}
	require.Equal(t, 3, whole, "now and then")
	many := make([]Fact, maxProgress)
	for i := range many {
		many[i] = Fact{ProviderID: fmt.Sprint("many", i), TrackingID: fmt.Sprint("many", i), Status: StatusAlerting, Personality: Terminator}
	}
	require.Equal(t, RecordSubscriber, step(event("s", many...)), "calls as many as a record has behind it")
	require.Equal(t, RecordSubscriber, step(Input{Profile: &Profile{ID: "alice", Number: "+15125550101", ProviderUser: "alice", Network: "n", Name: "Alice"}, Token: 1}))
	require.Equal(t, RecordSubscriber, step(Input{Unlink: "app"}))
	require.Equal(t, RecordNoSubscriber, step(Input{Delete: true}))
}

// Who else picked up a ringing call is told when it ends; until then it is in
// the store, though nobody is told and nothing else changed.
func TestACallPickedUpSomewhereElseIsStored(t *testing.T) {
	sub, out := &Subscriber{Profile: Profile{ID: "alice"}}, &Effects{}
	for _, kind := range []EventKind{EventReceived, EventPickedUp} {
		out.Reset()
		ev := &Event{Kind: kind, Facts: []Fact{{ProviderID: "c1", Status: StatusAlerting, Personality: Terminator}}}
		require.NoError(t, Step(sub, &Input{Event: ev, Entropy: [2]uint64{1, 2}}, storyStart, out))
	}
	require.Len(t, out.Put, 1)
	require.Equal(t, RecordProgress, out.Put[0].Kind)
	require.Len(t, out.Put[0].Traces, 1, "what is told of it in timelines")
	require.Equal(t, CausePickedUp, out.Put[0].Calls[0].Cause)
}

func TestProgressOfAnotherRecordIsRefused(t *testing.T) {
	for name, p := range map[string]Progress{
		"another number of streams": {Told: []uint64{7, 1}},
		"numbers that went back":    {Told: []uint64{6}},
		"more that are remembered":  {Told: []uint64{7}, Remembered: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Subscriber{Streams: []Stream{{App: "app", Calls: 7}}}
			require.ErrorIs(t, s.Apply(&p), errProgress)
		})
	}
}
