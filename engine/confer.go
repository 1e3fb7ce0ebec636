package engine

// confer takes what the provider says of the subscriber's conference.
func (st *step) confer(f *ConferenceFact, kind EventKind) {
	st.conferred = st.inputs
	if f.Over || !f.Partial && len(f.Participants) == 0 {
		st.endConference()
		return
	}
	in := make([]*ParticipantFact, len(st.Calls)) // what is said of each call
	known, all := 0, true
	for i := range f.Participants {
		p := &f.Participants[i]
		switch at := st.at(p.ProviderID); {
		case at >= 0:
			in[at] = p
			if !p.Left {
				known++
			}
		case !p.Left:
			all = false
		}
	}
	if !all && kind != EventSnapshot { // we missed that a call began
		st.wantSnapshot()
	}
	switch {
	case st.Conference == nil && known == 0:
		return
	case st.Conference == nil:
		st.beginConference(f)
	case st.Conference.Held != f.Held && !f.Partial:
		is := *st.Conference
		is.Held = f.Held
		st.Conference = &is
		st.rewrite()
		st.out.Changed = true
	}
	changed := make([]bool, len(st.Calls))
	for i := range st.Calls {
		if c, p := &st.Calls[i], in[i]; c.State.Live() {
			switch {
			case p != nil && !p.Left:
				changed[i] = st.takePart(c, st.Conference.ID, p.Muted, p.Deaf)
			case p != nil || !f.Partial:
				changed[i] = st.takePart(c, 0, false, false)
			}
		}
	}
	for i := range changed {
		if changed[i] {
			st.tellPart(&st.Calls[i])
		}
	}
	if len(st.members()) == 0 {
		st.endConference()
		return
	}
	st.confirm()
}

// at is where the live call with that provider's id is, or -1.
func (s *Subscriber) at(providerID string) int {
	for i := range s.Calls {
		if c := &s.Calls[i]; c.ProviderID == providerID && providerID != "" && c.State.Live() {
			return i
		}
	}
	return -1
}

// members are the calls that are in the conference.
func (s *Subscriber) members() (ids []CallID) {
	if s.Conference == nil {
		return nil
	}
	for i := range s.Calls {
		if c := &s.Calls[i]; c.State.Live() && c.conference() == s.Conference.ID {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

func (st *step) beginConference(f *ConferenceFact) {
	c := &Conference{ID: st.random.conferenceID(st.slot()), Held: f.Held, CreatedAt: st.now}
	for i := range st.waiters {
		if w := &st.waiters[i]; w.verb == VerbConference && !w.joined && !w.refused {
			c.Origin, c.ClientRef = w.app, w.clientRef
			break
		}
	}
	st.Conference = c
	st.rewrite()
	st.out.Put = append(st.out.Put, Record{Kind: RecordConference, Subscriber: st.Subscriber, Conference: c})
}

// endConference: the calls that were in it, if they are not over too, go on by
// themselves.
func (st *step) endConference() {
	if st.Conference == nil {
		return
	}
	is := *st.Conference
	is.ReleasedAt = max(st.now, 1)
	st.Conference = nil
	st.rewrite()
	st.out.Changed = true
	st.out.Put = append(st.out.Put, Record{Kind: RecordConference, Subscriber: st.Subscriber, Conference: &is})
	for i := range st.Calls {
		if c := &st.Calls[i]; c.State.Live() && st.takePart(c, 0, false, false) {
			st.tellPart(c)
		}
	}
	st.confirm()
}

// lookForConference has the conference read that a snapshot leaves out. It is
// over, or the platform never puts it there.
func (st *step) lookForConference() {
	if st.Conference != nil && !st.reading(0) {
		st.ask(Ask{Verb: VerbReadBack, Read: true}, 0)
	}
}

// takePart notes how a call takes part in a conference, and reports whether that
// is new.
func (st *step) takePart(c *Call, id ConferenceID, muted, deaf bool) bool {
	if m := c.More; m == nil && id == 0 || m != nil && m.Conference == id && m.Muted == muted && m.Deaf == deaf {
		return false
	}
	m := c.alter()
	m.Conference, m.Muted, m.Deaf = id, muted, deaf
	c.touched = st.inputs
	st.changed, st.out.Changed = true, true
	return true
}

// tellPart tells of it.
func (st *step) tellPart(c *Call) {
	c.Can = st.can(c)
	st.detail(st.out.call(c), typeConference)
}

// saidPart takes what a fact of a call says of its part in the conference.
func (st *step) saidPart(c *Call, said Said) {
	if st.partsTold || !c.State.Live() || said == SaidNothing || (said == SaidYes) == (c.conference() != 0) {
		return
	}
	st.confer(&ConferenceFact{Partial: true, Participants: []ParticipantFact{{ProviderID: c.ProviderID, Left: said == SaidNo}}}, EventOther)
}
