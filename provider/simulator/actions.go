package simulator

import (
	"net/http"
	"strings"
)

// actions answers what is below com.broadsoft.xsi-actions (dossier §1.4, §1.7).
func (s *Simulator) actions(r *request) reply {
	if r.phone == nil {
		return refuse(RefusedUnknownPath)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.phone.gone {
		return refuse(RefusedUnknownUser)
	}
	switch strings.ToLower(r.at(2)) {
	case "calls":
		return s.callActions(r)
	case "profile":
		return s.profile(r)
	case "services":
		return s.services(r)
	case "directories":
		return s.directory(r)
	}
	return refuse(RefusedUnknownPath)
}

// callActions runs with mu held: state is looked at and changed in one go.
func (s *Simulator) callActions(r *request) reply {
	if r.Method != http.MethodGet && s.struck(faultRejectActions, r.x, r.Host, r.phone) != nil {
		return refuse(RefusedByFault)
	}
	third := r.at(3)
	switch {
	case third == "":
		return only(r, http.MethodGet, func() reply { return ok(callList(r.phone)) })
	case is(third, "new"):
		return only(r, http.MethodPost, func() reply { return s.newCall(r) })
	case is(third, "HookStatus"):
		return only(r, http.MethodGet, func() reply { return ok(el("HookStatus", hookNode(r.phone))) })
	}
	h := s.calls[third]
	if h == nil || h.phone != r.phone {
		return refuse(RefusedUnknownCall)
	}
	if len(r.path) > 4 {
		return only(r, http.MethodPut, func() reply { return s.callVerb(r, h) })
	}
	switch r.Method {
	case http.MethodGet:
		n := callNode(h)
		n.name = "Call"
		return ok(n)
	case http.MethodDelete:
		return s.deleteCall(r, h)
	}
	return refuse(RefusedMethod)
}

func only(r *request, method string, do func() reply) reply {
	if r.Method != method {
		return refuse(RefusedMethod)
	}
	return do()
}

// callList names the calls and where to read them, without the context
// (dossier §1.6).
func callList(p *phone) *node {
	list := el("Calls")
	for _, h := range p.calls {
		list.add(el("call", textEl("callId", h.id),
			textEl("uri", "/v2.0/user/"+p.SubscriberID+"/calls/"+h.id)).
			with(attr{name: "inConference", value: "false"}))
	}
	return list
}

// newCall is click-to-dial (dossier §1.5). Ignored by a fault, it is answered
// with ids of a call that never comes to be. A raw "+" in a query is a space,
// here as at the real server: clients write %2B.
func (s *Simulator) newCall(r *request) reply {
	address, valid := cleanAddress(r.URL.Query().Get("address"))
	if !valid {
		return refuse(RefusedAddress)
	}
	if len(r.phone.calls) >= s.cfg.MaxCallsPerPhone {
		return refuse(RefusedTooManyCalls)
	}
	s.stats.Actions["new"]++
	started := func(id, tracking string) reply {
		return reply{status: http.StatusCreated, body: el("CallStartInfo",
			textEl("callId", id), textEl("externalTrackingId", tracking))}
	}
	if s.struck(faultIgnoreActions, r.x, r.Host, r.phone) != nil {
		s.lastHalf++
		return started("callhalf-"+itoa(s.lastHalf)+":0", s.newTracking())
	}
	s.stats.Dials++
	r.phone.dials++
	h := s.dialClick(r.phone, address)
	return started(h.id, h.trackingID)
}

func (s *Simulator) deleteCall(r *request, h *half) reply {
	s.stats.Actions["delete"]++
	if s.struck(faultIgnoreActions, r.x, r.Host, r.phone) == nil {
		s.release(h, localRelease, "")
	}
	return reply{status: http.StatusOK}
}

// verb is something a call can be told by PUT. can is asked when the request
// is accepted and again when the phone would act on it: between the two the
// call may have changed, and then nothing happens.
type verb struct {
	needs string // query parameter that must be a routable address
	can   func(h *half) bool
	do    func(s *Simulator, h *half, arg string)
}

func talking(h *half) bool { return h.stage == active }

func canRedirect(h *half) bool { return talking(h) || h.ringsHere() && h.personality == terminator }

func blindTransfer(s *Simulator, h *half, address string) {
	reason := "transfer"
	if h.stage == alerting {
		reason = "deflection"
	}
	s.transferBlind(h, address, "", reason)
}

var verbs = map[string]verb{
	"talk": {
		can: func(h *half) bool { return h.ringsHere() || talking(h) && h.localHold },
		do: func(s *Simulator, h *half, _ string) {
			if h.ringsHere() {
				s.lift(h)
			} else {
				s.retrieve(h)
			}
		},
	},
	"hold": {
		can: func(h *half) bool { return talking(h) && !h.localHold },
		do:  func(s *Simulator, h *half, _ string) { s.hold(h) },
	},
	"reconnect": {
		can: func(h *half) bool { return talking(h) && h.localHold },
		do: func(s *Simulator, h *half, _ string) {
			for _, o := range append([]*half(nil), h.phone.calls...) {
				if o != h {
					s.release(o, localRelease, "")
				}
			}
			s.retrieve(h)
		},
	},
	"blindtransfer": {needs: "address", can: canRedirect, do: blindTransfer},
	"mutetransfer":  {needs: "address", can: canRedirect, do: blindTransfer},
	"vmtransfer": {
		can: canRedirect,
		do:  func(s *Simulator, h *half, _ string) { s.toVoicemail(h) },
	},
	"transmitdtmf": {
		needs: "playdtmf", can: talking,
		do: func(*Simulator, *half, string) {},
	},
}

// callVerb accepts an action; its events follow (dossier §1.4).
func (s *Simulator) callVerb(r *request, h *half) reply {
	name := strings.ToLower(r.at(4))
	if name == "consulttransfer" {
		return s.consult(r, h)
	}
	v, known := verbs[name]
	if !known || len(r.path) > 5 {
		return refuse(RefusedUnknownPath)
	}
	arg := ""
	if v.needs != "" {
		var valid bool
		if arg, valid = cleanAddress(r.URL.Query().Get(v.needs)); !valid {
			return refuse(RefusedAddress)
		}
	}
	if !v.can(h) {
		return refuse(RefusedState)
	}
	s.accept(r, name, func() {
		if v.can(h) {
			v.do(s, h, arg)
		}
	})
	return reply{status: http.StatusOK}
}

func (s *Simulator) consult(r *request, h *half) reply {
	second := s.calls[r.at(5)]
	if second == nil || second.phone != h.phone || second == h {
		return refuse(RefusedUnknownCall)
	}
	can := func() bool {
		return talking(h) && (talking(second) || second.stage == alerting && second.lifted)
	}
	if !can() {
		return refuse(RefusedState)
	}
	s.accept(r, "consulttransfer", func() {
		if can() {
			s.transferConsult(h, second)
		}
	})
	return reply{status: http.StatusOK}
}

func (s *Simulator) accept(r *request, name string, do func()) {
	s.stats.Actions[name]++
	if s.struck(faultIgnoreActions, r.x, r.Host, r.phone) == nil {
		s.afterAction(do)
	}
}
