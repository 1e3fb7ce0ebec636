package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"sync"
	"sync/atomic"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/engine/tenant"
	"offhook/provider"
	"offhook/provider/broadworks"
	"offhook/provider/oci"
	"offhook/provider/provision"
	"offhook/store"
	"offhook/transport/xsicontact"
)

// networks runs one provider for each network there is, and keeps up with
// changes made while offhook runs. It is the actors' way to the providers.
type networks struct {
	store        *store.Store
	directory    *actor.Directory
	metrics      *broadworks.Metrics
	log          *slog.Logger
	hands        *hands // the directory, for reconcilers
	provisioning *provision.Metrics
	oci          *oci.Metrics
	contacts     *xsicontact.Metrics
	tunings      map[string]Tuning // by network; guarded by changing once started
	files        descriptors       // how many connections there may be

	ctx context.Context // of all providers; ends at stop

	changing sync.Mutex                          // one refresh at a time
	running  atomic.Pointer[map[string]*network] // replaced, never changed: readers may not wait
	wg       sync.WaitGroup
}

type network struct {
	is         *tenant.Network
	tuning     Tuning
	provider   provider.Provider
	reconciler *provision.Reconciler // nil where subscribers are provisioned by hand alone
	cancel     context.CancelFunc
	ended      chan struct{}
}

func newNetworks(s *store.Store, m *broadworks.Metrics, log *slog.Logger) *networks {
	n := &networks{store: s, metrics: m, log: log}
	n.running.Store(&map[string]*network{})
	return n
}

// start begins with all networks there are.
func (n *networks) start(ctx context.Context, d *actor.Directory) {
	n.ctx, n.directory, n.hands = ctx, d, &hands{Directory: d}
	n.refresh()
	n.store.OnChange(n.refresh)
	n.store.OnChange(n.appsChanged)
}

// refresh brings the providers up to date with the networks.
func (n *networks) refresh() {
	n.changing.Lock()
	defer n.changing.Unlock()
	if n.ctx.Err() != nil {
		return
	}
	running := map[string]*network{}
	var old []*network
	wanted := map[string]*tenant.Network{}
	for _, w := range n.store.Networks() {
		wanted[w.ID] = w
	}
	for id, have := range *n.running.Load() {
		if want := wanted[id]; want != nil && reflect.DeepEqual(have.is, want) && reflect.DeepEqual(have.tuning, n.tunings[id]) {
			running[id] = have
			delete(wanted, id)
			continue
		}
		old = append(old, have)
	}
	n.running.Store(&running)
	for _, o := range old {
		o.cancel()
		<-o.ended
		n.metrics.Forget(o.is.ID) // if it goes on it says again how it stands
		n.provisioning.Forget(o.is.ID)
		n.oci.Forget(o.is.ID)
	}
	if len(wanted) == 0 {
		return
	}
	running = maps.Clone(running)
	for id, w := range wanted {
		p, err := n.provider(w)
		if err != nil {
			n.log.Error("network not usable", "network", id, "err", err)
			continue
		}
		running[id] = n.run(w, p)
	}
	n.running.Store(&running)
	err := n.store.Subscribers("", 0, func(s *tenant.SubscriberInfo) error {
		if wanted[s.Profile.Network] != nil {
			n.Follow(s.Profile.Network, s.Profile.ProviderUser)
		}
		return n.ctx.Err()
	})
	if err != nil && n.ctx.Err() == nil {
		n.log.Error("subscribers not read", "err", err)
	}
}

// retune has other tunings hold. At the next refresh networks whose tuning
// differs begin afresh.
func (n *networks) retune(now map[string]Tuning) {
	n.changing.Lock()
	defer n.changing.Unlock()
	n.tunings = now
}

func (n *networks) provider(w *tenant.Network) (provider.Provider, error) {
	if w.Provider != "broadworks" {
		return nil, fmt.Errorf("no such provider: %q", w.Provider)
	}
	bw := w.BroadWorks
	if bw.ApplicationID == "" {
		bw.ApplicationID = "offhook-" + n.store.Installation()
	}
	cfg := broadworks.Config{
		Network: bw, NetworkID: w.ID, CountryCode: w.Dialing.CountryCode,
		Memory: n.store.Memory(w.ID), Sink: sink{n.directory, w.ID},
		Log: n.log, Metrics: n.metrics, Listen: n.contact(w),
		Full: func() bool { return n.store.Room() == actor.RoomNone },
	}
	if t, ok := n.tunings[w.ID]; ok {
		t.tune(&cfg)
	}
	if cfg.InFlight == 0 {
		cfg.InFlight = n.files.requests()
	}
	if cfg.Acks == 0 {
		cfg.Acks = n.files.acks()
	}
	return broadworks.New(cfg)
}

func (n *networks) run(w *tenant.Network, p provider.Provider) *network {
	ctx, cancel := context.WithCancel(n.ctx)
	r := &network{is: w, tuning: n.tunings[w.ID], provider: p, reconciler: n.reconciler(w, p), cancel: cancel, ended: make(chan struct{})}
	n.wg.Go(func() {
		var wg sync.WaitGroup
		defer close(r.ended)
		defer wg.Wait()
		defer cancel()
		if r.reconciler != nil {
			wg.Go(func() { r.reconciler.Run(ctx) })
		}
		if err := p.Run(ctx); err != nil {
			n.log.Error("network given up", "network", w.ID, "err", err)
		}
	})
	return r
}

// wait returns when all providers have ended, after the context of start did.
func (n *networks) wait() { n.wg.Wait() }

func (n *networks) of(id string) provider.Provider {
	if r := (*n.running.Load())[id]; r != nil {
		return r.provider
	}
	return nil
}

// Ask implements actor.Networks.
func (n *networks) Ask(ctx context.Context, id string, ask engine.Ask) engine.Outcome {
	p := n.of(id)
	if p == nil {
		return engine.Outcome{Kind: engine.OutcomeNotSent, Detail: "the network is not configured"}
	}
	return p.Ask(ctx, ask)
}

// user says how a subscriber stands at its provider.
func (n *networks) user(id, user string) provider.UserStatus {
	if p := n.of(id); p != nil {
		return p.User(user)
	}
	return provider.UserStatus{State: provider.UserPending, Detail: "the network is not configured"}
}

// Platform implements actor.Networks.
func (n *networks) Platform(id string) *engine.Platform {
	if p := n.of(id); p != nil {
		return p.Platform()
	}
	return nil
}

// Follow implements actor.Networks.
func (n *networks) Follow(id, user string) {
	if p := n.of(id); p != nil {
		p.Follow(user)
	}
}

// Unfollow implements actor.Networks.
func (n *networks) Unfollow(id, user string) {
	if p := n.of(id); p != nil {
		p.Unfollow(user)
	}
}

// sink hands what one network tells to the directory.
type sink struct {
	directory *actor.Directory
	network   string
}

func (s sink) Deliver(user string, ev *engine.Event, r provider.Receipt) {
	s.directory.Deliver(s.network, user, ev, r)
}

func (s sink) Resync(user string) { s.directory.Resync(s.network, user) }
