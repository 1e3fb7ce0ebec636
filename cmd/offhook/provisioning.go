package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/engine/tenant"
	"offhook/provider"
	"offhook/provider/broadworks"
	"offhook/provider/oci"
	"offhook/provider/provision"
)

// source is where the users of a network are listed.
func (n *networks) source(w *tenant.Network, p provider.Provider) (provider.Source, error) {
	switch w.Provision.Source {
	case tenant.SourceDirectory:
		bw, is := p.(*broadworks.Provider)
		if !is {
			return nil, errors.New("this provider has no directory")
		}
		views := make([]broadworks.View, len(w.Provision.Directory))
		for i, d := range w.Provision.Directory {
			views[i] = broadworks.View(d)
		}
		return bw.Directory(views...), nil
	case tenant.SourceOCI:
		return oci.New(oci.Config{
			Network: w.ID, OCI: w.Provision.OCI, CountryCode: w.Dialing.CountryCode, Log: n.log, Metrics: n.oci,
		})
	}
	return nil, fmt.Errorf("no such source: %q", w.Provision.Source)
}

// reconciler keeps the subscribers of a network as its source says; nil where
// they are provisioned by hand alone.
func (n *networks) reconciler(w *tenant.Network, p provider.Provider) *provision.Reconciler {
	if !w.Provision.Set() {
		return nil
	}
	s, err := n.source(w, p)
	if err != nil {
		n.log.Error("no subscribers are provisioned by themselves", "network", w.ID, "err", err)
		return nil
	}
	return provision.New(provision.Config{
		Network: *w, Source: s, Subscribers: n.hands, Tenants: n.store,
		// Apart from the provider's: the network may be taken out of the file
		// and come back, and its subscribers are still there.
		Memory: n.store.Memory(w.ID + "\x00provisioning"),
		Log:    n.log, Metrics: n.provisioning,
	})
}

// Provisioning implements adminapi.Provisioning.
func (n *networks) Provisioning(id string) (tenant.ProvisioningStatus, bool) {
	r := (*n.running.Load())[id]
	if r == nil || r.reconciler == nil {
		return tenant.ProvisioningStatus{}, false
	}
	return r.reconciler.Status(), true
}

// Confirm implements adminapi.Provisioning.
func (n *networks) Confirm(id string) bool {
	r := (*n.running.Load())[id]
	return r != nil && r.reconciler != nil && r.reconciler.Confirm()
}

// appsChanged tells the reconcilers, which may have waited for an app.
func (n *networks) appsChanged() {
	for _, r := range *n.running.Load() {
		if r.reconciler != nil {
			r.reconciler.AppsChanged()
		}
	}
}

// hands is the directory for those who look at a subscriber before they change
// it. Nobody else changes it meanwhile: the admin API comes in byHand.
type hands struct {
	*actor.Directory
	of [256]sync.Mutex
}

// Hold implements provision.Subscribers.
func (h *hands) Hold(subscriber string) (release func()) {
	mu := &h.of[int(engine.SlotOf(subscriber))%len(h.of)]
	mu.Lock()
	return mu.Unlock
}

// byHand is how administrators change subscribers.
type byHand struct{ *hands }

// PutProfile implements adminapi.Calls.
func (b byHand) PutProfile(ctx context.Context, p engine.Profile) (created bool, err *engine.Error) {
	defer b.Hold(p.ID)()
	return b.Directory.PutProfile(ctx, p)
}

// Link implements adminapi.Calls.
func (b byHand) Link(ctx context.Context, app, subscriber string) *engine.Error {
	defer b.Hold(subscriber)()
	return b.Directory.Link(ctx, app, subscriber)
}

// Unlink implements adminapi.Calls.
func (b byHand) Unlink(ctx context.Context, app, subscriber string) *engine.Error {
	defer b.Hold(subscriber)()
	return b.Directory.Unlink(ctx, app, subscriber)
}

// Delete implements adminapi.Calls.
func (b byHand) Delete(ctx context.Context, subscriber string) *engine.Error {
	defer b.Hold(subscriber)()
	return b.Directory.Delete(ctx, subscriber)
}
