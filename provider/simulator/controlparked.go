package simulator

import "net/http"

// parkedView is a call in an orbit.
type parkedView struct {
	Extension    string `json:"extension"`
	Enterprise   string `json:"enterprise"`
	ParkedBy     string `json:"parked_by"` // subscriber id
	RemoteNumber string `json:"remote_number"`
	RemoteName   string `json:"remote_name"`
	CallID       string `json:"call_id,omitempty"` // of the subscriber who waits; none waits outside
	ParkedAt     int64  `json:"parked_at"`         // ms since the epoch
}

func (s *Simulator) parkedViews() []parkedView {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]parkedView, len(s.parked))
	for i, p := range s.parked {
		all[i] = parkedView{
			Extension: p.extension, Enterprise: p.of.id, ParkedBy: p.by.SubscriberID,
			RemoteNumber: p.from.address, RemoteName: p.from.name, ParkedAt: p.since,
		}
		if p.caller != nil {
			all[i].CallID = p.caller.id
		}
	}
	return all
}

// controlParked is who waits at an extension giving up.
func (s *Simulator) controlParked(extension string) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.parked {
		if p.extension != extension {
			continue
		}
		if p.caller != nil {
			s.release(p.caller, localRelease, "")
		} else {
			s.unpark(p)
		}
		return http.StatusNoContent, nil, nil
	}
	return 0, nil, notFound("parked call")
}
