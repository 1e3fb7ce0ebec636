package webhook

import "offhook/engine"

// Notice is something about the delivery itself that a person should know.
type Notice struct {
	App        string
	Kind       engine.StreamKind
	Subscriber string // StreamParked only; folded
	What       What
	Reason     string // in fixed words
	At         int64  // ms since the epoch
}

// What a notice is about; these are the types of the operational webhooks.
type What string

// The notices there are.
const (
	EndpointFailing   What = "endpoint.failing"
	EndpointDisabled  What = "endpoint.disabled"
	EndpointRecovered What = "endpoint.recovered"
	StreamParked      What = "stream.parked"
)

// notice tells whoever listens. It is called under an endpoint's lock.
func (d *Dispatcher) notice(n Notice) {
	if d.cfg.Notice != nil {
		n.At = d.cfg.Clock.Now()
		d.cfg.Notice(n)
	}
}
