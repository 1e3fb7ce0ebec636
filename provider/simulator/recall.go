package simulator

const recallTransfer = "Call Transfer Recall"

// recallTransfer brings a blind transfer that nobody answered back to who made
// it. Where that phone has no free line it rings on.
func (s *Simulator) recallTransfer(h *half, to *phone) {
	caller := h.peer
	if to.gone || len(to.calls) >= s.cfg.MaxCallsPerPhone || caller != nil && caller.phone == to {
		return
	}
	from, tracking := h.remote, h.trackingID
	s.unlink(h)
	s.release(h, remoteRelease, "")
	back := s.newHalf(to, terminator, from, tracking)
	back.recall = recallTransfer
	if caller != nil {
		back.remote = caller.phone.seenBy(to)
		back.peer, caller.peer = caller, back
		caller.remote = to.seenBy(caller.phone)
		s.callEvent(caller, evTransferred)
	}
	s.ringHere(back)
}
