package simulator

// The flows of the switch. Every function here runs with mu held; the events
// it causes are queued on channels before it returns (dossier §2.4, §2.5).

const ringDelay = duration(20e6) // 20 ms until a dialled party or phone rings

// dialClick places a call for p through Xsi: its own phone rings first (dossier §1.5).
func (s *Simulator) dialClick(p *phone, address string) *half {
	h := s.newHalf(p, clickToDial, s.asDialled(p, address), s.newTracking())
	h.dialled = address
	h.device = false
	s.callEvent(h, evOriginating)
	s.later(h, ringDelay, func() {
		h.device = true
		s.callEvent(h, evUpdated)
	})
	if p.behave.answer != answerManual {
		s.later(h, p.behave.answerAfter, func() { s.lift(h) })
	}
	s.later(h, s.cfg.RingTimeout, func() { s.release(h, localRelease, "") })
	return h
}

// asDialled is the far end as known before it rings: what was dialled.
func (s *Simulator) asDialled(p *phone, address string) party {
	if other := s.phoneAt(address); other != nil {
		seen := other.seenBy(p)
		return party{address: address, callType: seen.callType}
	}
	if _, code := s.retrieves(p, address); code {
		return party{address: address, callType: "Group"}
	}
	return outside("", address)
}

// lift takes the subscriber's phone off the hook: a click-to-dial rings out,
// an incoming call is answered.
func (s *Simulator) lift(h *half) {
	if h.personality == terminator {
		s.answer(h)
		return
	}
	s.enter(h, alerting)
	h.device = true
	h.personality = originator
	s.goOffHook(h)
	if s.cfg.NewCallIDOnLift {
		delete(s.calls, h.id)
		s.lastHalf++
		h.id = "callhalf-" + itoa(s.lastHalf) + ":0"
		s.calls[h.id] = h
	}
	s.callEvent(h, evOriginated)
	s.ringFar(h, h.dialled)
}

// goOffHook joins the phone to the call; a person talks to one at a time.
func (s *Simulator) goOffHook(h *half) {
	for _, o := range h.phone.calls {
		if o != h && o.stage == active && !o.localHold && (h.conf == nil || o.conf != h.conf) {
			s.hold(o)
		}
	}
	h.lifted = true
	s.setHook(h.phone)
}

// dialDesk is the subscriber dialling on the phone (order of events: dossier §2.4).
func (s *Simulator) dialDesk(p *phone, address, name string, far behaviour) *half {
	h := s.newHalf(p, originator, s.asDialled(p, address), s.newTracking())
	h.dialled, h.far = address, far
	s.goOffHook(h)
	s.callEvent(h, evOriginated)
	s.later(h, ringDelay, func() {
		if h.peer == nil && h.remote.name == "" {
			h.remote.name = name
		}
		s.callEvent(h, evUpdated)
		s.ringFar(h, address)
	})
	return h
}

// incoming is a call from outside that rings at p.
func (s *Simulator) incoming(p *phone, from party) *half {
	h := s.newHalf(p, terminator, from, s.newTracking())
	s.ringHere(h)
	return h
}

// ringHere makes the subscriber's phone ring with a call from outside or from
// a subscriber who is there to wait for it.
func (s *Simulator) ringHere(h *half) {
	s.callEvent(h, evReceived)
	if h.phone.behave.answer == answerAuto {
		s.later(h, h.phone.behave.answerAfter, func() { s.answer(h) })
	}
	s.later(h, s.cfg.RingTimeout, func() { s.unanswered(h) })
}

// unanswered ends a call nobody took: missed here, unavailable for the caller.
func (s *Simulator) unanswered(h *half) {
	caller := s.unlink(h)
	s.release(h, remoteRelease, "")
	if caller != nil {
		s.turnedDown(caller, causeUnavailable)
	}
}

// turnedDown is what becomes of a call whose far end did not take it. One that
// talked already, as who was parked and comes back to nobody, just ends.
func (s *Simulator) turnedDown(caller *half, cause string) {
	if caller.stage == alerting {
		s.fail(caller, cause)
	} else {
		s.release(caller, remoteRelease, "")
	}
}

// answer is the subscriber lifting the phone on an incoming call.
func (s *Simulator) answer(h *half) {
	s.goOffHook(h)
	s.connect(h)
	switch p := h.peer; {
	case p == nil:
	case p.stage == alerting:
		s.connect(p)
	case p.waits:
		s.takenBack(p)
	}
}

// connect makes a call active. After a blind transfer by the far end it
// happens again, and the first answer time stands (dossier §2.4).
func (s *Simulator) connect(h *half) {
	s.enter(h, active)
	if h.answerTime == 0 {
		h.answerTime = s.now()
	}
	h.answering = true
	s.callEvent(h, evAnswered)
	h.answering = false
	if h.heldByFarEnd() { // transferred to somebody who had put the call on hold
		s.callEvent(h, evHeld)
	}
}

func (s *Simulator) hold(h *half) {
	h.localHold = true
	h.heldTime = s.now()
	s.callEvent(h, evHeld)
	if p := h.peer; p != nil && p.stage == active && !p.localHold {
		s.callEvent(p, evHeld)
	}
	s.conferenceHold(h.conf)
}

// retrieve takes a held call back; others on the phone are held for it.
func (s *Simulator) retrieve(h *half) {
	h.localHold = false
	h.totalHeld += s.now() - h.heldTime
	h.heldTime = 0
	s.goOffHook(h)
	if h.heldByFarEnd() {
		s.callEvent(h, evHeld) // ours no more, still theirs
	} else {
		s.callEvent(h, evRetrieved)
	}
	if p := h.peer; p != nil && p.stage == active && !p.localHold {
		s.callEvent(p, evRetrieved)
	}
	s.conferenceHold(h.conf)
}

// setFarHold is an outside far end holding us, or letting go.
func (s *Simulator) setFarHold(h *half, held bool) {
	h.farHold = held
	switch {
	case h.localHold:
	case held:
		s.callEvent(h, evHeld)
	default:
		s.callEvent(h, evRetrieved)
	}
}

// unlink parts a call from its other half.
func (s *Simulator) unlink(h *half) *half {
	peer := h.peer
	h.peer = nil
	if peer != nil {
		peer.peer = nil
	}
	return peer
}

// release ends a call, and with it the other half.
func (s *Simulator) release(h *half, by, cause string) {
	if h.stage == released {
		return
	}
	ringing := h.ringsHere()
	peer := s.unlink(h)
	s.enter(h, released)
	h.releasingParty, h.cause, h.releaseTime = by, cause, s.now()
	s.stop(h.recorder)
	h.recording = ""
	if h.orbit != nil {
		s.unpark(h.orbit)
	}
	s.forget(h)
	s.callEvent(h, evReleased)
	s.setHook(h.phone)
	s.leaveConference(h)
	switch {
	case peer == nil || !peer.live():
	case ringing && h.personality == terminator && by == localRelease:
		s.turnedDown(peer, causeForbidden) // declined
	default:
		s.release(peer, remoteRelease, "")
	}
}

// fail ends an outgoing call the far end did not take, after a tone if the
// switch plays one (CallReleasing, dossier §2.4).
func (s *Simulator) fail(h *half, cause string) {
	if s.cfg.Treatment <= 0 || h.releasing {
		s.release(h, remoteRelease, cause)
		return
	}
	s.enter(h, h.stage)
	h.releasing, h.cause = true, cause
	s.callEvent(h, evReleasing)
	s.later(h, s.cfg.Treatment, func() { s.release(h, remoteRelease, cause) })
}
