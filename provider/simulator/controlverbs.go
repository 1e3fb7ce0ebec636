package simulator

// controlVerb is something a phone, a far end or the network can do to a call.
type controlVerb struct {
	takes string // members of verbAsk that mean something to it
	can   func(h *half) bool
	// check, if not nil, looks at what was asked; do is not called when it refuses.
	check func(s *Simulator, h *half, ask *verbAsk) *problem
	do    func(s *Simulator, h *half, ask *verbAsk)
}

const takesTarget = "remote_number remote_name reason"

var controlVerbs = map[string]controlVerb{
	"answer": {
		can: (*half).ringsHere,
		do:  func(s *Simulator, h *half, _ *verbAsk) { s.lift(h) },
	},
	"hangup": {
		can: (*half).live,
		do:  func(s *Simulator, h *half, _ *verbAsk) { s.release(h, localRelease, "") },
	},
	"hold": {
		can: func(h *half) bool { return talking(h) && !h.localHold },
		do:  func(s *Simulator, h *half, _ *verbAsk) { s.hold(h) },
	},
	"resume": {
		can: func(h *half) bool { return talking(h) && h.localHold },
		do:  func(s *Simulator, h *half, _ *verbAsk) { s.retrieve(h) },
	},
	"remote-answer": {
		can: func(h *half) bool { return h.stage == alerting && h.lifted && !h.releasing },
		do: func(s *Simulator, h *half, _ *verbAsk) {
			if h.peer != nil {
				s.answer(h.peer)
			} else {
				s.connect(h)
			}
		},
	},
	"remote-hangup": {
		can: (*half).live,
		do:  func(s *Simulator, h *half, _ *verbAsk) { s.remoteHangup(h) },
	},
	"remote-hold": {
		can: func(h *half) bool { return talking(h) && !h.heldByFarEnd() },
		do:  func(s *Simulator, h *half, _ *verbAsk) { s.remoteHold(h, true) },
	},
	"remote-resume": {
		can: func(h *half) bool { return talking(h) && h.heldByFarEnd() && !h.waits },
		do:  func(s *Simulator, h *half, _ *verbAsk) { s.remoteHold(h, false) },
	},
	"remote-transfer": {
		takes: takesTarget,
		can:   func(h *half) bool { return talking(h) && !h.waits },
		do: func(s *Simulator, h *half, to *verbAsk) {
			if h.peer != nil {
				s.transferBlind(h.peer, to.number, to.Name, "transfer")
			} else {
				s.retarget(h, s.destination(h, to.number, to.Name))
			}
		},
	},
	"forward": {
		takes: takesTarget,
		can:   canDecline,
		do:    func(s *Simulator, h *half, to *verbAsk) { s.transferBlind(h, to.number, to.Name, to.Reason) },
	},
	"pickup": {
		can: canDecline,
		do:  func(s *Simulator, h *half, _ *verbAsk) { s.pickUp(h) },
	},
	"decline": {
		can: canDecline,
		do:  func(s *Simulator, h *half, _ *verbAsk) { s.decline(h) },
	},
	"voicemail": {
		can: canRedirect,
		do:  func(s *Simulator, h *half, _ *verbAsk) { s.toVoicemail(h) },
	},
	"transfer": {
		takes: "remote_number remote_name",
		can:   func(h *half) bool { return talking(h) && !h.waits },
		do:    func(s *Simulator, h *half, to *verbAsk) { s.transferBlind(h, to.number, to.Name, "transfer") },
	},
	"consult-transfer": {
		takes: "with_call_id",
		can:   func(h *half) bool { return talking(h) && !h.waits },
		check: checkConsult,
		do:    func(s *Simulator, h *half, ask *verbAsk) { s.transferConsult(h, ask.calls[0]) },
	},
	"park": {
		takes: "extension",
		can:   canPark,
		check: func(s *Simulator, h *half, ask *verbAsk) *problem { return checkOrbit(s, h.phone, ask) },
		do:    func(s *Simulator, h *half, ask *verbAsk) { s.park(h, ask.Extension, false) },
	},
	"group-park": {
		can:   canPark,
		check: checkGroupOrbit,
		do:    func(s *Simulator, h *half, ask *verbAsk) { s.park(h, ask.Extension, true) },
	},
	"remote-park": {
		takes: "extension",
		can: func(h *half) bool {
			return talking(h) && !h.waits && (h.peer != nil && canPark(h.peer) || h.peer == nil && !h.farHold)
		},
		check: checkRemoteOrbit,
		do:    (*Simulator).remotePark,
	},
	"record-start":  controlRecording("start"),
	"record-pause":  controlRecording("pause"),
	"record-resume": controlRecording("resume"),
	"record-stop":   controlRecording("stop"),
	"conference": {
		takes: "call_ids",
		can:   func(h *half) bool { return talking(h) && !h.waits && h.phone.conf == nil },
		check: checkConference,
		do:    func(s *Simulator, _ *half, ask *verbAsk) { s.startConference(ask.calls) },
	},
	"end-conference": {
		can: func(h *half) bool { return h.conf != nil },
		do:  func(s *Simulator, h *half, _ *verbAsk) { s.releaseConference(h.conf) },
	},
	"mute":   controlMember("mute"),
	"unmute": controlMember("unmute"),
	"deaf":   controlMember("deaf"),
	"undeaf": controlMember("undeaf"),
}

func controlRecording(name string) controlVerb {
	v := recordingVerbs[name]
	return controlVerb{can: v.can, do: func(s *Simulator, h *half, _ *verbAsk) { v.do(s, h) }}
}

func controlMember(name string) controlVerb {
	v := memberVerbs[name]
	return controlVerb{can: v.can, do: func(s *Simulator, h *half, _ *verbAsk) { v.do(s, h) }}
}

// remoteHangup is the far end giving up, declining or ending the call.
func (s *Simulator) remoteHangup(h *half) {
	switch {
	case h.peer != nil:
		s.release(h.peer, localRelease, "")
	case h.stage == alerting && h.lifted && h.answerTime == 0:
		s.fail(h, causeForbidden) // it rang there, and was declined
	default:
		s.release(h, remoteRelease, "")
	}
}

func (s *Simulator) remoteHold(h *half, held bool) {
	switch {
	case h.peer == nil:
		s.setFarHold(h, held)
	case held:
		s.hold(h.peer)
	default:
		s.retrieve(h.peer)
	}
}

// remotePark is the far end parking us. Outside nobody knows where.
func (s *Simulator) remotePark(h *half, ask *verbAsk) {
	if h.peer != nil {
		s.park(h.peer, ask.Extension, false)
	} else {
		s.setFarHold(h, true)
	}
}
