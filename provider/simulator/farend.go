package simulator

// ringFar lets the far end of an outgoing or transferred call ring: another
// subscriber's phone, or somebody outside who behaves as h.far says.
func (s *Simulator) ringFar(h *half, address string) {
	if at, asks := s.retrieves(h.phone, address); asks {
		s.later(h, ringDelay, func() { s.retrieveParked(h, at) })
		return
	}
	callee := s.phoneAt(address)
	switch {
	case callee == nil:
		s.farEndOutside(h)
	case callee == h.phone, len(callee.calls) >= s.cfg.MaxCallsPerPhone, h.far.farEnd == farEndBusy:
		s.later(h, h.far.farEndAfter, func() { s.fail(h, causeBusy) })
	default:
		s.farEndInside(h, callee)
	}
}

func (s *Simulator) farEndOutside(h *half) {
	switch h.far.farEnd {
	case farEndBusy:
		s.later(h, h.far.farEndAfter, func() { s.fail(h, causeBusy) })
	case farEndNoAnswer:
		s.later(h, h.far.noAnswer, func() { s.fail(h, causeUnavailable) })
	case farEndWaits:
		s.later(h, s.cfg.RingTimeout, func() { s.fail(h, causeUnavailable) })
	default:
		s.later(h, h.far.farEndAfter, func() { s.connect(h) })
	}
}

// farEndInside rings another subscriber: the second half of an internal call.
func (s *Simulator) farEndInside(h *half, callee *phone) {
	b := s.newHalf(callee, terminator, h.phone.seenBy(callee), h.trackingID)
	b.redirections = h.diverted
	h.remote = callee.seenBy(h.phone)
	h.peer, b.peer = b, h
	s.ringHere(b)
	if callee.behave.answer != answerClickToDial {
		return // its phone was set up by itself: that counts
	}
	switch h.far.farEnd {
	case farEndNoAnswer:
		s.later(b, h.far.noAnswer, func() { s.unanswered(b) })
	case farEndAnswers:
		s.later(b, h.far.farEndAfter, func() { s.answer(b) })
	}
}

// calledBy rings h's phone with a call from another subscriber, who waits for
// a person to answer it.
func (s *Simulator) calledBy(p, caller *phone) *half {
	a := s.newHalf(caller, originator, p.seenBy(caller), s.newTracking())
	a.dialled = p.line()
	a.far.farEnd = farEndWaits
	s.goOffHook(a)
	s.callEvent(a, evOriginated)
	s.farEndInside(a, p)
	return a.peer
}

// retarget is what h sees when its far end is replaced by somebody who must
// still answer: forwarded before the answer, transferred after it. Back to
// Alerting, and Answered again later (dossier §2.4). via is how it came there.
func (s *Simulator) retarget(h *half, to party, via ...redirection) {
	ev := evTransferred
	if h.answerTime == 0 {
		ev = evForwarded
	}
	h.peer, h.farHold, h.waits = nil, false, false
	h.remote, h.diverted = to, via
	if h.localHold {
		s.callEvent(h, ev) // on our hold it stays, whoever is there now
		return
	}
	s.enter(h, alerting)
	s.callEvent(h, ev)
	s.ringFar(h, to.address)
}

// detach redirects calls away from their subscriber: one CallRedirected with
// all of them, then each is released (dossier §2.5).
func (s *Simulator) detach(reason string, to []string, halves ...*half) {
	list := el("calls")
	for i, h := range halves {
		s.enter(h, detached)
		h.redirect = &redirect{address: to[i], reason: reason, at: s.now()}
		h.detachedTime = h.redirect.at
		s.unlink(h)
		list.add(callNode(h))
	}
	s.emit(halves[0].phone, evRedirected, func() *node { return list })
	for _, h := range halves {
		s.release(h, localRelease, "")
	}
}

