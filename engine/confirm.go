package engine

// confirm answers the commands that what has changed decides.
func (st *step) confirm() { st.answer(st.decided) }

// decided answers a command that came to where it was to lead, or never can.
// A call that was just released is still among the live ones.
func (st *step) decided(w *waiter) (Reply, bool) {
	switch {
	case w.dials():
		return Reply{}, false
	case w.verb == VerbEndConference:
		return Reply{}, st.Conference == nil || st.Conference.ID != w.conference
	}
	c, r := st.call(w.call), &rules[w.verb]
	switch {
	case c == nil:
		return Reply{}, false
	case w.stage == stageAsked && awaitsPlace(c):
		is := *c
		w.parked = &is
		return Reply{}, false
	case r.reached != nil && r.reached(st.Subscriber, c, w):
		c.Can = st.can(c)
		is := Reply{Call: *c}
		if w.verb == VerbConference {
			is.Conference = st.ViewConference()
		}
		return is, true
	case c.State == StateReleased:
		return Reply{Err: &Error{Code: CodeWrongState, Message: "the call was released meanwhile", State: StateReleased}}, true
	case w.conference != 0 && w.conference != c.conference():
		return Reply{Err: &Error{Code: CodeWrongState, Message: "the call left the conference meanwhile", State: c.State}}, true
	}
	return Reply{}, false
}

// answer replies to the waiters that decide settles, and keeps the others.
func (st *step) answer(decide func(w *waiter) (Reply, bool)) {
	if len(st.waiters) == 0 {
		return
	}
	keep := st.waiters[:0]
	for i := range st.waiters {
		w := &st.waiters[i]
		r, done := decide(w)
		if !done {
			keep = append(keep, *w)
			continue
		}
		t := Trace{Kind: TraceReply, App: w.app, Verb: w.verb}
		if r.Err != nil {
			t.Code = r.Err.Code
		}
		st.traceAll(w, t)
		r.Token = w.token
		st.reply(r)
	}
	clear(st.waiters[len(keep):])
	st.waiters = keep
}

// controlled takes the provider's answer to a command.
func (st *step) controlled(a openAsk, o *Outcome) {
	st.parked(a, o)
	for i := range st.waiters {
		w := &st.waiters[i]
		if w.ask != a.id || w.stage != stageAsked {
			continue
		}
		switch o.Kind {
		case OutcomeAccepted:
			w.stage, w.taken, w.parkedAt, w.deadline = stageAccepted, true, o.ParkedAt, st.now+st.config.Confirm
		case OutcomeUnknown: // its event had that long to come
			w.stage = stageAccepted
		case OutcomeRefused, OutcomeGone:
			// Perhaps the call changed while we asked: the event that says so
			// explains the refusal better than any code.
			w.stage, w.refused, w.detail, w.deadline = stageRefused, true, o.Detail, st.now+st.config.Refused
		}
	}
	switch {
	case o.Kind == OutcomeNotSent:
		st.answer(func(w *waiter) (Reply, bool) {
			return Reply{Err: &Error{Code: CodeProviderUnavailable, Message: "the provider cannot be reached; nothing was done"}},
				w.ask == a.id && w.stage == stageAsked
		})
	case o.Kind == OutcomeAccepted && o.Conference != nil:
		st.confer(o.Conference, EventOther)
	case a.verb == VerbDTMF && (o.Kind == OutcomeAccepted || o.Kind == OutcomeUnknown):
		st.sent(a, o)
	}
}

// awaitsPlace reports whether nobody has said yet where a call that is
// over was parked.
func awaitsPlace(c *Call) bool {
	return c.State == StateReleased && c.Cause == CauseParked && (c.More == nil || c.More.ParkedAt == "")
}

// parked answers those who had a call parked that was over before the provider
// said where it is: its row has that from now on.
func (st *step) parked(a openAsk, o *Outcome) {
	var is *Call
	st.answer(func(w *waiter) (Reply, bool) {
		if w.ask != a.id || w.parked == nil {
			return Reply{}, false
		}
		if is == nil {
			is = w.parked
			if o.ParkedAt != "" {
				is.alter().ParkedAt = o.ParkedAt
				st.out.Put = append(st.out.Put, Record{Kind: RecordCall, Subscriber: st.Subscriber, Call: is})
			}
		}
		return Reply{Call: *is}, true
	})
}

