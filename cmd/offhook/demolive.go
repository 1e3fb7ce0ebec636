package main

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net"
	"time"

	"offhook/engine/tenant"
	"offhook/provider/simulator"
	"offhook/transport/webhook/demoreceiver"
)

// liveDemo is the demo with its simulator and receiver running.
type liveDemo struct {
	*demo
	addr     net.Addr // of the simulator
	receiver *demoreceiver.Receiver
	key      string // of the demo app
}

// startDemo starts what the demo needs beside offhook itself.
func startDemo(end *ending, cfg *Config, phones int, log *slog.Logger, stdout io.Writer) (*liveDemo, error) {
	ln, err := listen(end, cfg.Simulator.Listen, "simulator.listen")
	if err != nil {
		return nil, err
	}
	sim := simulator.New(simulator.Config{
		Subscribers: cfg.Simulator.Subscribers, Traffic: simulator.Traffic(cfg.Simulator.Traffic),
		Username: simUsername, Password: simPassword, Log: log,
	})
	served := make(chan error, 1)
	go func() { served <- sim.Serve(limit(ln, phones)) }()
	end.with(func() error {
		err := sim.Close()
		<-served
		return err
	})
	// A secret of this run: the receiver lives no longer than that.
	secret, err := tenant.NewSecret(rand.Reader)
	if err != nil {
		return nil, err
	}
	receiver, err := demoreceiver.Listen(secret, commented{stdout})
	if err != nil {
		return nil, err
	}
	end.with(func() error { return within(time.Second, receiver.Close) })
	d := &demo{
		dataDir: cfg.DataDir, simulator: reachable("http", ln.Addr()), username: simUsername, password: simPassword,
		phones: sim.Phones(), receiver: receiver, now: time.Now(),
	}
	return &liveDemo{demo: d, addr: ln.Addr(), receiver: receiver}, nil
}

// script is what a newcomer can paste.
func (d *liveDemo) script(cfg *Config, api net.Addr) demoScript {
	scheme := "http"
	if cfg.TLS.CertFile != "" {
		scheme = "https"
	}
	return demoScript{
		API: reachable(scheme, api), Simulator: d.simulator, Receiver: d.receiver.URL(), App: demoApp, Key: d.key, Phones: d.phones,
	}
}

// startWith starts a node that has the demo on it.
func (n *node) startWith(ctx context.Context, d *liveDemo) (err error) {
	if d.key, err = d.prepare(n.store); err != nil {
		return err
	}
	if err := n.start(ctx); err != nil {
		return err
	}
	n.connect()
	return d.populate(ctx, n.store, n.directory)
}

// startWithout starts a node and removes a demo that was on it. Its network
// goes before anything could call the simulator, which is gone.
func (n *node) startWithout(ctx context.Context, dataDir string) error {
	if err := n.start(ctx); err != nil {
		return err
	}
	if err := removeDemo(ctx, dataDir, n.store, n.directory); err != nil {
		return err
	}
	n.connect()
	return nil
}
