package simulator

import (
	"net/http"
	"slices"
	"strings"
)

// verbAsk is the optional body of a verb.
type verbAsk struct {
	Number    string   `json:"remote_number"`
	Name      string   `json:"remote_name"`
	Reason    string   `json:"reason"`
	Extension string   `json:"extension"`
	With      string   `json:"with_call_id"`
	CallIDs   []string `json:"call_ids"`

	number string
	calls  []*half // found by check
}

// redirectReasons are those of the dossier §2.3.
var redirectReasons = []string{
	"user-busy", "no-answer", "unavailable", "unconditional", "time-of-day", "do-not-disturb", "deflection", "follow-me",
	"out-of-service", "away", "transfer", "voicemail", "hunt-group", "call-center", "route-point", "agent-wrap-up",
	"voicexml-script-termination", "unknown",
}

// read fills in what a verb takes and was not said, and refuses what means
// nothing to it.
func (ask *verbAsk) read(v *controlVerb) *problem {
	for _, m := range []struct {
		name string
		said bool
	}{
		{"remote_number", ask.Number != ""}, {"remote_name", ask.Name != ""}, {"reason", ask.Reason != ""},
		{"extension", ask.Extension != ""}, {"with_call_id", ask.With != ""}, {"call_ids", ask.CallIDs != nil},
	} {
		if m.said && !slices.Contains(strings.Fields(v.takes), m.name) {
			return invalid(m.name, "means nothing to this verb")
		}
	}
	if ask.Number == "" {
		ask.Number = "+442079460999"
	}
	if ask.Reason == "" {
		ask.Reason = "no-answer"
	}
	var valid bool
	if ask.number, valid = cleanAddress(ask.Number); !valid {
		return invalid("remote_number", "is no number a switch can route")
	}
	if !slices.Contains(redirectReasons, strings.ToLower(ask.Reason)) {
		return invalid("reason", "is none that BroadWorks has")
	}
	return nil
}

func (s *Simulator) controlVerb(r *http.Request, id, name string) (int, any, error) {
	v, known := controlVerbs[name]
	if !known {
		return 0, nil, notFound("verb")
	}
	var ask verbAsk
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	if p := ask.read(&v); p != nil {
		return 0, nil, p
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.calls[id]
	if h == nil {
		return 0, nil, notFound("call")
	}
	if p := s.perform(&v, h, &ask); p != nil {
		return 0, nil, p
	}
	return http.StatusOK, h.view(), nil
}

// perform does a verb, or says why not. mu is held.
func (s *Simulator) perform(v *controlVerb, h *half, ask *verbAsk) *problem {
	if !v.can(h) {
		return wrongState(h)
	}
	if v.check != nil {
		if p := v.check(s, h, ask); p != nil {
			return p
		}
	}
	v.do(s, h, ask)
	return nil
}

func wrongState(h *half) *problem {
	p := refusal(http.StatusConflict, "wrong_state", "the call cannot do that now")
	p.State = h.word()
	return p
}

// checkConsult finds the other call.
func checkConsult(s *Simulator, h *half, ask *verbAsk) *problem {
	second := s.calls[ask.With]
	switch {
	case ask.With == "":
		return invalid("with_call_id", "is required")
	case second == nil || second.phone != h.phone || second == h:
		return invalid("with_call_id", "is no other call of the subscriber")
	case !canConsult(h, second):
		return wrongState(second)
	}
	ask.calls = []*half{second}
	return nil
}

// checkOrbit settles where p parks.
func checkOrbit(s *Simulator, p *phone, ask *verbAsk) *problem {
	extension, valid := s.orbit(p, ask.Extension)
	switch {
	case !valid:
		return invalid("extension", "is no extension")
	case !s.roomToPark(p, extension):
		return refusal(http.StatusConflict, "conflict", "a call is parked there, or too many are")
	}
	ask.Extension = extension
	return nil
}

func checkGroupOrbit(s *Simulator, h *half, ask *verbAsk) *problem {
	extension, found := s.groupOrbit(h.phone)
	if !found {
		return refusal(http.StatusConflict, "conflict", "the group has no free extension")
	}
	ask.Extension = extension
	return nil
}

func checkRemoteOrbit(s *Simulator, h *half, ask *verbAsk) *problem {
	if h.peer == nil {
		return nil
	}
	return checkOrbit(s, h.peer.phone, ask)
}

// checkConference finds the calls to join with h, which may be among them.
func checkConference(s *Simulator, h *half, ask *verbAsk) *problem {
	calls, why := s.participants(h.phone, append([]string{h.id}, ask.CallIDs...))
	switch {
	case why == RefusedUnknownCall:
		return invalid("call_ids", "are calls of the subscriber")
	case why != "":
		return invalid("call_ids", "too few or too many calls to join")
	}
	for _, o := range calls {
		if !canConfer([]*half{o, o}) {
			return wrongState(o)
		}
	}
	ask.calls = calls
	return nil
}
