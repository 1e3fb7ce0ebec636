package simulator

import (
	"net/http"
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

	ParkedAt   string `json:"parked_at,omitempty"` // it waits there
	Recall     string `json:"recall,omitempty"`    // park, transfer
	Recording  string `json:"recording,omitempty"` // pending, started, paused, failed
	Conference bool   `json:"conference,omitempty"`
	Muted      bool   `json:"muted,omitempty"`
	Deaf       bool   `json:"deaf,omitempty"`
	Digits     string `json:"digits,omitempty"` // the last that were sent
}

// recallWords are what the product calls a recall.
var recallWords = map[string]string{recallPark: "park", recallTransfer: "transfer"}

func (h *half) view() callView {
	v := callView{
		CallID: h.id, TrackingID: h.trackingID, SubscriberID: h.phone.SubscriberID,
		RemoteNumber: h.remote.address, RemoteName: h.remote.name,
		State: h.word(), Direction: "outgoing", RemoteHeld: h.stage == active && h.heldByFarEnd(),
		XsiState: h.state(), Personality: h.personality, StartTime: h.startTime, AnswerTime: h.answerTime,
		Recall: recallWords[h.recall], Recording: strings.ToLower(h.recording),
		Conference: h.conf != nil, Muted: h.muted, Deaf: h.deaf, Digits: h.digits,
	}
	if h.orbit != nil {
		v.ParkedAt = h.orbit.extension
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

// controlCall makes a phone ring, dials from it, or takes a parked call with it.
func (s *Simulator) controlCall(r *http.Request) (int, any, error) {
	var ask struct {
		SubscriberID string `json:"subscriber_id"`
		RemoteNumber string `json:"remote_number"`
		RemoteName   string `json:"remote_name"`
		Direction    string `json:"direction"`
		Retrieve     string `json:"retrieve"` // an extension; instead of the three above
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	if ask.SubscriberID == "" {
		return 0, nil, invalid("subscriber_id", "is required")
	}
	if ask.Retrieve != "" {
		switch {
		case ask.RemoteNumber != "" || ask.RemoteName != "":
			return 0, nil, invalid("remote_number", "does not go with retrieve")
		case ask.Direction == "incoming":
			return 0, nil, invalid("direction", "a parked call is retrieved by dialling")
		case strings.Trim(ask.Retrieve, "0123456789") != "" || len(ask.Retrieve) < minExtension || len(ask.Retrieve) > maxExtension:
			return 0, nil, invalid("retrieve", "is no extension")
		}
		ask.RemoteNumber, ask.Direction = s.cfg.ParkRetrieveCode+ask.Retrieve, "outgoing"
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
