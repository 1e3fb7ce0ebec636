package engine

// causeOf says why a call ended, never finer than what the provider gave
// (dossier §2.3, outcome rule).
func causeOf(c *Call, on Trigger, f *Fact) Cause {
	switch {
	case on == OnLost:
		return CauseProviderLost
	case c.Cause == CausePickedUp:
		return CausePickedUp
	case c.More != nil && c.More.ParkedAt != "":
		return CauseParked
	case on == OnDetached && (c.Cause == CauseTransferred || c.Cause == CauseVoicemail || c.Cause == CauseParked):
		return c.Cause
	case on == OnDetached:
		return CauseRedirected
	case c.Cause != CauseNone:
		return c.Cause
	case c.AnsweredAt != 0 || f != nil && f.AnswerTime != 0:
		return CauseNormal
	case c.Direction == Incoming && c.Party == PartyLocal:
		return CauseRejected
	case c.Direction == Outgoing && c.Party == PartyLocal:
		return CauseCancelled
	}
	return CauseNoAnswer
}

// attribute says of a call that ends under a command that it was the command's
// doing. The provider's own event says so in part, or tells of the end alone.
func (st *step) attribute(c *Call, on Trigger) {
	switch {
	case on == OnLost || c.Cause == CausePickedUp:
		return
	case c.consulted:
		c.Cause = CauseTransferred
		return
	}
	// Nobody knows yet whether a command was taken: then the far end was faster,
	// or an app that had the call ended.
	faster := on == OnReleased && (c.Party == PartyRemote || st.ending(c.ID))
	for i := range st.waiters {
		w := &st.waiters[i]
		if w.refused || !w.about(c.ID) || !w.taken && faster {
			continue
		}
		st.sentAway(c, w, on)
		w.did = w.did || w.call == c.ID
	}
}

// ending reports whether an app wants the call over, and was not refused.
func (st *step) ending(id CallID) bool {
	for i := range st.waiters {
		if w := &st.waiters[i]; w.verb == VerbEnd && w.call == id && !w.refused {
			return true
		}
	}
	return false
}

// sentAway makes the end of a call what a command wanted of it.
func (st *step) sentAway(c *Call, w *waiter, on Trigger) {
	switch w.verb {
	case VerbDecline:
		if on == OnReleased && c.Cause == CauseNoAnswer {
			c.Cause = CauseRejected
		}
	case VerbDivert:
		c.Cause, c.alter().RedirectedTo = CauseRedirected, w.number
	case VerbVoicemail:
		c.Cause = CauseVoicemail
	case VerbTransfer, VerbMuteTransfer:
		c.Cause, c.alter().RedirectedTo = CauseTransferred, w.number
	case VerbConsult:
		c.Cause = CauseTransferred
		for _, id := range w.with { // it ends too, when nobody waits any more
			if o := st.call(id); o != nil {
				o.consulted = true
			}
		}
	case VerbPark, VerbGroupPark:
		c.Cause = CauseParked
		at := w.parkedAt
		if at == "" && c.More != nil {
			at = c.More.ParkedAt
		}
		if at = or(at, w.number); at == "" && w.verb == VerbPark {
			at = st.Extension
		}
		if at != "" {
			c.alter().ParkedAt = at
		}
	}
}
