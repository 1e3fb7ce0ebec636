package webhook

import "offhook/engine/tenant"

// goneReason is what a webhook says that was disabled by its receiver.
const goneReason = "the receiver answered 410 Gone"

// gone stops an endpoint that answered 410. Its events keep waiting; a person
// starts it again. The endpoint's lock is held.
func (ep *endpoint) gone() {
	ep.standing, ep.refused = disabled, true
	ep.d.log.Error("webhook endpoint answered 410 Gone and is disabled", "app", ep.key.app, "kind", ep.key.kind.String())
	ep.d.cfg.Metrics.disabled(ep.key)
	ep.d.notice(Notice{App: ep.key.app, Kind: ep.key.kind, What: EndpointDisabled, Reason: goneReason})
}

// disable writes down what gone said, so that a restart does not ask again. If
// that fails, the endpoint stays disabled as long as the process lives.
func (d *Dispatcher) disable(key endpointKey, url string) {
	_, err := d.cfg.Tenants.ChangeApp(key.app, func(was *tenant.App) (*tenant.App, error) {
		r := was.Receiver(key.kind)
		if r.URL != url || r.Disabled != "" {
			return was, nil
		}
		r.Disabled = goneReason
		return was.With(key.kind, r), nil
	})
	if err != nil {
		d.log.Error("a disabled webhook is not noted; it will be tried again after a restart", "app", key.app, "kind", key.kind.String(), "error", err)
	}
}
