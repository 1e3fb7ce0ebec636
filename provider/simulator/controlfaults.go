package simulator

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

type faultView struct {
	FaultID      string  `json:"fault_id"`
	Kind         string  `json:"kind"`
	XSP          string  `json:"xsp,omitempty"`
	SubscriberID string  `json:"subscriber_id,omitempty"`
	Probability  float64 `json:"probability"`
}

func (f *fault) view() faultView {
	v := faultView{FaultID: f.id, Kind: f.kind, XSP: f.xsp, Probability: f.probability}
	if f.phone != nil {
		v.SubscriberID = f.phone.SubscriberID
	}
	return v
}

func (s *Simulator) faultViews() []faultView {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]faultView, len(s.faults))
	for i, f := range s.faults {
		all[i] = f.view()
	}
	return all
}

const defaultDelay = 500 * time.Millisecond

// controlFault makes something go wrong. A network scope means everything: one
// simulator is one network, whatever its client calls it.
func (s *Simulator) controlFault(r *http.Request) (int, any, error) {
	var ask struct {
		Kind         string   `json:"kind"`
		Network      string   `json:"network"`
		XSP          string   `json:"xsp"`
		SubscriberID string   `json:"subscriber_id"`
		Probability  *float64 `json:"probability"` // default 1
		DurationMS   int64    `json:"duration_ms"` // default until lifted
		DelayMS      int64    `json:"delay_ms"`    // of delay_events: at most this, default 500
		Reason       string   `json:"reason"`      // of end_channel, default Expired
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	f := &fault{kind: ask.Kind, xsp: strings.TrimSpace(ask.XSP), probability: 1, delay: defaultDelay}
	if !knownFault(ask.Kind) {
		return 0, nil, invalid("kind", "is one of "+strings.Join(append(FaultKinds(), OCIFaultKinds()...), ", "))
	}
	if ask.Probability != nil {
		if f.probability = *ask.Probability; !(f.probability >= 0 && f.probability <= 1) {
			return 0, nil, invalid("probability", "is between 0 and 1")
		}
	}
	if ask.DurationMS < 0 || ask.DurationMS > (24*time.Hour).Milliseconds() {
		return 0, nil, invalid("duration_ms", "is between 0 and a day")
	}
	if ask.DelayMS < 0 || ask.DelayMS > maxAfter.Milliseconds() {
		return 0, nil, invalid("delay_ms", "is between 0 and an hour")
	}
	if ask.DelayMS > 0 {
		f.delay = time.Duration(ask.DelayMS) * time.Millisecond
	}
	if f.reason = ask.Reason; f.reason == "" {
		f.reason = reasonExpired
	}
	if !slices.Contains(endReasons, f.reason) {
		return 0, nil, invalid("reason", "is one of "+strings.Join(endReasons, ", "))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ask.SubscriberID != "" {
		if f.phone = s.phoneOf(ask.SubscriberID); f.phone == nil {
			return 0, nil, notFound("subscriber")
		}
	}
	if len(s.faults) >= maxFaults {
		return 0, nil, refusal(http.StatusConflict, "conflict", "too many faults are in force")
	}
	s.addFault(f, time.Duration(ask.DurationMS)*time.Millisecond)
	return http.StatusCreated, f.view(), nil
}

// liftFaults ends one fault, or all of them when id is empty.
func (s *Simulator) liftFaults(id string) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := id == ""
	for _, f := range slices.Clone(s.faults) {
		if id == "" || f.id == id {
			s.liftFault(f)
			found = true
		}
	}
	if !found {
		return 0, nil, notFound("fault")
	}
	return http.StatusNoContent, nil, nil
}
