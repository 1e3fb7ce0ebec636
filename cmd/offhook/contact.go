package main

import (
	"context"
	"fmt"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/provider/broadworks"
	"offhook/transport/problem"
	"offhook/transport/xsicontact"
)

// contact is the listener of a network whose events are POSTed; nil for one
// with channels.
func (n *networks) contact(w *tenant.Network) broadworks.Listen {
	c := &w.BroadWorks.Contact
	if c.Listen == "" {
		return nil
	}
	listener := xsicontact.Config{
		Listen: c.Listen, CertFile: c.CertFile, KeyFile: c.KeyFile, Allow: c.Prefixes(), TrustForwarded: c.TrustForwarded,
		Log: n.log.With("network", w.ID), Metrics: n.contacts,
	}
	return func(ctx context.Context, in broadworks.Inbound, bound func()) error {
		l := listener
		l.MaxBody = in.MaxDocument()
		return l.Serve(ctx, in, bound)
	}
}

// RotateContact implements adminapi.Contacts.
func (n *networks) RotateContact(id string) error {
	p, ok := n.of(id).(*broadworks.Provider)
	if !ok {
		return problem.New(engine.CodeConflict, "the network does not run; its log says why")
	}
	if err := p.RotateContact(); err != nil {
		return problem.New(engine.CodeConflict, fmt.Sprintf("%v; its events come over channels", err))
	}
	return nil
}
