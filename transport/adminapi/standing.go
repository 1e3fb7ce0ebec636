package adminapi

import "offhook/engine/tenant"

// Links says how the networks stand at their platforms.
type Links interface {
	// Link is the condition of a network; false where it does not run.
	Link(network string) (tenant.LinkStatus, bool)
}

// linkView is how events come from a network, right now.
type linkView struct {
	State      string `json:"state"`
	Detail     string `json:"detail,omitempty"`
	Since      int64  `json:"since"`
	Channels   int    `json:"channels"`
	Followed   int    `json:"followed"`
	Subscribed int    `json:"subscribed"`
	Refused    int    `json:"refused"`
}

// linkOf is nil for a network that does not run: its log says why.
func (s *Server) linkOf(network string) *linkView {
	if s.config.Links == nil {
		return nil
	}
	at, ok := s.config.Links.Link(network)
	if !ok {
		return nil
	}
	v := linkView(at)
	return &v
}

// standingView is how a subscriber stands at its platform, right now.
type standingView struct {
	State   string `json:"state"`
	Detail  string `json:"detail,omitempty"`
	Since   int64  `json:"since,omitempty"`
	RetryAt int64  `json:"retry_at,omitempty"`
}

func viewStanding(at *tenant.ProviderStatus) *standingView {
	if at == nil {
		return nil
	}
	v := standingView(*at)
	return &v
}
