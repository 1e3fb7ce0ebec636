package simulator

import "time"

// startTraffic plans the calls the simulator makes by itself; mu is held.
func (s *Simulator) startTraffic() {
	if len(s.phones) <= quietPhones {
		return
	}
	if s.cfg.Traffic == TrafficDemo {
		s.planDemo()
	}
	if s.cfg.CallsPerSecond > 0 {
		s.planRate(time.Now(), 0)
	}
}

// planDemo starts the next demo call after a while: about five at a time for
// twenty phones, since a call lasts half a minute, and never more than some
// five a second.
func (s *Simulator) planDemo() {
	mean := max(6*time.Second*20/time.Duration(max(len(s.phones), 1)), 200*time.Millisecond)
	s.after(s.fate.around(mean)+50*time.Millisecond, func() {
		s.planDemo()
		s.demoCall()
	})
}

// rateTick is how often rate traffic starts the calls that are due.
const rateTick = 10 * time.Millisecond

// planRate keeps to the rate on the whole even when a tick comes late.
func (s *Simulator) planRate(since time.Time, started int64) {
	s.rate = s.after(rateTick, func() {
		due := int64(time.Since(since).Seconds() * s.cfg.CallsPerSecond)
		// A machine that slept does not make up for it in one go.
		if most := started + int64(s.cfg.CallsPerSecond) + 1; due > most {
			since = since.Add(time.Duration(float64(due-most) / s.cfg.CallsPerSecond * float64(time.Second)))
			due = most
		}
		for ; started < due; started++ {
			s.rateCall()
		}
		s.planRate(since, started)
	})
}

// setRate changes the rate of random calls from now on. mu is held.
func (s *Simulator) setRate(perSecond float64) {
	s.stop(s.rate)
	s.rate = nil
	if s.cfg.CallsPerSecond = perSecond; perSecond > 0 && len(s.phones) > quietPhones {
		s.planRate(time.Now(), 0)
	}
}

// idlePhone finds a subscriber without a call who is not kept quiet; nil if a
// few tries find none, which keeps the number of calls bounded.
func (s *Simulator) idlePhone(not *phone) *phone {
	for range 12 {
		if len(s.phones) <= quietPhones {
			break // the others were deleted
		}
		p := s.phones[quietPhones+s.fate.IntN(len(s.phones)-quietPhones)]
		if p != not && len(p.calls) == 0 {
			return p
		}
	}
	s.stats.CallsSkipped++
	return nil
}

// rateCall is one random call of rate traffic: half come in, some are never
// answered.
func (s *Simulator) rateCall() {
	p := s.idlePhone(nil)
	if p == nil {
		return
	}
	ring := s.fate.between(500*time.Millisecond, 3*time.Second)
	talk := s.fate.around(s.cfg.CallDuration)
	switch n := s.fate.IntN(10); {
	case n < 5:
		h := s.incoming(p, s.stranger())
		s.unfold(h, s.answered(h, ring, talk))
	case n < 6:
		h := s.incoming(p, s.stranger())
		s.unfold(h, s.gaveUp(h, ring))
	case n < 9:
		h := s.dialDesk(p, s.stranger().address, "", behaviour{farEndAfter: ring})
		s.unfold(h, s.hangsUp(h, ring+talk))
	default:
		h := s.dialDesk(p, s.stranger().address, "", behaviour{farEnd: farEndBusy, farEndAfter: ring})
		_ = h // its end is the busy tone
	}
}

// beat is a moment in the story of a call: what happens so long after the one
// before. Nothing happens to a call that ended meanwhile.
type beat struct {
	after time.Duration
	do    func()
}

func (s *Simulator) unfold(h *half, story []beat) {
	if len(story) == 0 {
		return
	}
	s.after(story[0].after, func() {
		if h.live() {
			story[0].do()
			s.unfold(h, story[1:])
		}
	})
}

func (s *Simulator) answered(h *half, ring, talk time.Duration) []beat {
	return append([]beat{{ring, func() {
		if h.ringsHere() {
			s.answer(h)
		}
	}}}, s.hangsUp(h, talk)...)
}

func (s *Simulator) gaveUp(h *half, ring time.Duration) []beat {
	return []beat{{ring, func() {
		if h.ringsHere() {
			s.remoteHangup(h)
		}
	}}}
}

// hangsUp ends the call, by one side or the other.
func (s *Simulator) hangsUp(h *half, talk time.Duration) []beat {
	return []beat{{talk, func() {
		if s.fate.chance(0.5) {
			s.release(h, localRelease, "")
		} else {
			s.remoteHangup(h)
		}
	}}}
}