// sent answers a command that nothing follows.
func (st *step) sent(a openAsk, o *Outcome) {
	st.answer(func(w *waiter) (Reply, bool) {
		if w.ask != a.id {
			return Reply{}, false
		}
		if c := st.call(a.call); c != nil && o.Kind == OutcomeAccepted {
			return Reply{Call: *c}, true
		}
		return Reply{Err: &Error{Code: CodeUnconfirmed, Message: "the provider did not say whether it took the command; it may still take effect"}}, true
	})
}

// readBack takes one call as the provider sees it, asked for because no event
// confirmed a command in time; or the conference, which a snapshot left out.
func (st *step) readBack(a openAsk, o *Outcome) {
	if a.call == 0 { // the conference by itself
		if o.Kind == OutcomeAccepted && o.Conference != nil && st.conferred <= a.since {
			st.confer(o.Conference, EventSnapshot)
		}
		return
	}
	c := st.call(a.call)
	if c == nil {
		return // released meanwhile; confirm has answered
	}
	switch o.Kind {
	case OutcomeAccepted:
		st.partsTold = o.Conference != nil
		if o.Conference != nil && !o.Conference.Over && st.anyReadFor(a.call, func(w *waiter) bool { return w.verb == VerbConference }) {
			st.wantSnapshot() // the others may have been held, and were not read
		}
		// What an event told while the call was read is newer.
		if c.touched <= a.since {
			f := o.Fact
			if f.Recording == RecordingUnknown && st.anyReadFor(a.call, func(w *waiter) bool { return w.verb == VerbStopRecording }) {
				f.Recording = RecordingStopped // nothing is said of a recording there is not
			}
			st.read(c, &f, EventOther)
		}
		if o.Conference != nil && st.conferred <= a.since {
			st.confer(o.Conference, EventOther)
		}
	case OutcomeGone:
		switch {
		case st.anyReadFor(a.call, func(w *waiter) bool { return w.refused }):
			// Neither the command nor the read found it. That is the second miss.
			st.lose(c)
		case st.anyReadFor(a.call, func(w *waiter) bool { return w.verb == VerbEndConference }):
			st.ended(c)
			st.endConference()
			st.wantSnapshot() // for the others that were in it
		case st.anyReadFor(a.call, (*waiter).wantsItOver):
			// It was taken and there is no such call any more: it is where the
			// command wants it.
			st.ended(c)
		default:
			st.wantSnapshot()
		}
	}
	st.answer(func(w *waiter) (Reply, bool) {
		if w.stage != stageReadBack || w.readOf(st.Subscriber) != a.call {
			return Reply{}, false
		}
		if w.refused {
			return Reply{Err: &Error{Code: CodeProviderError, Message: because("the provider refused the command", w.detail)}}, true
		}
		return Reply{Err: &Error{Code: CodeUnconfirmed, Message: "the provider took the command and no event confirmed it; it may still take effect"}}, true
	})
}

func (st *step) anyReadFor(id CallID, is func(w *waiter) bool) bool {
	for i := range st.waiters {
		if w := &st.waiters[i]; w.stage == stageReadBack && w.readOf(st.Subscriber) == id && is(w) {
			return true
		}
	}
	return false
}

func because(what, why string) string {
	if why == "" {
		return what
	}
	return what + ": " + why
}

// lose releases a call the provider no longer knows.
func (st *step) lose(c *Call) { st.over(c, OnLost) }

// ended releases a call that we were asked to end and whose event was lost.
func (st *step) ended(c *Call) {
	if c.Party == PartyNone {
		c.Party = PartyLocal
	}
	st.over(c, OnReleased)
}

func (st *step) over(c *Call, on Trigger) {
	c.Synthetic = true
	st.enter(c, table[c.State][on], on, EventOther, nil)
	st.confirm()
	st.sweep()
}
