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
	if w.BroadWorks.Contact.Listen == "" {
		return nil
	}
	return func(ctx context.Context, in broadworks.Inbound, bound func()) error {
		c := n.listener(w, in)
		c.MaxConns = n.files.contacts(n.listeners())
		return c.Serve(ctx, in, bound)
	}
}

// listeners is how many networks have one.
func (n *networks) listeners() (count int) {
	for _, w := range n.store.Networks() {
		if w.BroadWorks.Contact.Listen != "" {
			count++
		}
	}
	return count
}

// listener reads as much at a time as a document of the network may have.
func (n *networks) listener(w *tenant.Network, in broadworks.Inbound) xsicontact.Config {
	c := &w.BroadWorks.Contact
	return xsicontact.Config{
		Listen: c.Listen, CertFile: c.CertFile, KeyFile: c.KeyFile, Allow: c.Prefixes(), TrustForwarded: c.TrustForwarded,
		MaxBody: in.MaxDocument(), Log: n.log.With("network", w.ID), Metrics: n.contacts,
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
