package operations

import (
	"offhook/engine/tenant"
	"offhook/transport/webhook"
)

// look compares what is known with how things are. People change webhooks, and
// nobody tells then: a new URL, a removed webhook, one that is enabled again.
func (s *Sender) look() {
	for e, c := range s.unwell() {
		s.review(e, c)
	}
	now := s.cfg.Now().UnixMilli()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.cfg.Tenants.Apps() {
		for _, kind := range kinds {
			e := endpoint{a.ID, kind}
			if r := a.Receiver(kind); r.Set() && r.Disabled != "" && s.conditions[e].what != webhook.EndpointDisabled {
				s.learn(e, webhook.EndpointDisabled, r.Disabled, now)
			}
		}
	}
	s.tidy()
}

// unwell are the endpoints that are not well, as far as is known.
func (s *Sender) unwell() map[endpoint]condition {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[endpoint]condition{}
	for e, c := range s.conditions {
		if c.what != webhook.EndpointRecovered {
			all[e] = c
		}
	}
	return all
}

// review asks how an endpoint is by now. The dispatcher is asked without our
// lock: it tells us things under its own.
func (s *Sender) review(e endpoint, was condition) {
	var r tenant.Receiver
	if a, ok := s.cfg.Tenants.App(e.app); ok {
		r = a.Receiver(e.kind)
	}
	status, known := webhook.Status{}, false
	if s.cfg.Status != nil {
		status, known = s.cfg.Status(e.app, e.kind)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conditions[e].version != was.version {
		return // something was told meanwhile, and that is newer
	}
	now := s.cfg.Now().UnixMilli()
	switch {
	case !r.Set():
		s.forget(e)
	case !known:
	case status.Condition == webhook.Healthy:
		s.learn(e, webhook.EndpointRecovered, "", now)
	case status.Condition == webhook.BackingOff && was.what == webhook.EndpointDisabled:
		s.learn(e, webhook.EndpointFailing, "enabled again, and still takes nothing", now)
	}
}

// forget drops what is known of a webhook that was removed.
func (s *Sender) forget(e endpoint) {
	delete(s.conditions, e)
	for _, d := range s.desks {
		delete(d.known, e)
		delete(d.parked, e)
	}
}

// tidy drops desks nobody wants and conditions nobody waits for. mu is held.
func (s *Sender) tidy() {
	for app, d := range s.desks {
		if app != "" && !d.flying && !s.receiver(d).Set() {
			delete(s.desks, app)
		}
	}
	for e, c := range s.conditions {
		if c.what != webhook.EndpointRecovered {
			s.deskOf(e.app)
			continue
		}
		waited := false
		for _, d := range []*desk{s.desks[e.app], s.desks[""]} {
			waited = waited || d != nil && d.known[e] != nil && (d.known[e].ill || d.flying)
		}
		if !waited {
			delete(s.conditions, e)
			for _, d := range []*desk{s.desks[e.app], s.desks[""]} {
				if d != nil {
					delete(d.known, e)
				}
			}
		}
	}
}
