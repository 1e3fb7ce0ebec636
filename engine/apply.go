package engine

import "slices"

// fact absorbs what the provider says of one call.
func (st *step) fact(f *Fact, kind EventKind, synthetic bool) {
	m := st.match(f, nil)
	switch {
	case m.ambiguous:
		st.wantSnapshot()
	case m.call != nil:
		st.absorb(m.call, f, kind, synthetic)
	case m.ended != nil && m.ended.again(f, kind):
		st.begin(f, kind, synthetic, m.ended)
	case m.ended != nil:
		// A late word about a call that is over, or so we concluded.
		if m.ended.lost && table[StateNone][triggerOf(f, kind)].verdict == begin {
			st.wantSnapshot()
		}
	default:
		st.begin(f, kind, synthetic, nil)
	}
}

// begin starts a call at first sight, or the one that an ended one goes on as.
// Its direction and its session are fixed here.
func (st *step) begin(f *Fact, kind EventKind, synthetic bool, replaces *Ended) {
	on := triggerOf(f, kind)
	row := table[StateNone][on]
	switch row.verdict {
	case begin:
	case resync:
		// A snapshot that cannot tell either is not asked for again: the
		// call's next event will tell.
		if kind != EventSnapshot {
			st.wantSnapshot()
		}
		return
	default:
		return
	}
	if len(st.Calls) >= maxCalls {
		if kind != EventSnapshot {
			st.wantSnapshot()
		}
		return
	}
	in := st.adopt(f)
	st.Calls = append(st.Calls, Call{}) // filled in where it stays
	c := &st.Calls[len(st.Calls)-1]
	if in != nil {
		*c = st.intended(in)
	} else {
		c.Direction, c.CreatedAt = directionOf(f, kind), st.now
		c.ID = st.random.callID(st.slot())
	}
	c.told, c.touched = true, st.inputs
	c.Session = sessionOf(st.Network, f.TrackingID, c.ID)
	if replaces != nil {
		c.Replaces, c.Session = replaces.ID, replaces.session(st.Network)
	}
	// A call that is first seen past its ringing was missed until now.
	c.Synthetic = synthetic || row.to != StateRinging
	st.take(c, f)
	st.changed, st.out.Changed = true, true
	st.traceFact(c, f, kind, c.Synthetic)
	is := st.enter(c, row, on, kind, f)
	st.out.Put = append(st.out.Put, Record{Kind: RecordCall, Subscriber: st.Subscriber, Call: is})
	if replaces != nil {
		st.out.Put = append(st.out.Put, Record{Kind: RecordReplaced, Subscriber: st.Subscriber, Replaced: replaces.ID, By: c.ID})
	}
	st.expectNews(c)
	st.saidPart(c, f.InConference)
}

// directionOf takes the event's name as a hint where the payload has no personality.
func directionOf(f *Fact, kind EventKind) Direction {
	if f.Personality == PersonalityUnknown && (kind == EventReceived || kind == EventPickedUp) {
		return Incoming
	}
	return f.Personality.Direction()
}

// absorb applies a fact to a live call, as the table says.
func (st *step) absorb(c *Call, f *Fact, kind EventKind, synthetic bool) {
	on := triggerOf(f, kind)
	row := table[c.State][on]
	late := c.echoes > 0 && !synthetic
	if row.verdict == ignore || late && st.echo(c, f, kind, on) {
		return
	}
	c.told, c.missed = true, 0
	if !late { // what is being read is newer
		c.touched = st.inputs
	}
	number, name, cause, more := c.RemoteNumber, c.RemoteName, c.Cause, c.More
	news := st.take(c, f)
	switch row.verdict {
	case stay:
		finer := st.settle(c, row, on, kind)
		if !news && !finer && cause == c.Cause && kind != EventParkRetrieved {
			if kind != EventSnapshot {
				st.traceFact(c, f, kind, synthetic)
			}
			break
		}
		st.traceFact(c, f, kind, synthetic)
		st.changed, st.out.Changed = true, true
		c.Can = st.can(c)
		is := st.out.call(c)
		if finer || number != c.RemoteNumber || name != c.RemoteName || more != c.More || kind == EventParkRetrieved || kind == EventPickedUp && cause != c.Cause {
			st.detail(is, detailType(kind))
		}
	case insert:
		st.traceFact(c, f, kind, synthetic)
		c.Synthetic = true
		st.enter(c, rowInserted, OnActive, kind, f)
		fallthrough
	case move:
		if row.verdict == move {
			st.traceFact(c, f, kind, synthetic)
		}
		c.Synthetic = synthetic
		is := st.enter(c, row, on, kind, f)
		if kind == EventParkRetrieved && c.State.Live() {
			st.detail(is, typeRetrieved)
		}
	}
	st.expectNews(c)
	st.saidPart(c, f.InConference)
	st.confirm()
	st.sweep()
}

