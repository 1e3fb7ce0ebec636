package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/engine/clock"
	"offhook/engine/tenant"
	"offhook/engine/trace"
	"offhook/provider/broadworks"
	"offhook/provider/oci"
	"offhook/provider/provision"
	"offhook/store"
	"offhook/transport/console"
	"offhook/transport/eventlog"
	"offhook/transport/hookapi"
	"offhook/transport/httpapi"
	"offhook/transport/httpapi/web"
	"offhook/transport/webhook"
	"offhook/transport/webhook/operations"
	"offhook/transport/webhook/replay"
	"offhook/transport/xsicontact"
)

// node is one offhook: the parts, and the order they start and end in. It is
// the only place where store, providers and transport meet.
type node struct {
	dataDir    string
	clock      *clock.Clock // one, so that all know of the same when the machine's is set
	store      *store.Store
	directory  *actor.Directory
	dispatcher *webhook.Dispatcher
	operations *operations.Sender
	streams    *eventlog.Hub
	board      *console.Board
	replays    *replay.Replayer
	hooks      *hookapi.API
	urls       hookapi.URLs // webhooks may have
	networks   *networks
	api        *httpapi.Server
	registry   *prometheus.Registry
	tracer     *trace.Tracer // nil where spans are sent nowhere
	traces     *trace.Memory // what events came from
	log        *slog.Logger
	retention  time.Duration // of events
	files      descriptors   // how many connections each part may have

	failed    chan error  // a part that cannot go on
	storeLost atomic.Bool // it was the store
	lastRun   *prometheus.GaugeVec
	ctx       context.Context
	stop      context.CancelFunc // ends ctx, the providers' life
	started   bool
}

// openNode opens the data directory.
// The last words go to whoever starts it, when the database ends the process.
func openNode(cfg *Config, files descriptors, log *slog.Logger, lastWords func(error)) (*node, error) {
	n := &node{dataDir: cfg.DataDir, clock: clock.New(nil, nil), traces: trace.NewMemory(0), registry: prometheus.NewRegistry(), log: log, retention: cfg.Retention.Events, files: files, failed: make(chan error, 1)}
	n.ctx, n.stop = context.WithCancel(context.Background())
	n.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "offhook_build_info", Help: "Always 1; which version runs.", ConstLabels: prometheus.Labels{"version": version},
		}, func() float64 { return 1 }))
	n.lastRun = newLastRun(n.registry)
	var err error
	n.store, err = store.Open(cfg.DataDir, store.Options{
		Logger: log, Metrics: store.NewMetrics(n.registry), Retention: cfg.Retention.Events, History: cfg.Retention.History, OnFailure: n.loseStore, Space: &cfg.marks, Clock: n.clock,
		Keys: sealingKeys(cfg.sealingKeyFile(), log), OpenFiles: files.files, LastWords: lastWords,
	})
	return n, err
}

// build puts everything together on the store. Nothing listens, calls or
// delivers before start.
func (n *node) build(requests webhook.ClientConfig, operator tenant.Receiver, rules engine.Config, events Events, limits Limits, tls TLS) (err error) {
	client, guard := webhook.NewClient(requests), &requests.Guard
	n.operations = operations.New(operations.Config{
		Tenants: n.store, Poster: client, Metrics: operations.NewMetrics(n.registry), Log: n.log,
		Operator: operator, OperatorPoster: webhook.NewClient(webhook.ClientConfig{Guard: operatorGuard, Version: version, MaxKept: 1}),
		Status: func(app string, kind engine.StreamKind) (webhook.Status, bool) {
			return n.dispatcher.StatusOf(app, kind)
		},
	})
	n.dispatcher = webhook.New(webhook.Config{
		Outbox: n.store, Tenants: n.store, Poster: client, Notice: n.operations.Tell,
		Metrics: webhook.NewMetrics(n.registry), Log: n.log, Retention: n.retention, Slots: n.files.attempts, Clock: n.clock,
		Tracer: n.tracer, Traces: n.traces,
	})
	// Nothing was submitted yet: what is live after start shows at least this.
	durable := n.store.Durable()
	n.streams = eventlog.New(eventlog.Config{
		Log: n.store, Key: n.store.CursorKey(),
		Live:    func(app string) []actor.CallView { return n.directory.Live(app) },
		Horizon: func() uint64 { return max(n.directory.Released(), durable) },
		PerApp:  events.StreamsPerApp, InAll: n.files.streams(events.Streams), Heartbeat: events.Heartbeat,
		Logger: n.log, Metrics: eventlog.NewMetrics(n.registry),
	})
	n.replays = replay.New(replay.Config{
		Log: n.store, Tasks: n.store, Tenants: n.store, Lanes: n.dispatcher, Metrics: replay.NewMetrics(n.registry), Logger: n.log, Clock: n.clock,
	})
	n.urls = hookapi.URLs{AllowHTTP: guard.AllowHTTP, Guard: guard}
	n.hooks = hookapi.New(hookapi.Config{
		Tenants: n.store, Log: n.store, Deliveries: n.dispatcher, Prober: &webhook.Prober{Poster: client}, Replays: n.replays,
		URLs: n.urls, Cursors: n.streams.Cursors, Logger: n.log,
	})
	n.networks = newNetworks(n.store, broadworks.NewMetrics(n.registry), n.log)
	n.networks.files = n.files
	n.networks.provisioning = provision.NewMetrics(n.registry)
	n.networks.oci = oci.NewMetrics(n.registry)
	n.networks.contacts = xsicontact.NewMetrics(n.registry)
	n.board = console.NewBoard(console.Config{Calls: boardOf{n}, Log: n.log, Reg: n.registry})
	n.directory = actor.New(actor.Config{
		Journal: n.store, Store: n.store, Networks: n.networks, Outbox: outbox{n.dispatcher, n.streams},
		Rules: rules, Log: n.log, Metrics: actor.NewMetrics(n.registry), Failed: n.fail, Room: n.store.Room, Clock: n.clock, Changed: n.board.Changed,
		Tracer: n.tracer, Traces: n.traces,
	})
	r := rates(limits)
	n.api, err = httpapi.New(httpapi.Config{
		Calls: n.directory, Tenants: n.store, Platforms: n.networks, Events: n.streams, Hooks: n.hooks, History: n.store, Keys: n.store, Log: n.log, Metrics: httpapi.NewMetrics(n.registry), Full: n.full, Tracer: n.tracer,
		CertFile: tls.CertFile, KeyFile: tls.KeyFile,
		PerAddress: r.PerAddress, PerKey: r.PerKey, PerApp: r.PerApp, BadKeys: r.BadKeys, Commands: r.Commands,
		MaxConns: n.files.api, MaxConnsPerAddress: n.files.perAddress(),
	})
	return err
}

