package simulator

import (
	"net/http"
	"slices"
	"strings"
)

// callView is a call as the simulator knows it. State has the product's words;
// xsi_state and personality have BroadWorks'.
type callView struct {
	CallID       string `json:"call_id"`
	TrackingID   string `json:"tracking_id"`
	SubscriberID string `json:"subscriber_id"`
	RemoteNumber string `json:"remote_number"`
	RemoteName   string `json:"remote_name"`
	State        string `json:"state"` // ringing, active, held, released
	Direction    string `json:"direction"`
	RemoteHeld   bool   `json:"remote_held"`
	XsiState     string `json:"xsi_state"`
	Personality  string `json:"personality"`
	PeerCallID   string `json:"peer_call_id,omitempty"`
	StartTime    int64  `json:"start_time"`
	AnswerTime   int64  `json:"answer_time,omitempty"`
}

func (h *half) view() callView {
	v := callView{
		CallID: h.id, TrackingID: h.trackingID, SubscriberID: h.phone.SubscriberID,
		RemoteNumber: h.remote.address, RemoteName: h.remote.name,
		State: h.word(), Direction: "outgoing", RemoteHeld: h.stage == active && h.heldByFarEnd(),
		XsiState: h.state(), Personality: h.personality, StartTime: h.startTime, AnswerTime: h.answerTime,
	}
	if h.personality == terminator {
		v.Direction = "incoming"
	}
	if h.peer != nil {
		v.PeerCallID = h.peer.id
	}
	return v
}

func (h *half) word() string {
	switch {
	case h.stage == alerting && h.answerTime != 0:
		return "active" // rings again after a transfer by the far end; answered it was
	case h.stage == alerting:
		return "ringing"
	case h.stage == active && h.localHold:
		return "held"
	case h.stage == active:
		return "active"
	}
	return "released"
}

// truth is every live call, by subscriber and age.
func (s *Simulator) truth() []callView {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]callView, 0, len(s.calls))
	if len(s.calls) == 0 {
		return all
	}
	for _, p := range s.phones {
		for _, h := range p.calls {
			all = append(all, h.view())
		}
	}
	return all
}