// transferBlind sends the far end of h to another address; the reason is one
// of the dossier §2.3. It returns what rings at a subscriber now, if anything.
func (s *Simulator) transferBlind(h *half, address, name, reason string) (rings *half) {
	peer, from, by := h.peer, h.remote, h.phone
	target := s.phoneAt(address)
	via := h.via(target, reason)
	to := s.destination(peer, address, name)
	s.detach(reason, []string{address}, h)
	if peer != nil {
		s.retarget(peer, to, via...)
		rings = peer.peer
	} else if target != nil && target != by && len(target.calls) < s.cfg.MaxCallsPerPhone {
		// The far end is outside; what becomes of it shows only if it calls here again.
		rings = s.newHalf(target, terminator, from, h.trackingID)
		rings.redirections = via
		s.ringHere(rings)
	}
	if rings != nil && reason == "transfer" && s.cfg.TransferRecall > 0 && rings.phone != by {
		s.later(rings, s.cfg.TransferRecall, func() { s.recallTransfer(rings, by) })
	}
	return rings
}

// via is the way of a call that h sends on, as target may see it. What was
// answered here came to its end here: only h is told then.
func (h *half) via(target *phone, reason string) []redirection {
	from := party{name: h.phone.SubscriberName, address: h.phone.line()}
	if target != nil {
		from = h.phone.seenBy(target)
	}
	var way []redirection
	if h.answerTime == 0 {
		way = append(way, h.redirections...)
	}
	way = append(way, redirection{from: from, reason: reason})
	return way[max(0, len(way)-maxRedirections):]
}

// destination is an address as the transferred subscriber sees it.
func (s *Simulator) destination(seenBy *half, address, name string) party {
	if p := s.phoneAt(address); p != nil && seenBy != nil {
		return p.seenBy(seenBy.phone)
	}
	return outside(name, address)
}

// toVoicemail gives the far end of h to a machine that answers at once.
func (s *Simulator) toVoicemail(h *half) {
	peer := h.peer
	s.detach("voicemail", []string{""}, h)
	if peer != nil {
		peer.far = s.answersAtOnce(peer.far)
		s.retarget(peer, voicemail)
	}
}

// decline is the subscriber not taking a call that rings.
func (s *Simulator) decline(h *half) {
	caller := h.peer
	if h.phone.behave.decline != declineVoicemail || caller == nil {
		s.release(h, localRelease, "")
		return
	}
	s.unlink(h)
	s.release(h, localRelease, "")
	caller.far = s.answersAtOnce(caller.far)
	s.retarget(caller, voicemail)
}

// voicemail is the machine as callers see it.
var voicemail = party{name: "Voice Messaging", callType: "Group"}

func (s *Simulator) answersAtOnce(b behaviour) behaviour {
	b.farEnd, b.farEndAfter = farEndAnswers, ringDelay
	return b
}

// pickUp is a colleague taking the ringing call: told with a new tracking id,
// then over for this subscriber (dossier §2.4).
func (s *Simulator) pickUp(h *half) {
	caller := h.peer
	s.unlink(h)
	h.trackingID = s.newTracking()
	s.callEvent(h, evPickedUp)
	s.release(h, remoteRelease, "")
	if caller != nil {
		caller.trackingID = h.trackingID
		caller.remote = party{name: "Colleague", callType: "Group"}
		caller.waits = false
		s.callEvent(caller, evUpdated)
		if caller.stage == alerting {
			s.connect(caller)
		}
	}
}

// transferConsult joins the far ends of two calls of one phone.
func (s *Simulator) transferConsult(first, second *half) {
	a, b := first.peer, second.peer
	aSees, bSees := second.remote, first.remote
	ringing := second.stage == alerting
	tracking := s.newTracking()
	s.detach("transfer", []string{second.remote.address, first.remote.address}, first, second)
	if a != nil && b != nil {
		a.peer, b.peer = b, a
		aSees, bSees = b.phone.seenBy(a.phone), a.phone.seenBy(b.phone)
	}
	if a != nil {
		a.trackingID, a.remote, a.farHold = tracking, aSees, false
		if ringing && !a.localHold {
			s.enter(a, alerting)
			if b == nil {
				s.farEndOutside(a)
			}
		}
		s.callEvent(a, evTransferred)
	}
	if b != nil {
		b.trackingID, b.remote, b.farHold = tracking, bSees, false
		s.callEvent(b, evUpdated)
	}
}