// detailType is what a change of detail is called where an event of that kind
// told of it.
func detailType(kind EventKind) string {
	switch kind {
	case EventTransferred:
		return typeTransferred
	case EventForwarded:
		return typeForwarded
	case EventPickedUp:
		return typePickedUp
	case EventParkRetrieved:
		return typeRetrieved
	case EventRecording:
		return typeRecording
	}
	return typeDetail
}

// expectNews has a call looked for at the provider when nothing is heard of it
// for long: an event that was lost without a gap behind it leaves no other trace.
func (st *step) expectNews(c *Call) {
	if c.echoes > 0 && c.checkAt != 0 { // to be looked for soon, perhaps
		return
	}
	wait := st.config.Verify
	if c.State == StateRinging {
		wait /= 5
	}
	c.checkAt = st.now + wait
}

// rowInserted is the step nobody told us of: a call is answered before it is held.
var rowInserted = row{verdict: move, to: StateActive}

// settle takes a fact that changes no state, the phase and remote hold, and
// reports whether either is new.
func (st *step) settle(c *Call, row row, on Trigger, kind EventKind) bool {
	phase, held := c.Phase, c.RemoteHeld
	switch {
	case row.phase != PhaseNone:
		phase = row.phase
	case on != OnUnknown:
		phase = phaseOf(c.State, c.Personality)
	}
	switch on {
	case OnRemoteHeld:
		held = true
	case OnActive, OnAlerting: // or the far end let go, and rings somewhere else
		held = false
	}
	st.pickedUp(c, kind)
	if phase == c.Phase && held == c.RemoteHeld {
		return false
	}
	c.Phase, c.RemoteHeld = phase, held
	return true
}

// enter makes one transition, tells every linked app, and returns the call as
// they were told.
func (st *step) enter(c *Call, row row, on Trigger, kind EventKind, f *Fact) *Call {
	from := c.State
	if from == StateHeld {
		c.unhold(st.now)
	}
	c.State = row.to
	c.Phase = row.phase
	if c.Phase == PhaseNone {
		c.Phase = phaseOf(c.State, c.Personality)
	}
	c.RemoteHeld = on == OnRemoteHeld || c.RemoteHeld && on == OnHeld
	switch c.State {
	case StateActive:
		if c.AnsweredAt == 0 { // a second answer changes nothing
			c.AnsweredAt = st.now
		}
		if c.Cause == CausePickedUp { // it was us
			c.Cause = CauseNone
		}
	case StateHeld:
		if c.AnsweredAt == 0 {
			c.AnsweredAt = st.now
		}
		c.HeldAt = st.now
	case StateReleased:
		c.ReleasedAt = st.now
		c.RemoteHeld = false
		c.Cause = causeOf(c, on, f)
		st.attribute(c, on)
	}
	st.changed, st.out.Changed = true, true
	st.moved(Move{Call: c.ID, From: from, To: c.State, On: on, Synthetic: c.Synthetic, Cause: c.Cause})
	st.pickedUp(c, kind)
	c.Can = st.can(c)
	is := st.out.call(c)
	for i := range st.Streams {
		if t := &st.Streams[i]; t.Linked {
			st.tell(t, is)
		}
	}
	if is.State == StateReleased {
		st.end(is)
	}
	return is
}

// moved notes a transition.
func (st *step) moved(m Move) {
	st.out.Moves = append(st.out.Moves, m)
	st.traceMove(&m)
}

