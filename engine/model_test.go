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
	conf  []ParticipantFact
}

func (p *platform) say(kind EventKind, facts ...Fact) {
	p.seq++
	p.line = append(p.line, &Event{ID: fmt.Sprint("e", p.seq), Subscription: "s", Sequence: p.seq, Kind: kind, Facts: facts})
}

func (p *platform) snapshot() {
	p.say(EventSnapshot, p.all()...)
	if len(p.conf) > 0 {
		p.line[len(p.line)-1].Conference = p.conference()
	}
}

// conference is the truth of it.
func (p *platform) conference() *ConferenceFact {
	return &ConferenceFact{Over: len(p.conf) == 0, Participants: slices.Clone(p.conf)}
}

func (p *platform) sayConference() {
	p.say(EventConference)
	p.line[len(p.line)-1].Conference = p.conference()
}

func (p *platform) part(id string) int {
	return slices.IndexFunc(p.conf, func(in ParticipantFact) bool { return in.ProviderID == id })
}

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
	if k := p.part(f.ProviderID); k >= 0 && p.find(f.ProviderID) < 0 {
		p.conf = slices.Delete(p.conf, k, k+1)
		p.sayConference()
	}
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
	switch rapid.IntRange(0, 13).Draw(p.t, "change") {
	case 0: // a new id for the same call
		p.next++
		k := p.part(f.ProviderID)
		f.ProviderID = fmt.Sprint("c", p.next)
		p.say(EventUpdated, *f)
		if k >= 0 {
			p.conf[k].ProviderID = f.ProviderID
			p.sayConference()
		}
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
	case 5: // at the phone
		f.Recording = rapid.SampledFrom([]Recording{RecordingPending, RecordingStarted, RecordingPaused, RecordingStopped, RecordingFailed}).Draw(p.t, "recording")
		p.say(EventRecording, *f)
	case 6: // the same
		p.confer(f.ProviderID)
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
		if a.Verb != VerbOriginate && a.Verb != VerbSnapshot && a.Verb != VerbReadBack {
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
		s := &Snapshot{Facts: p.all()}
		if rapid.Bool().Draw(p.t, "conference too") {
			s.Conference = p.conference()
		}
		return Outcome{Snapshot: s}
	case VerbEndConference:
		if len(p.conf) == 0 {
			return Outcome{Kind: OutcomeGone}
		}
		for len(p.conf) > 0 {
			i := p.find(p.conf[0].ProviderID)
			p.set(i, StatusReleased, EventReleased)
		}
		return Outcome{}
	}
	i := p.find(a.ProviderID)
	if i < 0 {
		return Outcome{Kind: OutcomeGone}
	}
	f := &p.calls[i]
	switch {
	case a.Verb == VerbReadBack:
		o := Outcome{Fact: *f}
		if a.Read {
			o.Conference = p.conference()
		}
		return o
	case a.Verb == VerbDTMF:
	case rules[a.Verb].reached != nil && a.Verb >= VerbDecline:
		return p.more(a, i)
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

// more carries out a verb the specification does not have.
func (p *platform) more(a Ask, i int) Outcome {
	f := &p.calls[i]
	up := f.Status == StatusActive || f.Status == StatusHeld || f.Status == StatusRemoteHeld
	rings := f.Status == StatusAlerting && f.Personality == Terminator
	in := p.part(a.ProviderID)
	switch v := a.Verb; {
	case v == VerbDecline && rings:
		p.set(i, StatusReleased, EventReleased)
	case (v == VerbDivert || v == VerbVoicemail) && rings, (v == VerbTransfer || v == VerbMuteTransfer) && up:
		p.set(i, StatusDetached, EventRedirected)
	case (v == VerbPark || v == VerbGroupPark) && up:
		p.set(i, StatusReleased, EventReleased)
		return Outcome{ParkedAt: "4001"}
	case v == VerbConsult && up && p.find(a.With[0]) >= 0:
		p.set(i, StatusDetached, EventRedirected)
		p.set(p.find(a.With[0]), StatusDetached, EventRedirected)
	case v == VerbReconnect && f.Status == StatusHeld:
		p.set(i, StatusActive, EventRetrieved)
	case v >= VerbRecord && v <= VerbStopRecording && up:
		f.Recording = map[Verb]Recording{
			VerbRecord: RecordingStarted, VerbPauseRecording: RecordingPaused, VerbResumeRecording: RecordingStarted, VerbStopRecording: RecordingStopped,
		}[v]
		p.say(EventRecording, *f)
	case v == VerbConference && up && len(p.conf) == 0:
		p.confer(append([]string{a.ProviderID}, a.With...)...)
	case (v == VerbMute || v == VerbUnmute) && in >= 0:
		p.conf[in].Muted = v == VerbMute
		p.sayConference()
	case (v == VerbDeaf || v == VerbUndeaf) && in >= 0:
		p.conf[in].Deaf = v == VerbDeaf
		p.sayConference()
	default:
		return Outcome{Kind: OutcomeRefused}
	}
	return Outcome{}
}

// confer has those of the calls that are up join a conference.
func (p *platform) confer(ids ...string) {
	for _, id := range ids {
		if i := p.find(id); i >= 0 && p.part(id) < 0 && p.calls[i].Status != StatusAlerting {
			p.conf = append(p.conf, ParticipantFact{ProviderID: id})
		}
	}
	if len(p.conf) > 0 {
		p.sayConference()
	}
}
