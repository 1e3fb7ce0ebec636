package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/provider/broadworks"
	"offhook/store"
	"offhook/transport/httpapi"
	"offhook/transport/webhook"
)

// node is one offhook: the parts, and the order they start and end in. It is
// the only place where store, providers and transport meet.
type node struct {
	store      *store.Store
	directory  *actor.Directory
	dispatcher *webhook.Dispatcher
	networks   *networks
	api        *httpapi.Server
	registry   *prometheus.Registry
	log        *slog.Logger

	failed chan error         // a part that cannot go on
	stop   context.CancelFunc // of the providers
}

// nodeOptions is what a node is made of; the zero value of each is the default.
type nodeOptions struct {
	dataDir           string
	certFile, keyFile string
	guard             webhook.Guard
	rules             engine.Config
	retention         time.Duration
	log               *slog.Logger
}

// openNode opens the data directory and builds everything on it. Nothing
// listens, calls or delivers before start.
func openNode(o nodeOptions) (*node, error) {
	n := &node{registry: prometheus.NewRegistry(), log: o.log, failed: make(chan error, 1)}
	n.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s, err := store.Open(o.dataDir, store.Options{
		Logger: o.log, Metrics: store.NewMetrics(n.registry), Retention: o.retention, OnFailure: n.fail,
	})
	if err != nil {
		return nil, err
	}
	n.store = s
	n.dispatcher = webhook.New(webhook.Config{
		Outbox: s, Tenants: s, Poster: webhook.NewClient(webhook.ClientConfig{Guard: o.guard, Version: version}),
		Metrics: webhook.NewMetrics(n.registry), Log: o.log,
	})
	n.networks = newNetworks(s, broadworks.NewMetrics(n.registry), o.log)
	n.directory = actor.New(actor.Config{
		Journal: s, Store: s, Networks: n.networks, Outbox: n.dispatcher,
		Rules: o.rules, Log: o.log, Metrics: actor.NewMetrics(n.registry), Failed: n.fail,
	})
	n.api, err = httpapi.New(httpapi.Config{
		Calls: n.directory, Tenants: s, Log: o.log, Metrics: httpapi.NewMetrics(n.registry),
		CertFile: o.certFile, KeyFile: o.keyFile,
	})
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return n, nil
}

func (n *node) fail(err error) {
	select {
	case n.failed <- err:
	default:
	}
}

// start brings back what was live, then lets the world in: first the owners,
// so that lists are right; then delivery; then the providers; then the API.
func (n *node) start(ctx context.Context, api net.Listener) error {
	if err := n.directory.Start(ctx); err != nil {
		return fmt.Errorf("bring back live calls: %w", err)
	}
	n.dispatcher.Start()
	providers, stop := context.WithCancel(context.Background())
	n.stop = stop
	n.networks.start(providers, n.directory)
	go func() {
		if err := n.api.Serve(api); err != nil {
			n.fail(fmt.Errorf("api listener: %w", err))
		}
	}()
	return nil
}

// drain ends a node in the order that loses nothing: no new requests; open
// commands answered; no more facts; what is under way delivered; the store
// last. What is not finished when ctx ends goes on after the next start.
func (n *node) drain(ctx context.Context) error {
	var errs []error
	errs = append(errs, n.api.Shutdown(ctx))
	errs = append(errs, n.directory.Drain(ctx))
	n.stop()
	n.networks.wait()
	errs = append(errs, n.directory.Drain(ctx))
	n.directory.Close()
	errs = append(errs, n.dispatcher.Stop(ctx))
	errs = append(errs, n.store.Close())
	return errors.Join(errs...)
}
