package engine

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"
)

// platform is a plain model of a BroadWorks with one subscriber. It knows the
// truth, tells it through a line that drops, repeats and reorders, and does
// what it is asked to, or not.
type platform struct {
	t     *rapid.T
	calls []Fact // live ones, oldest first
	next  int    // names calls
	seq   uint32
	line  []*Event
	dials map[string]int // calls placed on request, by number
}

func (p *platform) say(kind EventKind, facts ...Fact) {
	p.seq++
	p.line = append(p.line, &Event{ID: fmt.Sprint("e", p.seq), Subscription: "s", Sequence: p.seq, Kind: kind, Facts: facts})
}

func (p *platform) snapshot() { p.say(EventSnapshot, p.all()...) }

func (p *platform) all() []Fact { return slices.Clone(p.calls) }

func (p *platform) find(id string) int {
	return slices.IndexFunc(p.calls, func(f Fact) bool { return f.ProviderID == id })
}

func (p *platform) begin(f Fact, kind EventKind) Fact {
	p.next++
	if f.ProviderID == "" {
		f.ProviderID = fmt.Sprint("c", p.next)
	}
	if f.TrackingID == "" {
		f.TrackingID = fmt.Sprint("t", p.next)
	}
	f.Status, f.StartTime = StatusAlerting, int64(1000*p.next)
	p.calls = append(p.calls, f)
	p.say(kind, f)
	return f
}

// arrive begins a call nobody asked for.
func (p *platform) arrive() {
	switch rapid.IntRange(0, 4).Draw(p.t, "call") {
	case 0: // the subscriber dials
		p.begin(Fact{Personality: Originator, RemoteNumber: "+15125550177"}, EventOriginated)
	case 1: // the subscriber dials their own number: two halves of one conversation
		f := p.begin(Fact{Personality: Originator, RemoteNumber: "+15125550100"}, EventOriginated)
		p.begin(Fact{Personality: Terminator, TrackingID: f.TrackingID, RemoteNumber: "+15125550100"}, EventReceived)
	default:
		p.begin(Fact{Personality: Terminator, RemoteNumber: "+15125550142"}, EventReceived)
	}
}

// set moves one call and tells of it.
func (p *platform) set(i int, to Status, kind EventKind) {
	p.calls[i].Status = to
	f := p.calls[i]
	if to == StatusReleased || to == StatusDetached {
		f.ReleaseTime = f.StartTime + 500
		p.calls = slices.Delete(p.calls, i, i+1)
	}
	p.say(kind, f)
}

// change does something to a call that a subscriber or a far end can do.
func (p *platform) change() {
	if len(p.calls) == 0 {
		return
	}
	i := rapid.IntRange(0, len(p.calls)-1).Draw(p.t, "which")
	f := &p.calls[i]
	type way struct {
		to   Status
		kind EventKind
	}
	ways := map[Status][]way{
		StatusAlerting:   {{StatusActive, EventAnswered}, {StatusReleased, EventReleased}, {StatusAlerting, EventUpdated}, {StatusDetached, EventRedirected}},
		StatusActive:     {{StatusHeld, EventHeld}, {StatusRemoteHeld, EventHeld}, {StatusReleased, EventReleased}, {StatusActive, EventUpdated}, {StatusAlerting, EventTransferred}},
		StatusHeld:       {{StatusActive, EventRetrieved}, {StatusRemoteHeld, EventHeld}, {StatusReleased, EventReleased}},
		StatusRemoteHeld: {{StatusActive, EventRetrieved}, {StatusHeld, EventHeld}, {StatusReleased, EventReleased}},
	}[f.Status]
	switch rapid.IntRange(0, 11).Draw(p.t, "change") {
	case 0: // a new id for the same call
		p.next++
		f.ProviderID = fmt.Sprint("c", p.next)
		p.say(EventUpdated, *f)
	case 1: // another conversation behind the same call
		p.next++
		f.TrackingID = fmt.Sprint("t", p.next)
		p.say(EventTransferred, *f)
	case 2: // over, and back as a recall
		was := *f
		p.set(i, StatusReleased, EventReleased)
		p.begin(Fact{ProviderID: was.ProviderID, TrackingID: was.TrackingID, Personality: Terminator, Recall: RecallPark}, EventReceived)
	case 3:
		if f.Personality == ClickToDial { // the subscriber lifts the phone
			f.Personality = Originator
			p.say(EventOriginated, *f)
		}
	case 4: // a tone before the end
		out := *f
		out.Status = StatusReleasing
		p.say(EventReleasing, out)
	default:
		w := rapid.SampledFrom(ways).Draw(p.t, "way")
		p.set(i, w.to, w.kind)
	}
}

// do carries out what was asked, and returns what is answered.
func (p *platform) do(a Ask) Outcome {
	fault := rapid.IntRange(0, 7).Draw(p.t, "fault")
	o := Outcome{Ask: a.ID}
	switch fault {
	case 0:
		o.Kind = OutcomeNotSent
		return o
	case 1:
		o.Kind = OutcomeRefused
		return o
	case 2: // it may have been done
		if rapid.Bool().Draw(p.t, "done") {
			p.carryOut(a)
		}
		o.Kind = OutcomeUnknown
		return o
	case 3: // the phone ignores it
		if a.Verb == VerbAnswer || a.Verb == VerbHold || a.Verb == VerbResume || a.Verb == VerbEnd {
			return o
		}
	}
	o = p.carryOut(a)
	o.Ask = a.ID
	return o
}

func (p *platform) carryOut(a Ask) Outcome {
	switch a.Verb {
	case VerbOriginate:
		p.dials[a.Number]++
		f := p.begin(Fact{Personality: ClickToDial, RemoteNumber: a.Number}, EventOriginating)
		return Outcome{Fact: Fact{ProviderID: f.ProviderID, TrackingID: f.TrackingID, Status: StatusAlerting, Personality: ClickToDial}}
	case VerbSnapshot:
		if rapid.Bool().Draw(p.t, "coming") {
			p.snapshot()
			return Outcome{Snapshot: &Snapshot{Coming: true}}
		}
		return Outcome{Snapshot: &Snapshot{Facts: p.all()}}
	}
	i := p.find(a.ProviderID)
	if i < 0 {
		return Outcome{Kind: OutcomeGone}
	}
	f := &p.calls[i]
	switch {
	case a.Verb == VerbReadBack:
		return Outcome{Fact: *f}
	case a.Verb == VerbEnd:
		p.set(i, StatusReleased, EventReleased)
	case a.Verb == VerbAnswer && f.Personality == ClickToDial:
		f.Personality = Originator
		p.say(EventOriginated, *f)
	case a.Verb == VerbAnswer && f.Personality == Terminator && f.Status == StatusAlerting:
		p.set(i, StatusActive, EventAnswered)
	case a.Verb == VerbHold && (f.Status == StatusActive || f.Status == StatusRemoteHeld):
		p.set(i, StatusHeld, EventHeld)
	case a.Verb == VerbResume && f.Status == StatusHeld:
		p.set(i, StatusActive, EventRetrieved)
	default:
		return Outcome{Kind: OutcomeRefused}
	}
	return Outcome{}
}