// rate is a limit of the config file; there 0 is none.
func rate(perSecond int) web.Rate {
	if perSecond == 0 {
		return web.Rate{PerSecond: -1}
	}
	return web.Rate{PerSecond: float64(perSecond)}
}

// hasNetworks reports whether there is a network besides the demo's.
func (n *node) hasNetworks() bool {
	return slices.ContainsFunc(n.store.Networks(), func(w *tenant.Network) bool { return w.ID != demoNetwork })
}

func (n *node) loseStore(err error) {
	n.storeLost.Store(true)
	n.fail(err)
}

func (n *node) fail(err error) {
	select {
	case n.failed <- err:
	default:
	}
}

// full reports whether nothing new can be stored.
func (n *node) full() bool { return n.store.Room() != actor.RoomEnough }

// notReady says why traffic should not be sent here.
func (n *node) notReady() (why []string) {
	if short := n.store.Shortage(); short != "" {
		why = append(why, short)
	}
	return why
}

// outbox tells everybody who waits for events: the dispatcher, and the streams
// of the event log.
type outbox struct {
	*webhook.Dispatcher
	streams *eventlog.Hub
}

// Logged implements actor.Outbox.
func (o outbox) Logged(app string) { o.streams.Logged(app) }

// start brings back what was live and goes on delivering: first the owners, so
// that lists are right, then the dispatcher.
func (n *node) start(ctx context.Context) error {
	if err := n.directory.Start(ctx); err != nil {
		return fmt.Errorf("bring back live calls: %w", err)
	}
	n.operations.Start()
	n.dispatcher.Start()
	n.started = true
	if err := n.replays.Run(); err != nil {
		return fmt.Errorf("go on with redeliveries: %w", err)
	}
	return nil
}

// connect lets the providers in.
func (n *node) connect() { n.networks.start(n.ctx, n.directory) }

// serve answers requests on a listener until its server is shut down.
func (n *node) serve(name string, serve func(net.Listener) error, ln net.Listener) {
	go func() {
		if err := serve(ln); err != nil {
			n.fail(fmt.Errorf("%s listener: %w", name, err))
		}
	}()
}

// putNetworks stores the networks of the config file, and forgets those that
// were in it once.
func (n *node) putNetworks(now []*tenant.Network) error {
	wanted := map[string]bool{}
	for _, w := range now {
		wanted[w.ID] = true
		if err := n.store.PutNetwork(w); err != nil {
			return fmt.Errorf("network %s: %w", w.ID, err)
		}
	}
	for _, have := range n.store.Networks() {
		if have.FromFile && !wanted[have.ID] {
			if err := n.store.DeleteNetwork(have.ID); err != nil {
				return fmt.Errorf("network %s: %w", have.ID, err)
			}
		}
	}
	return nil
}

// drain ends a node in the order that loses nothing: no new requests; open
// commands answered; no more facts; what is under way delivered. What is not
// finished in time goes on after the next start.
func (n *node) drain(limit time.Duration) error {
	if !n.started {
		n.stop()
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	errs := []error{n.api.Shutdown(ctx), n.directory.Drain(ctx)}
	n.stop()
	n.networks.wait()
	errs = append(errs, n.directory.Drain(ctx))
	n.directory.Close()
	errs = append(errs, n.replays.Stop(ctx), n.dispatcher.Stop(ctx), n.operations.Stop(ctx))
	return errors.Join(errs...)
}

func within(limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return f(ctx)
}
