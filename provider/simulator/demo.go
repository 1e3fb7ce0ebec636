package simulator

import (
	"fmt"
	"time"
)

// strangers are who calls a demo from outside. Their numbers are from the range
// the British regulator keeps for drama, so none is a subscriber's.
var strangers = []string{
	"Riverside Dental", "Northwind Freight", "Ada Whitmore", "Blue Door Bakery", "Hollis & Sons", "Priya Raman",
	"Café Lumière", "Maple Street School", "Owen Castellan", "Grünberg Optik", "Seaview Hotel", "Yuki Tanabe",
	"Copperfield Books", "Dr. Imogen Vale", "Lakeside Motors", "",
}

func (s *Simulator) stranger() party {
	n := s.fate.IntN(1000)
	return outside(strangers[n%len(strangers)], fmt.Sprintf("+44207946%04d", n))
}

// demoCall starts one call as people have them.
func (s *Simulator) demoCall() {
	p := s.idlePhone(nil)
	if p == nil {
		return
	}
	ring := s.fate.between(2*time.Second, 9*time.Second)
	talk := 5*time.Second + s.fate.around(18*time.Second)
	talk = min(talk, time.Minute)
	switch n := s.fate.IntN(100); {
	case n < 34: // a customer calls and is answered
		h := s.incoming(p, s.stranger())
		s.unfold(h, s.withMore(h, s.answered(h, ring, talk)))
	case n < 44: // missed
		h := s.incoming(p, s.stranger())
		s.unfold(h, s.gaveUp(h, ring+5*time.Second))
	case n < 49: // declined
		h := s.incoming(p, s.stranger())
		s.unfold(h, []beat{{ring, func() { s.release(h, localRelease, "") }}})
	case n < 54: // forwarded after no answer
		h := s.incoming(p, s.stranger())
		s.unfold(h, []beat{{ring + 6*time.Second, func() {
			if h.ringsHere() {
				s.toVoicemail(h)
			}
		}}})
	case n < 74: // calls somebody outside
		h := s.demoDial(p, behaviour{farEndAfter: ring})
		s.unfold(h, s.withMore(h, s.hangsUp(h, ring+talk)))
	case n < 80: // who is busy
		s.demoDial(p, behaviour{farEnd: farEndBusy, farEndAfter: 2 * time.Second})
	case n < 85: // or does not answer, until the caller gives up
		h := s.demoDial(p, behaviour{farEnd: farEndNoAnswer, noAnswer: time.Minute})
		s.unfold(h, []beat{{ring + 10*time.Second, func() { s.release(h, localRelease, "") }}})
	default: // colleagues
		s.demoColleagues(p, ring, talk, n < 95)
	}
}

func (s *Simulator) demoDial(p *phone, far behaviour) *half {
	to := s.stranger()
	return s.dialDesk(p, to.address, to.name, far)
}

// demoColleagues is a call between two subscribers, taken or missed.
func (s *Simulator) demoColleagues(p *phone, ring, talk time.Duration, taken bool) {
	other := s.idlePhone(p)
	if other == nil {
		return
	}
	h := s.dialDesk(p, other.Extension, "", behaviour{farEnd: farEndWaits})
	story := []beat{{ring, func() { s.release(h, localRelease, "") }}}
	if taken {
		story = append([]beat{{ring, func() {
			if h.peer != nil && h.peer.ringsHere() {
				s.answer(h.peer)
			}
		}}}, s.withHold(h, s.hangsUp(h, talk))...)
	}
	s.unfold(h, story)
}

// withHold puts a hold before the last beat of one story in four.
func (s *Simulator) withHold(h *half, story []beat) []beat {
	if !s.fate.chance(0.25) {
		return story
	}
	last := len(story) - 1
	away := s.fate.between(4*time.Second, 12*time.Second)
	end := story[last]
	hold := beat{end.after / 2, func() {
		if talking(h) && !h.localHold {
			s.hold(h)
		}
	}}
	resume := beat{away, func() {
		if talking(h) && h.localHold {
			s.retrieve(h)
		}
	}}
	end.after /= 2
	return append(story[:last:last], hold, resume, end)
}
