package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"offhook/engine"
	"offhook/transport/client"
)

// allowLocal says what an offhook needs to deliver to a receiver like ours.
const allowLocal = "offhook serve delivers to http URLs and private addresses only with webhooks.allow_http: true and " +
	"webhooks.allow_private_networks: true (OFFHOOK_WEBHOOKS_ALLOW_HTTP=true OFFHOOK_WEBHOOKS_ALLOW_PRIVATE_NETWORKS=true)"

// registration is an app that exists for as long as we listen. All its methods
// do nothing on nil.
type registration struct {
	admin  *client.Admin
	at     string // its URL
	app    string
	secret string
	ended  bool
	ledger *ledger
}

// register makes the app. Its secret is in the answer, and nowhere else.
func (c *listenCmd) register(ctx context.Context, at net.Addr) (*registration, error) {
	u, err := url.Parse(c.Register)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, &configError{{origin: "--register", text: "is no URL; write http://host:port of an admin listener"}}
	}
	hook := c.URL
	if hook == "" {
		hook = reachable("http", at)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	r := &registration{at: strings.TrimSuffix(c.Register, "/")}
	if r.admin, err = client.NewAdmin(r.at, c.AdminToken, client.Options{HTTP: &http.Client{Transport: transport}, UserAgent: "offhook/" + version}); err != nil {
		return nil, &configError{{origin: "--register", text: err.Error()}}
	}
	c.program.takeAwayLeft(ctx, r.admin, r.at)
	made, err := r.admin.CreateApp(ctx, client.NewApp{AppID: c.App, Name: appOfListen, CallsWebhook: &client.AppHook{URL: hook}})
	if err != nil {
		r.admin.Close()
		return nil, c.explain(err, hook)
	}
	r.ledger = c.program.newLedger()
	r.ledger.add(passing{Admin: r.at, App: made.AppID})
	r.app = made.AppID
	if made.CallsWebhook != nil {
		r.secret = made.CallsWebhook.Secret
	}
	return r, nil
}

// explain says what can be done about a refused app.
func (c *listenCmd) explain(err error, hook string) error {
	var p *client.Error
	if !errors.As(err, &p) {
		return fmt.Errorf("register at %s: %w", c.Register, explained(err))
	}
	switch {
	case p.Code == string(engine.CodeConflict):
		return fmt.Errorf("register at %s: there is an app %s already; leave --app out for a new one: %w", c.Register, c.App, err)
	case p.Field == "calls_webhook.url":
		return fmt.Errorf("register at %s with the webhook URL %s: %w; %s", c.Register, hook, err, allowLocal)
	}
	return fmt.Errorf("register at %s: %w", c.Register, explained(err))
}

// link lets the app follow all subscribers there are.
func (r *registration) link(ctx context.Context, log *slog.Logger) error {
	if r == nil {
		return nil
	}
	subscribers, err := client.Collect(r.admin.ListSubscribers(ctx, "", client.Page{}), 0)
	if err != nil {
		return stopped(ctx, fmt.Errorf("list subscribers: %w", explained(err)))
	}
	var linked atomic.Int64
	err = each(ctx, subscribers, func(s client.ProvisionedSubscriber) error {
		switch err := r.admin.LinkSubscriber(ctx, r.app, s.SubscriberID); {
		case client.CodeOf(err) == "not_found":
			return nil // deleted meanwhile
		case err != nil:
			return fmt.Errorf("link subscriber %s: %w", s.SubscriberID, explained(err))
		}
		linked.Add(1)
		return nil
	})
	if err != nil {
		return stopped(ctx, err)
	}
	log.Info("registered", "app", r.app, "subscribers", linked.Load())
	return nil
}

// stopped makes nothing of an error that is our own end.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// end deletes the app, once.
func (r *registration) end(log *slog.Logger) error {
	if r == nil || r.ended {
		return nil
	}
	r.ended = true
	defer r.admin.Close()
	err := r.admin.DeleteApp(context.Background(), r.app)
	gone := err == nil || client.CodeOf(err) == "not_found"
	r.ledger.end(gone)
	if !gone {
		return fmt.Errorf("the app %s was not deleted; do it with “offhook app delete %s --admin %s”: %w", r.app, r.app, r.at, explained(err))
	}
	log.Info("deregistered", "app", r.app)
	return nil
}
