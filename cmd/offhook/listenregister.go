package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"offhook/engine"
)

// allowLocal says what an offhook needs to deliver to a receiver like ours.
const allowLocal = "offhook serve delivers to http URLs and private addresses only with webhooks.allow_http: true and " +
	"webhooks.allow_private_networks: true (OFFHOOK_WEBHOOKS_ALLOW_HTTP=true OFFHOOK_WEBHOOKS_ALLOW_PRIVATE_NETWORKS=true)"

// registration is an app that exists for as long as we listen. All its methods
// do nothing on nil.
type registration struct {
	admin  adminClient
	app    string
	secret string
	ended  bool
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
	r := &registration{admin: newAdminClient(strings.TrimSuffix(c.Register, "/"), c.AdminToken)}
	body := map[string]any{"name": "offhook listen", "calls_webhook": map[string]string{"url": hook}}
	if c.App != "" {
		body["app_id"] = c.App
	}
	var made struct {
		AppID string `json:"app_id"`
		Calls struct {
			Secret string `json:"secret"`
		} `json:"calls_webhook"`
	}
	if err := r.admin.do(ctx, http.MethodPost, "/admin/apps", body, &made); err != nil {
		r.admin.http.CloseIdleConnections()
		return nil, c.explain(err, hook)
	}
	r.app, r.secret = made.AppID, made.Calls.Secret
	return r, nil
}

// explain says what can be done about a refused app.
func (c *listenCmd) explain(err error, hook string) error {
	var p *refused
	if !errors.As(err, &p) {
		return fmt.Errorf("register at %s: %w", c.Register, err)
	}
	switch {
	case p.Status == http.StatusUnauthorized:
		return fmt.Errorf("register at %s: the admin token is not accepted; it is in the file %s of the data directory", c.Register, adminTokenFile)
	case p.Code == string(engine.CodeConflict):
		return fmt.Errorf("register at %s: there is an app %s already; leave --app out for a new one", c.Register, c.App)
	case p.Field == "calls_webhook.url":
		return fmt.Errorf("register at %s: the webhook URL %s %s; %s", c.Register, hook, p.Detail, allowLocal)
	}
	return fmt.Errorf("register at %s: %w", c.Register, err)
}

// link lets the app follow all subscribers there are.
func (r *registration) link(ctx context.Context, log *slog.Logger) error {
	if r == nil {
		return nil
	}
	var subscribers []struct {
		ID string `json:"subscriber_id"`
	}
	err := r.admin.do(ctx, http.MethodGet, "/admin/subscribers", nil, &subscribers)
	if err != nil {
		return stopped(ctx, fmt.Errorf("list subscribers: %w", err))
	}
	var linked atomic.Int64
	err = each(ctx, subscribers, func(s struct {
		ID string `json:"subscriber_id"`
	}) error {
		err := r.admin.do(ctx, http.MethodPut, r.path()+"/subscribers/"+url.PathEscape(s.ID), nil, nil)
		var p *refused
		switch {
		case errors.As(err, &p) && p.Status == http.StatusNotFound:
			return nil // deleted meanwhile
		case err != nil:
			return fmt.Errorf("link subscriber %s: %w", s.ID, err)
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
	defer r.admin.http.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.admin.do(ctx, http.MethodDelete, r.path(), nil, nil); err != nil {
		return fmt.Errorf("the app %s was not deleted; do it with DELETE %s: %w", r.app, r.admin.base+r.path(), err)
	}
	log.Info("deregistered", "app", r.app)
	return nil
}

func (r *registration) path() string { return "/admin/apps/" + url.PathEscape(r.app) }

// adminClient asks an admin listener.
type adminClient struct {
	base, token string
	http        *http.Client
}

func newAdminClient(base, token string) adminClient {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	return adminClient{base: base, token: token, http: &http.Client{
		Transport: t, Timeout: time.Minute,
		// The token is not for whoever we would be sent to.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// refused is an answer that says no.
type refused struct {
	Status int    `json:"-"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Field  string `json:"field"`
}

func (r *refused) Error() string {
	if r.Code == "" {
		return fmt.Sprintf("it answered %d; is that an offhook's admin listener?", r.Status)
	}
	return fmt.Sprintf("%s %s (%s, %d)", r.Field, r.Detail, r.Code, r.Status)
}

func (a *adminClient) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		p := &refused{Status: resp.StatusCode}
		_ = json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(p) // whatever is no problem document has no code
		return p
	}
	if out != nil {
		err = json.NewDecoder(resp.Body).Decode(out)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	return err
}
