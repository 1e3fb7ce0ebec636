package simulator

import "time"

// withMore lets people do what they do now and then, before the last beat of a
// story: hold, record, transfer or park the call.
func (s *Simulator) withMore(h *half, story []beat) []beat {
	last := len(story) - 1
	end := story[last]
	soon := end.after / 3
	switch n := s.fate.IntN(100); {
	case n < 8:
		start := beat{soon, func() { s.demoRecord(h, "start") }}
		stop := beat{soon, func() { s.demoRecord(h, "stop") }}
		end.after = soon
		return append(story[:last:last], start, stop, end)
	case n < 14:
		end.after -= soon
		return append(story[:last:last], beat{soon, func() { s.demoTransfer(h) }}, end)
	case n < 20:
		end.after -= soon
		return append(story[:last:last], beat{soon, func() { s.demoPark(h) }}, end)
	}
	return s.withHold(h, story)
}

func (s *Simulator) demoRecord(h *half, name string) {
	if v := recordingVerbs[name]; v.can(h) {
		v.do(s, h)
	}
}

// demoTransfer puts the far end through to a colleague, who answers.
func (s *Simulator) demoTransfer(h *half) {
	to := s.idlePhone(h.phone)
	if to == nil || to.line() == "" || !canRedirect(h) {
		return
	}
	if rings := s.transferBlind(h, to.line(), "", "transfer"); rings != nil {
		ring := s.fate.between(2*time.Second, 6*time.Second)
		s.unfold(rings, s.answered(rings, ring, 5*time.Second+s.fate.around(10*time.Second)))
	}
}

// demoPark parks the call; a colleague takes it soon. With nobody free it comes
// back to who parked it.
func (s *Simulator) demoPark(h *half) {
	extension := h.phone.Extension
	if extension == "" || !canPark(h) || !s.roomToPark(h.phone, extension) {
		return
	}
	of := h.phone.group.of
	s.park(h, extension, false)
	s.after(s.fate.between(4*time.Second, 15*time.Second), func() {
		who := s.idlePhone(nil)
		if who == nil || who.group.of != of || s.parkedAt(of, extension) == nil {
			return
		}
		taken := s.dialDesk(who, s.cfg.ParkRetrieveCode+extension, "", behaviour{})
		s.unfold(taken, s.hangsUp(taken, 5*time.Second+s.fate.around(10*time.Second)))
	})
}
