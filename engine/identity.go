package engine

// match finds the call a fact is about, within one (network, user).
//
// BroadWorks may replace a call's id while it lives, and its tracking id on a
// transfer, but not both unannounced (dossier §1.5, §2.2). So: by live id; else
// by tracking id, if exactly one live call has it and the personality fits.
// What fits nothing is a new call; what fits several is settled by a snapshot.
type match struct {
	call      *Call  // the live call
	ended     *Ended // a released call, mentioned again
	ambiguous bool
}

// listed tells whether a snapshot names a provider id by itself; such a call
// is not renamed by a fact that only shares its tracking id.
func (s *Subscriber) match(f *Fact, listed []Fact) match {
	for i := range s.Calls {
		if s.Calls[i].ProviderID == f.ProviderID && f.ProviderID != "" {
			return match{call: &s.Calls[i]}
		}
	}
	var found *Call
	for i := range s.Calls {
		c := &s.Calls[i]
		if f.TrackingID == "" || c.TrackingID != f.TrackingID || !fits(c.Direction, f.Personality) || names(listed, c.ProviderID) {
			continue
		}
		if found != nil {
			return match{ambiguous: true}
		}
		found = c
	}
	if found != nil {
		return match{call: found}
	}
	if len(s.Ended) == 0 {
		return match{}
	}
	is := marksOf(f.ProviderID, f.TrackingID)
	for i := len(s.Ended) - 1; i >= 0; i-- {
		e := &s.Ended[i]
		if e.marks == (marks{}) {
			e.marks = marksOf(e.ProviderID, e.TrackingID)
		}
		if e.marks.provider != is.provider && e.marks.tracking != is.tracking {
			continue
		}
		same := e.ProviderID != "" && e.ProviderID == f.ProviderID ||
			e.TrackingID != "" && e.TrackingID == f.TrackingID && f.Personality != PersonalityUnknown && fits(e.Direction, f.Personality)
		if same {
			return match{ended: e}
		}
	}
	return match{}
}

func fits(d Direction, p Personality) bool {
	return p == PersonalityUnknown || p.Direction() == d
}

func names(facts []Fact, providerID string) bool {
	if providerID == "" {
		return false
	}
	for i := range facts {
		if facts[i].ProviderID == providerID {
			return true
		}
	}
	return false
}

// again reports whether a fact that matches a released call speaks of a new
// one: a recall, or a call that started after the old one was over.
func (e *Ended) again(f *Fact, kind EventKind) bool {
	switch kind {
	case EventReceived, EventOriginating, EventOriginated:
	default:
		return false
	}
	if f.Recall != RecallNone {
		return true
	}
	over := e.EndTime
	if over == 0 {
		over = e.StartTime
	}
	return f.StartTime != 0 && over != 0 && f.StartTime > over
}

// adopt finds the open originate intent an unknown click-to-dial call belongs
// to: while the dial request is open nobody else can have placed it.
func (s *Subscriber) adopt(f *Fact) *Intent {
	if f.Personality != ClickToDial && f.Personality != Originator {
		return nil
	}
	for i := range s.Intents {
		in := &s.Intents[i]
		if !in.Open() || s.call(in.Call) != nil || s.isOver(in.Call) {
			continue
		}
		if in.Dialed == f.RemoteNumber || in.RemoteNumber == f.RemoteNumber {
			return in
		}
	}
	return nil
}

// isOver reports whether a call with our id came and went.
func (s *Subscriber) isOver(id CallID) bool {
	for i := range s.Ended {
		if s.Ended[i].ID == id {
			return true
		}
	}
	return false
}

// call finds a live call by our id.
func (s *Subscriber) call(id CallID) *Call {
	for i := range s.Calls {
		if s.Calls[i].ID == id {
			return &s.Calls[i]
		}
	}
	return nil
}