// unhold counts a hold that is over.
func (c *Call) unhold(now int64) { c.HeldFor += max(0, now-c.HeldAt) }

// pickedUp notes why a call that rings at the subscriber will end.
func (st *step) pickedUp(c *Call, kind EventKind) {
	if kind == EventPickedUp && c.State == StateRinging && c.Direction == Incoming {
		c.Cause = CausePickedUp
	}
}

// end files a released call away, which Effects keeps as it was; sweep takes
// it out of the live ones.
func (st *step) end(c *Call) {
	// A dial request of unknown outcome was carried out, then. One that is
	// still being answered is settled by the answer.
	if in := st.intent(c.ID); in != nil && !st.dialing(c.ID) {
		st.settleIntent(in, "")
	}
	st.out.Put = append(st.out.Put, Record{Kind: RecordCall, Subscriber: st.Subscriber, Call: c})
	e := endedOf(c)
	e.at, e.lost = st.inputs, c.Cause == CauseProviderLost
	st.Ended = append(st.Ended, e)
	if st.Conference != nil && len(st.members()) == 0 {
		st.endConference()
	}
}

// endedOf is what is remembered of a released call.
func endedOf(c *Call) Ended {
	return Ended{
		ID: c.ID, ProviderID: c.ProviderID, TrackingID: c.TrackingID, Direction: c.Direction,
		StartTime: c.StartTime, EndTime: c.EndTime, ReleasedAt: c.ReleasedAt, Session: c.Session,
	}
}

// session is that of the call. Older records do not have it.
func (e *Ended) session(network string) Session {
	if e.Session != 0 {
		return e.Session
	}
	return sessionOf(network, e.TrackingID, e.ID)
}

// sweep drops released calls. Pointers into Calls are void after it.
func (st *step) sweep() {
	for i := range st.Calls {
		if !st.Calls[i].State.Live() { // rarely any
			st.Calls = slices.DeleteFunc(st.Calls, func(c Call) bool { return !c.State.Live() })
			return
		}
	}
}

// take copies the details a fact carries and reports whether any is new.
func (st *step) take(c *Call, f *Fact) (news bool) {
	text := func(is *string, said string) {
		if said != "" && *is != said {
			*is, news = said, true
		}
	}
	at := func(is *int64, said int64) {
		if said != 0 && *is != said {
			*is, news = said, true
		}
	}
	text(&c.ProviderID, f.ProviderID)
	text(&c.TrackingID, f.TrackingID)
	if f.Personality != PersonalityUnknown && c.Personality != f.Personality {
		c.Personality, news = f.Personality, true
	}
	if f.RemoteNumber != "" && !st.sameNumber(c, f.RemoteNumber) {
		c.RemoteNumber, news = f.RemoteNumber, true
		if f.RemoteName == "" {
			c.RemoteName = "" // the name belonged to the number before
		}
	}
	text(&c.RemoteName, f.RemoteName)
	at(&c.StartTime, f.StartTime)
	at(&c.EndTime, f.ReleaseTime)
	if f.Cause != CauseNone && c.Cause != CausePickedUp && (c.Cause != f.Cause || c.ProviderCause != f.ProviderCause) {
		c.Cause, c.ProviderCause, news = f.Cause, f.ProviderCause, true
	}
	if f.Party != PartyNone && c.Party != f.Party {
		c.Party, news = f.Party, true
	}
	if c.AllowAnswer != f.AllowAnswer || c.AllowRetrieve != f.AllowRetrieve {
		c.AllowAnswer, c.AllowRetrieve, news = f.AllowAnswer, f.AllowRetrieve, true
	}
	return c.takeMore(f) || news
}

// sameNumber keeps a number as the app wrote it when the provider means the
// same one, so that the events agree with the 201.
func (st *step) sameNumber(c *Call, number string) bool {
	if c.RemoteNumber == number {
		return true
	}
	for i := range st.Intents {
		if in := &st.Intents[i]; in.Call == c.ID {
			return in.Dialed == number && in.RemoteNumber == c.RemoteNumber
		}
	}
	return false
}
