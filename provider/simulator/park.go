package simulator

import (
	"slices"
	"strings"
)

// parked is a call in an orbit: its subscriber left it there, and somebody may
// take it by dialling the code and the extension. Guarded by Simulator.mu.
type parked struct {
	extension string
	of        *enterprise // extensions mean something in one enterprise alone
	by        *phone
	caller    *half // the other subscriber's half; nil when the far end is outside
	from      party // the far end as the parker saw it
	tracking  string
	since     int64 // ms
	recall    *task
}

const recallPark = "Call Park Recall"

// Extensions have so many digits.
const minExtension, maxExtension = 2, 20

// orbit is the extension an address names for p: its own when there is none,
// that of another subscriber by number too. An orbit needs no phone.
func (s *Simulator) orbit(p *phone, address string) (string, bool) {
	if address == "" {
		return p.Extension, p.Extension != ""
	}
	if other := s.phoneAt(address); other != nil && other.Extension != "" {
		return other.Extension, true
	}
	valid := len(address) >= minExtension && len(address) <= maxExtension && strings.Trim(address, "0123456789") == ""
	return address, valid
}

func (s *Simulator) parkedAt(e *enterprise, extension string) *parked {
	for _, p := range s.parked {
		if p.of == e && p.extension == extension {
			return p
		}
	}
	return nil
}

// canPark: the far end is there, and is not in an orbit itself.
func canPark(h *half) bool {
	return talking(h) && !h.waits && (h.peer == nil || h.peer.stage == active)
}

// roomToPark reports whether an extension's orbit is free.
func (s *Simulator) roomToPark(p *phone, extension string) bool {
	return len(s.parked) < s.cfg.MaxParkedCalls && s.parkedAt(p.group.of, extension) == nil
}

// groupOrbit finds a free orbit among the extensions of p's group.
func (s *Simulator) groupOrbit(p *phone) (string, bool) {
	for _, other := range p.group.phones {
		if other.Extension != "" && s.roomToPark(p, other.Extension) {
			return other.Extension, true
		}
	}
	return "", false
}

// park puts the far end of h into an orbit: h is released, and the far end
// waits with music, which to a subscriber is being held (dossier §2.4). A group
// park says where on the call that ends.
func (s *Simulator) park(h *half, extension string, group bool) {
	p := &parked{extension: extension, of: h.phone.group.of, by: h.phone,
		caller: h.peer, from: h.remote, tracking: h.trackingID, since: s.now()}
	if group {
		h.parkLocation = extension
	}
	w := p.caller
	held := w != nil && w.heldByFarEnd()
	s.unlink(h)
	s.release(h, localRelease, "")
	s.parked = append(s.parked, p)
	if w != nil {
		w.orbit, w.waits = p, true
		if !held && !w.localHold {
			s.callEvent(w, evHeld)
		}
	}
	if s.cfg.ParkRecall > 0 {
		p.recall = s.after(s.cfg.ParkRecall, func() { s.recallParked(p) })
	}
}

// unpark empties an orbit. Who waited there still hears music.
func (s *Simulator) unpark(p *parked) {
	s.stop(p.recall)
	s.parked = slices.DeleteFunc(s.parked, func(o *parked) bool { return o == p })
	if p.caller != nil {
		p.caller.orbit = nil
	}
}

// endParked is nobody taking a parked call any more.
func (s *Simulator) endParked(p *parked) {
	s.unpark(p)
	if p.caller != nil {
		s.release(p.caller, remoteRelease, "")
	}
}

// endParkedBy ends what a subscriber who leaves has parked.
func (s *Simulator) endParkedBy(by *phone) {
	for _, p := range slices.Clone(s.parked) {
		if p.by == by {
			s.endParked(p)
		}
	}
}

// retrieves reports whether an address is the code that takes parked calls,
// and the extension behind it, empty for one that cannot be.
func (s *Simulator) retrieves(p *phone, address string) (extension string, asks bool) {
	rest, asks := strings.CutPrefix(address, s.cfg.ParkRetrieveCode)
	if !asks {
		return "", false
	}
	if extension, valid := s.orbit(p, strings.TrimSuffix(rest, "#")); valid {
		return extension, true
	}
	return "", true
}

// retrieveParked joins h, who dialled the code, to the call parked there. Who
// waited is told as one transferred, and goes on under the tracking id of h.
func (s *Simulator) retrieveParked(h *half, extension string) {
	p := s.parkedAt(h.phone.group.of, extension)
	switch {
	case p == nil:
		s.fail(h, causeNotFound)
		return
	case p.caller != nil && p.caller.phone == h.phone:
		s.fail(h, causeBusy) // nobody talks to oneself
		return
	}
	s.unpark(p)
	w := p.caller
	h.remote = p.from
	if w != nil {
		w.peer, h.peer = h, w
		w.trackingID, w.waits = h.trackingID, false
		h.remote, w.remote = w.phone.seenBy(h.phone), h.phone.seenBy(w.phone)
	}
	s.connect(h)
	s.callEvent(h, evParkRetrieved)
	if w != nil {
		s.callEvent(w, evTransferred)
	}
}

// recallParked rings the parker's phone again: nobody took the call.
func (s *Simulator) recallParked(p *parked) {
	w, to := p.caller, p.by
	if len(to.calls) >= s.cfg.MaxCallsPerPhone || w != nil && w.phone == to {
		s.endParked(p)
		return
	}
	s.unpark(p)
	h := s.newHalf(to, terminator, p.from, p.tracking)
	h.recall = recallPark
	if w != nil {
		h.remote = w.phone.seenBy(to)
		h.peer, w.peer = w, h
	}
	s.ringHere(h)
}

// takenBack ends the music of one who was parked: the parker answered.
func (s *Simulator) takenBack(h *half) {
	h.waits = false
	if !h.localHold {
		s.callEvent(h, evRetrieved)
	}
}
