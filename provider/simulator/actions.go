package simulator

import (
	"net/http"
	"net/url"
	"strconv"
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
	case is(third, "Conference"):
		return s.conferenceActions(r)
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
			with(attr{name: "inConference", value: strconv.FormatBool(h.conf != nil)}))
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

// deleteCall ends a call. Declining is for one that rings here: of a call that
// was answered meanwhile it is refused (what BroadWorks does is unknown).
func (s *Simulator) deleteCall(r *request, h *half) reply {
	name, can, do := "delete", (*half).live, func() { s.release(h, localRelease, "") }
	if is(r.URL.Query().Get("decline"), "true") {
		name, can, do = "decline", canDecline, func() { s.decline(h) }
	}
	if !can(h) {
		return refuse(RefusedState)
	}
	s.stats.Actions[name]++
	if s.struck(faultIgnoreActions, r.x, r.Host, r.phone) == nil {
		do()
	}
	return reply{status: http.StatusOK}
}

// verb is something a call can be told by PUT. can is asked when the request
// is accepted and again when the phone would act on it: between the two the
// call may have changed, and then nothing happens.
type verb struct {
	read func(s *Simulator, h *half, query url.Values) (arg string, why Refusal) // nil: it takes nothing
	can  func(h *half) bool
	do   func(s *Simulator, h *half, arg string)
}

func talking(h *half) bool { return h.stage == active }

func canDecline(h *half) bool { return h.ringsHere() && h.personality == terminator }

// canRedirect: a far end that waits in an orbit is not ours to send anywhere.
func canRedirect(h *half) bool { return talking(h) && !h.waits || canDecline(h) }

func blindTransfer(s *Simulator, h *half, address string) {
	reason := "transfer"
	if h.stage == alerting {
		reason = "deflection"
	}
	s.transferBlind(h, address, "", reason)
}

// readAddress is where a call is sent.
func readAddress(_ *Simulator, _ *half, query url.Values) (string, Refusal) {
	if address, valid := cleanAddress(query.Get("address")); valid {
		return address, ""
	}
	return "", RefusedAddress
}

// maxDigits is how many tones one request may send.
const maxDigits = 64

func readDigits(_ *Simulator, _ *half, query url.Values) (string, Refusal) {
	digits := query.Get("playdtmf")
	if digits == "" || len(digits) > maxDigits || strings.Trim(digits, "0123456789*#ABCDabcd") != "" {
		return "", RefusedDigits
	}
	return strings.ToUpper(digits), ""
}

// readOrbit is the extension a call is parked at; without one it is the
// subscriber's own.
func readOrbit(s *Simulator, h *half, query url.Values) (string, Refusal) {
	address := query.Get("address")
	if address != "" {
		var valid bool
		if address, valid = cleanAddress(address); !valid {
			return "", RefusedAddress
		}
	}
	extension, valid := s.orbit(h.phone, address)
	switch {
	case !valid:
		return "", RefusedAddress
	case !s.roomToPark(h.phone, extension):
		return "", RefusedPark
	}
	return extension, ""
}

func readGroupOrbit(s *Simulator, h *half, _ url.Values) (string, Refusal) {
	if extension, found := s.groupOrbit(h.phone); found {
		return extension, ""
	}
	return "", RefusedPark
}

// parkVerb parks, unless the orbit was taken since it was looked at.
func parkVerb(group bool) func(s *Simulator, h *half, extension string) {
	return func(s *Simulator, h *half, extension string) {
		if s.roomToPark(h.phone, extension) {
			s.park(h, extension, group)
		}
	}
}

func recordingAction(name string) verb {
	v := recordingVerbs[name]
	return verb{can: v.can, do: func(s *Simulator, h *half, _ string) { v.do(s, h) }}
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
			if h.live() { // the other may have been its far end
				s.retrieve(h)
			}
		},
	},
	"blindtransfer": {read: readAddress, can: canRedirect, do: blindTransfer},
	"mutetransfer":  {read: readAddress, can: canRedirect, do: blindTransfer},
	"vmtransfer": {
		can: canRedirect,
		do:  func(s *Simulator, h *half, _ string) { s.toVoicemail(h) },
	},
	"transmitdtmf": {
		read: readDigits, can: talking,
		do: func(_ *Simulator, h *half, digits string) { h.digits = digits },
	},
	"park":            {read: readOrbit, can: canPark, do: parkVerb(false)},
	"groupcallpark":   {read: readGroupOrbit, can: canPark, do: parkVerb(true)},
	"record":          recordingAction("start"),
	"pauserecording":  recordingAction("pause"),
	"resumerecording": recordingAction("resume"),
	"stoprecording":   recordingAction("stop"),
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
	if v.read != nil {
		var why Refusal
		if arg, why = v.read(s, h, r.URL.Query()); why != "" {
			return refuse(why)
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
	rep := reply{status: http.StatusOK}
	if name == "park" || name == "groupcallpark" { // where to is told at once (dossier §1.4)
		user := h.phone.SubscriberID
		rep.contentLocation = "/v2.0/user/" + user + "/calls/" + h.id + "/" + parkWords[name] + "?address=" + user + ":" + arg
	}
	return rep
}

// parkWords are as the paths are written.
var parkWords = map[string]string{"park": "Park", "groupcallpark": "GroupCallPark"}

func (s *Simulator) consult(r *request, h *half) reply {
	second := s.calls[r.at(5)]
	if second == nil || second.phone != h.phone || second == h {
		return refuse(RefusedUnknownCall)
	}
	if !canConsult(h, second) {
		return refuse(RefusedState)
	}
	s.accept(r, "consulttransfer", func() {
		if canConsult(h, second) {
			s.transferConsult(h, second)
		}
	})
	return reply{status: http.StatusOK}
}

// canConsult: two calls of one phone whose far ends can be joined; the second
// may still ring there.
func canConsult(first, second *half) bool {
	return first != second && first.phone == second.phone && !first.waits && !second.waits &&
		talking(first) && (talking(second) || second.stage == alerting && second.lifted)
}

func (s *Simulator) accept(r *request, name string, do func()) {
	s.stats.Actions[name]++
	if s.struck(faultIgnoreActions, r.x, r.Host, r.phone) == nil {
		s.afterAction(do)
	}
}
