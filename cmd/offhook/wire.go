package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"offhook/engine"
	"offhook/transport/adminapi"
	"offhook/transport/webhook"
)

// serve runs offhook until ctx ends, then drains. It returns nil after an
// orderly end.
func serve(ctx context.Context, s serving) (err error) {
	cfg, log, stdout := s.config, s.log.Logger, s.stdout
	var end ending
	defer func() { err = errors.Join(err, end.all()) }()

	limit, err := openFiles()
	if err != nil {
		return err
	}
	files, err := share(limit)
	if err != nil {
		return err
	}
	api, err := listen(&end, cfg.Listen, "listen")
	if err != nil {
		return err
	}
	admin, err := listen(&end, cfg.Admin.Listen, "admin.listen")
	if err != nil {
		return err
	}
	n, err := openNode(cfg, files, log, func(err error) { s.say(opening(err, cfg)) })
	if err != nil {
		return opening(err, cfg)
	}
	end.with(n.store.Close)
	s.log.ids.use(n.store.LogKey())
	n.beginRun()
	end.with(func() error { n.endRun(err); return nil })
	stopTracing := n.startTracing(cfg.Tracing)
	end.with(func() error { return within(5*time.Second, stopTracing) }) // after all that is told of
	if err := n.putNetworks(cfg.TenantNetworks()); err != nil {
		return err
	}
	guard := webhook.Guard{AllowHTTP: cfg.Webhooks.AllowHTTP, AllowPrivate: cfg.Webhooks.AllowPrivateNetworks}
	var d *liveDemo
	if cfg.Simulator.Enabled && (cfg.Asked("simulator.enabled") || !n.hasNetworks()) {
		if n.files, err = n.files.withDemo(); err != nil {
			return err
		}
		if d, err = startDemo(&end, cfg, n.files.phones(), log, stdout); err != nil {
			return err
		}
		guard.Exempt = map[netip.AddrPort]string{d.receiver.Addr(): demoApp}
	}
	rules := engine.Config{Confirm: cfg.Calls.ConfirmTimeout.Milliseconds(), Apps: cfg.Calls.AppsPerSubscriber}
	operator, err := cfg.operator()
	if err != nil {
		return err
	}
	log.Info("file descriptors", n.files.log()...)
	requests := webhook.ClientConfig{Guard: guard, Version: version, ShowBodies: cfg.Webhooks.ShowResponses, MaxKept: n.files.kept}
	if err := n.build(requests, operator, rules, cfg.Events, cfg.Limits, cfg.TLS); err != nil {
		return err
	}
	n.networks.tunings = cfg.tunings()
	r := &reloader{config: cfg, read: s.again, logs: s.log, node: n}
	end.with(func() error { return n.drain(r.drainTimeout()) })
	token, made, err := adminToken(cfg.DataDir, cfg.Admin.Token)
	if err != nil {
		return err
	}
	if d == nil {
		err = n.startWithout(ctx, cfg.DataDir)
	} else {
		err = n.startWith(ctx, d)
	}
	if err != nil {
		return err
	}
	seen, err := n.console(d)
	if err != nil {
		return err
	}
	ops, err := adminapi.New(adminapi.Config{
		Calls: byHand{n.networks.hands}, Provisioning: n.networks, Contacts: n.networks, Links: n.networks, Tenants: standing{n.store, n.networks.user}, Token: token, Gatherer: n.registry, Log: log,
		Metrics: adminapi.NewMetrics(n.registry), URLs: n.urls, Hooks: n.hooks, Full: n.full, Ready: n.notReady, MaxConns: n.files.admin,
		AsApp: n.api.ForOperator(), Console: seen,
		Keys: n.store, Backups: n, LogLevel: s.log.level, LogID: s.log.ids.of, CertFile: cfg.Admin.TLS.CertFile, KeyFile: cfg.Admin.TLS.KeyFile,
	})
	if err != nil {
		return err
	}
	n.serve("api", n.api.Serve, api)
	n.serve("admin", ops.Serve, admin)
	r.admin = ops
	end.with(func() error { return within(r.drainTimeout(), ops.Shutdown) })

	if gone, err := tellRunning(cfg, api.Addr(), admin.Addr()); err != nil {
		log.Warn("commands on this machine have to be told where this offhook is", "err", err)
	} else {
		end.with(gone)
	}

	ready := []any{"api", api.Addr().String(), "admin", admin.Addr().String()}
	if made {
		tellToken(stdout, cfg.DataDir, token)
	}
	if d != nil {
		if err := d.show(stdout, d.script(cfg, api.Addr()), terminal(stdout)); err != nil {
			return err
		}
		ready = append(ready, "simulator", d.addr.String())
	}
	s.log.ready(append(ready, "version", version)...)
	s.notify.tell("READY=1")
	defer s.notify.tell("STOPPING=1")

	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-n.failed:
			return err
		case <-s.reload:
			s.notify.tell("RELOADING=1")
			r.reload()
			s.notify.tell("READY=1")
		}
	}
}

// listen opens a listener. Its error names the setting to change.
func listen(end *ending, addr, setting string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; choose another address with the setting %s", addr, errors.Unwrap(err), setting)
	}
	end.with(func() error {
		if err := ln.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil // its server closed it
	})
	return ln, nil
}

// ending is what has to be ended, in the order it was begun.
type ending []func() error

func (e *ending) with(f func() error) { *e = append(*e, f) }

// all ends everything, the last first.
func (e ending) all() error {
	var errs []error
	for i := len(e) - 1; i >= 0; i-- {
		errs = append(errs, e[i]())
	}
	return errors.Join(errs...)
}