// controlCall makes a phone ring, or dials from it.
func (s *Simulator) controlCall(r *http.Request) (int, any, error) {
	var ask struct {
		SubscriberID string `json:"subscriber_id"`
		RemoteNumber string `json:"remote_number"`
		RemoteName   string `json:"remote_name"`
		Direction    string `json:"direction"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	if ask.SubscriberID == "" {
		return 0, nil, invalid("subscriber_id", "is required")
	}
	number, valid := cleanAddress(ask.RemoteNumber)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.phoneOf(ask.SubscriberID)
	if p == nil {
		return 0, nil, notFound("subscriber")
	}
	if !valid {
		return 0, nil, invalid("remote_number", "is no number a switch can route")
	}
	if len(p.calls) >= s.cfg.MaxCallsPerPhone {
		return 0, nil, refusal(http.StatusConflict, "conflict", "the phone has no free line")
	}
	other := s.phoneAt(number)
	var h *half
	switch ask.Direction {
	case "", "incoming":
		switch {
		case other == p:
			return 0, nil, invalid("remote_number", "is the subscriber's own")
		case other == nil:
			h = s.incoming(p, outside(ask.RemoteName, number))
		case len(other.calls) >= s.cfg.MaxCallsPerPhone:
			return 0, nil, refusal(http.StatusConflict, "conflict", "the caller's phone has no free line")
		default:
			h = s.calledBy(p, other)
		}
	case "outgoing":
		h = s.dialDesk(p, number, ask.RemoteName, p.behave)
	default:
		return 0, nil, invalid("direction", `is "incoming" or "outgoing"`)
	}
	return http.StatusCreated, h.view(), nil
}

// controlVerbs is what a phone, a far end or the network can do to a call.
var controlVerbs = map[string]struct {
	can func(h *half) bool
	do  func(s *Simulator, h *half, to redirectAsk)
}{
	"answer": {
		can: (*half).ringsHere,
		do:  func(s *Simulator, h *half, _ redirectAsk) { s.lift(h) },
	},
	"hangup": {
		can: (*half).live,
		do:  func(s *Simulator, h *half, _ redirectAsk) { s.release(h, localRelease, "") },
	},
	"hold": {
		can: func(h *half) bool { return talking(h) && !h.localHold },
		do:  func(s *Simulator, h *half, _ redirectAsk) { s.hold(h) },
	},
	"resume": {
		can: func(h *half) bool { return talking(h) && h.localHold },
		do:  func(s *Simulator, h *half, _ redirectAsk) { s.retrieve(h) },
	},
	"remote-answer": {
		can: func(h *half) bool { return h.stage == alerting && h.lifted && !h.releasing },
		do: func(s *Simulator, h *half, _ redirectAsk) {
			if h.peer != nil {
				s.answer(h.peer)
			} else {
				s.connect(h)
			}
		},
	},
	"remote-hangup": {
		can: (*half).live,
		do:  func(s *Simulator, h *half, _ redirectAsk) { s.remoteHangup(h) },
	},
	"remote-hold": {
		can: func(h *half) bool { return talking(h) && !h.heldByFarEnd() },
		do:  func(s *Simulator, h *half, _ redirectAsk) { s.remoteHold(h, true) },
	},
	"remote-resume": {
		can: func(h *half) bool { return talking(h) && h.heldByFarEnd() },
		do:  func(s *Simulator, h *half, _ redirectAsk) { s.remoteHold(h, false) },
	},
	"remote-transfer": {
		can: talking,
		do: func(s *Simulator, h *half, to redirectAsk) {
			if h.peer != nil {
				s.transferBlind(h.peer, to.number, to.Name, "transfer")
			} else {
				s.retarget(h, s.destination(h, to.number, to.Name))
			}
		},
	},
	"forward": {
		can: func(h *half) bool { return h.ringsHere() && h.personality == terminator },
		do:  func(s *Simulator, h *half, to redirectAsk) { s.transferBlind(h, to.number, to.Name, to.Reason) },
	},
	"pickup": {
		can: func(h *half) bool { return h.ringsHere() && h.personality == terminator },
		do:  func(s *Simulator, h *half, _ redirectAsk) { s.pickUp(h) },
	},
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

// redirectAsk is the optional body of forward and remote-transfer.
type redirectAsk struct {
	Number string `json:"remote_number"`
	Name   string `json:"remote_name"`
	Reason string `json:"reason"`
	number string
}

// redirectReasons are those of the dossier §2.3.
var redirectReasons = []string{
	"user-busy", "no-answer", "unavailable", "unconditional", "time-of-day", "do-not-disturb", "deflection", "follow-me",
	"out-of-service", "away", "transfer", "voicemail", "hunt-group", "call-center", "route-point", "agent-wrap-up",
	"voicexml-script-termination", "unknown",
}

func (s *Simulator) controlVerb(r *http.Request, id, name string) (int, any, error) {
	v, known := controlVerbs[name]
	if !known {
		return 0, nil, notFound("verb")
	}
	to := redirectAsk{Number: "+442079460999", Reason: "no-answer"}
	if err := readJSON(r, &to); err != nil {
		return 0, nil, err
	}
	var valid bool
	if to.number, valid = cleanAddress(to.Number); !valid {
		return 0, nil, invalid("remote_number", "is no number a switch can route")
	}
	if !slices.Contains(redirectReasons, strings.ToLower(to.Reason)) {
		return 0, nil, invalid("reason", "is none that BroadWorks has")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.calls[id]
	if h == nil {
		return 0, nil, notFound("call")
	}
	if !v.can(h) {
		p := refusal(http.StatusConflict, "wrong_state", "the call cannot do that now")
		p.State = h.word()
		return 0, nil, p
	}
	v.do(s, h, to)
	return http.StatusOK, h.view(), nil
}
