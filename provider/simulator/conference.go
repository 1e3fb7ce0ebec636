package simulator

import "slices"

// conference joins calls of one subscriber, who has one at a time. It is on
// hold while all of its calls are. Guarded by Simulator.mu.
type conference struct {
	phone *phone
	calls []*half // two at least
	held  bool    // as was told
}

// minParticipants is the fewest calls that make a conference.
const minParticipants = 2

// canConfer: these calls of one subscriber could be joined now.
func canConfer(calls []*half) bool {
	for _, h := range calls {
		if !talking(h) || h.conf != nil || h.waits {
			return false
		}
	}
	return len(calls) >= minParticipants && calls[0].phone.conf == nil
}

// startConference joins calls; those on hold are taken back for it.
func (s *Simulator) startConference(calls []*half) {
	c := &conference{phone: calls[0].phone, calls: slices.Clone(calls)}
	c.phone.conf = c
	for _, h := range c.calls {
		h.conf = c
	}
	for _, h := range calls {
		if h.localHold {
			s.retrieve(h)
		}
	}
	s.conferenceEvent(c, evConferenceStarted)
}

func (s *Simulator) conferenceEvent(c *conference, ev eventKind) {
	s.emit(c.phone, ev, func() *node { return c.node("conference") })
}

// conferenceHold tells when the last call of a conference was put on hold, and
// when the first was taken back.
func (s *Simulator) conferenceHold(c *conference) {
	if c == nil || c.held == c.allHeld() {
		return
	}
	c.held = !c.held
	if c.held {
		s.conferenceEvent(c, evConferenceHeld)
	} else {
		s.conferenceEvent(c, evConferenceRetrieved)
	}
}

func (c *conference) allHeld() bool {
	for _, h := range c.calls {
		if !h.localHold {
			return false
		}
	}
	return true
}

// leaveConference is for a call that ended. One alone is no conference.
func (s *Simulator) leaveConference(h *half) {
	c := h.conf
	if c == nil {
		return
	}
	h.conf, h.muted, h.deaf = nil, false, false
	c.calls = slices.DeleteFunc(c.calls, func(o *half) bool { return o == h })
	if len(c.calls) < minParticipants {
		s.endConference(c)
		return
	}
	c.held = c.allHeld()
	s.conferenceEvent(c, evConferenceUpdated)
}

// endConference parts calls that go on, each for itself.
func (s *Simulator) endConference(c *conference) {
	c.phone.conf = nil
	s.conferenceEvent(c, evConferenceReleased)
	for _, h := range c.calls {
		h.conf, h.muted, h.deaf = nil, false, false
	}
}

// releaseConference ends a conference with all of its calls.
func (s *Simulator) releaseConference(c *conference) {
	s.endConference(c)
	for _, h := range c.calls {
		s.release(h, localRelease, "")
	}
}

// node is the conference, with its participants' flags (empty elements).
func (c *conference) node(name string) *node {
	state := "Active"
	switch {
	case c.phone.conf != c:
		state = "Released"
	case c.held:
		state = "Held"
	}
	list := el("conferenceParticipantList")
	for _, h := range c.calls {
		p := el("conferenceParticipant", textEl("callId", h.id))
		if h.muted {
			p.add(el("muted"))
		}
		if h.deaf {
			p.add(el("deaf"))
		}
		list.add(p)
	}
	return el(name, textEl("state", state), list)
}

// memberVerb is what can be done to a participant.
type memberVerb struct {
	ev   eventKind
	flag func(h *half) *bool
	to   bool
}

func mutedFlag(h *half) *bool { return &h.muted }
func deafFlag(h *half) *bool  { return &h.deaf }

var memberVerbs = map[string]memberVerb{
	"mute":   {evConferenceMuted, mutedFlag, true},
	"unmute": {evConferenceUnMuted, mutedFlag, false},
	"deaf":   {evConferenceDeaf, deafFlag, true},
	"undeaf": {evConferenceUnDeaf, deafFlag, false},
}

func (v memberVerb) can(h *half) bool { return h.conf != nil && *v.flag(h) != v.to }

func (v memberVerb) do(s *Simulator, h *half) {
	*v.flag(h) = v.to
	s.conferenceEvent(h.conf, v.ev)
}
