package engine

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// platform is a plain model of a BroadWorks with one subscriber: it knows the
// truth, and tells it through a line that drops, repeats and reorders.
type platform struct {
	calls map[string]Fact
	next  int
	seq   uint32
	line  []*Event
}

func (p *platform) say(kind EventKind, facts ...Fact) {
	p.seq++
	p.line = append(p.line, &Event{ID: fmt.Sprint("e", p.seq), Subscription: "s", Sequence: p.seq, Kind: kind, Facts: facts})
}

func (p *platform) snapshot() { p.say(EventSnapshot, p.all()...) }

func (p *platform) all() []Fact {
	var all []Fact
	for i := range p.next + 1 {
		if f, ok := p.calls[fmt.Sprint("c", i)]; ok {
			all = append(all, f)
		}
	}
	return all
}

func (p *platform) begin(incoming bool) {
	p.next++
	id := fmt.Sprint("c", p.next)
	f := Fact{ProviderID: id, TrackingID: "t" + id, Status: StatusAlerting, Personality: Terminator, StartTime: int64(p.next)}
	kind := EventReceived
	if !incoming {
		f.Personality, kind = Originator, EventOriginated
	}
	p.calls[id] = f
	p.say(kind, f)
}

func (p *platform) change(t *rapid.T) {
	all := p.all()
	if len(all) == 0 {
		return
	}
	f := rapid.SampledFrom(all).Draw(t, "call")
	type way struct {
		to   Status
		kind EventKind
	}
	ways := map[Status][]way{
		StatusAlerting:   {{StatusActive, EventAnswered}, {StatusReleased, EventReleased}, {StatusAlerting, EventUpdated}, {StatusDetached, EventRedirected}},
		StatusActive:     {{StatusHeld, EventHeld}, {StatusRemoteHeld, EventHeld}, {StatusReleased, EventReleased}, {StatusActive, EventUpdated}},
		StatusHeld:       {{StatusActive, EventRetrieved}, {StatusRemoteHeld, EventHeld}, {StatusReleased, EventReleased}},
		StatusRemoteHeld: {{StatusActive, EventRetrieved}, {StatusHeld, EventHeld}, {StatusReleased, EventReleased}},
	}[f.Status]
	w := rapid.SampledFrom(ways).Draw(t, "way")
	f.Status = w.to
	p.calls[f.ProviderID] = f
	if w.to == StatusReleased || w.to == StatusDetached {
		delete(p.calls, f.ProviderID)
	}
	p.say(w.kind, f)
}

// watcher holds what the app is told against the promises.
type watcher struct {
	t    *rapid.T
	last uint64
	at   map[CallID]State
}

func (w *watcher) see(out *Effects) {
	for i := range out.Emit {
		n := &out.Emit[i]
		if n.Kind != StreamCalls {
			continue
		}
		if n.Sequence != w.last+1 {
			w.t.Fatalf("#%d after #%d", n.Sequence, w.last)
		}
		w.last = n.Sequence
		was := w.at[n.Call]
		switch {
		case was == StateReleased:
			w.t.Fatalf("%s after released", n.State)
		case was == n.State:
			w.t.Fatalf("%s twice", n.State)
		case was == StateRinging && n.State == StateHeld:
			w.t.Fatal("held before active")
		case n.State == StateRinging && was != StateNone:
			w.t.Fatalf("ringing after %s", was)
		case was == StateNone && n.State == StateReleased:
			w.t.Fatal("the end of a call that was never reported")
		}
		w.at[n.Call] = n.State
	}
}

func TestWhateverTheLineDoesTheTruthComesOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &platform{calls: map[string]Fact{}}
		sub := &Subscriber{}
		w := &watcher{t: t, at: map[CallID]State{}}
		now, random := int64(1_000_000), uint64(0)
		step := func(in Input) *Effects {
			random++
			now += 10
			in.Entropy = [2]uint64{random, 7}
			var out Effects
			if err := Step(sub, &in, now, &out); err != nil {
				t.Fatal(err)
			}
			w.see(&out)
			return &out
		}
		step(Input{Profile: &Profile{ID: "alice", Number: "+15125550100", Network: "n", ProviderUser: "alice"}})
		step(Input{Link: "app1"})
		p.snapshot()

		deliver := func() {
			if len(p.line) == 0 {
				return
			}
			i := 0
			switch rapid.IntRange(0, 9).Draw(t, "line") {
			case 0: // dropped
				p.line = p.line[1:]
				return
			case 1: // repeated
				step(Input{Event: p.line[0]})
			case 2: // overtaken
				i = min(1, len(p.line)-1)
			}
			ev := p.line[i]
			p.line = append(p.line[:i:i], p.line[i+1:]...)
			for _, a := range step(Input{Event: ev}).Ask {
				if a.Verb == VerbSnapshot {
					p.snapshot()
					step(Input{Outcome: &Outcome{Ask: a.ID, Kind: OutcomeAccepted, Snapshot: &Snapshot{Coming: true}}})
				}
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0, 1:
				p.begin(rapid.Bool().Draw(t, "incoming"))
			case 2, 3, 4:
				p.change(t)
			case 5:
				if rapid.IntRange(0, 4).Draw(t, "restart") == 0 {
					kept := *sub
					kept.transient = transient{}
					sub = &kept
					step(Input{Restart: true})
					p.snapshot()
				}
			case 6:
				if len(sub.Calls) > 0 {
					c := rapid.SampledFrom(sub.Calls).Draw(t, "own")
					v := rapid.SampledFrom([]Verb{VerbAnswer, VerbHold, VerbResume, VerbEnd}).Draw(t, "verb")
					step(Input{Command: &Command{Token: random, Verb: v, App: "app1", Call: c.ID}})
				}
			default:
				deliver()
			}
		}
		for len(p.line) > 0 {
			deliver()
		}
		p.snapshot() // the last word
		step(Input{Event: p.line[0]})

		if len(sub.Calls) != len(p.calls) {
			t.Fatalf("%d live calls, the platform has %d", len(sub.Calls), len(p.calls))
		}
		for i := range sub.Calls {
			c := &sub.Calls[i]
			f, ok := p.calls[c.ProviderID]
			if !ok {
				t.Fatalf("a ghost: %s", c.ProviderID)
			}
			want := map[Status]State{StatusAlerting: StateRinging, StatusActive: StateActive, StatusHeld: StateHeld, StatusRemoteHeld: StateActive}[f.Status]
			if c.State != want || c.RemoteHeld != (f.Status == StatusRemoteHeld) && c.State == StateActive {
				t.Fatalf("%s is %s (remote_held %v), the platform says %d", c.ProviderID, c.State, c.RemoteHeld, f.Status)
			}
			if w.at[c.ID] != c.State {
				t.Fatalf("the app was told %s, the call is %s", w.at[c.ID], c.State)
			}
		}
		for id, state := range w.at {
			if state != StateReleased && sub.call(id) == nil {
				t.Fatalf("%s never ended", id)
			}
		}
	})
}
