package hookapi

import (
	"context"
	"crypto/rand"
	"log/slog"
	"reflect"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// Caller is who asks, and about which app. The listener has made sure that he
// may.
type Caller struct {
	App     *tenant.App
	By      string          // for the log: a key's id, or admin
	Base    string          // what the app's paths begin with on this listener, escaped
	Context context.Context // ends when the listener gives up on requests
}

// Handler answers a request, or says why not.
type Handler func(ctx *fasthttp.RequestCtx, c Caller) error

// Route is one row of the table.
type Route struct {
	Method, Path string // behind the app's path
	Scope        tenant.Scope
	Handler      Handler
}

// API is the self-service of webhooks. It listens nowhere itself.
type API struct {
	config Config
	log    *slog.Logger
	probes probes
}

// New makes an API.
func New(config Config) *API {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Random == nil {
		config.Random = rand.Reader
	}
	if config.Timeout == 0 {
		config.Timeout = 15 * time.Second
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	return &API{config: config, log: config.Logger, probes: probes{of: map[string]int{}}}
}

// Routes is what there is, for a listener to mount.
func (s *API) Routes() []Route {
	const read, control = tenant.ScopeRead, tenant.ScopeControl
	routes := []Route{
		{"GET", "/webhooks", read, s.list},
		{"GET", "/webhooks/{kind}", read, s.get},
		{"PUT", "/webhooks/{kind}", control, s.put},
		{"PATCH", "/webhooks/{kind}", control, s.patch},
		{"DELETE", "/webhooks/{kind}", control, s.remove},
		{"PUT", "/webhooks/{kind}/rotate-secret", control, s.rotateSecret},
		{"PUT", "/webhooks/{kind}/rotate-signing-key", control, s.rotateSigningKey},
		{"PUT", "/webhooks/{kind}/pause", control, s.pause},
		{"PUT", "/webhooks/{kind}/resume", control, s.resume},
		{"GET", "/webhooks/{kind}/streams", read, s.streams},
		{"PUT", "/webhooks/{kind}/streams/{subscriber_id}/pause", control, s.pauseStream},
		{"PUT", "/webhooks/{kind}/streams/{subscriber_id}/resume", control, s.resumeStream},
		{"GET", "/webhooks/{kind}/attempts", read, s.attempts},
		{"PUT", "/webhooks/{kind}/redeliver", control, s.redeliver},
	}
	if s.config.Prober != nil {
		routes = append(routes, Route{"PUT", "/webhooks/{kind}/test", control, s.test})
	}
	if s.config.Replays != nil {
		routes = append(routes,
			Route{"POST", "/webhooks/{kind}/redeliveries", control, s.startReplay},
			Route{"GET", "/webhooks/{kind}/redeliveries", read, s.replays},
			Route{"GET", "/webhooks/{kind}/redeliveries/{task_id}", read, s.replay},
			Route{"DELETE", "/webhooks/{kind}/redeliveries/{task_id}", control, s.cancelReplay},
		)
	}
	return routes
}

// change replaces a webhook by what fn makes of it, and notes it: what was
// done, and more about it. fn must not change what the slices of the one it
// gets hold.
func (s *API) change(c Caller, k kind, what string, fn func(a *tenant.App, was tenant.Receiver) (tenant.Receiver, error), more ...any) error {
	changed := false
	found, err := s.config.Tenants.ChangeApp(c.App.ID, func(a *tenant.App) (*tenant.App, error) {
		was := k.of(a)
		is, err := fn(a, was)
		if err != nil || reflect.DeepEqual(was, is) {
			return a, err
		}
		changed = true
		if is.URL != was.URL && is.Set() {
			more = append(more, "host", hostOf(is.URL))
		}
		return k.with(a, is), nil
	})
	switch {
	case err != nil:
		return err
	case !found:
		return problem.NotFound()
	case changed:
		s.audit(c, k, what, more...)
	}
	return nil
}

// changeSet is change for a webhook that must be there.
func (s *API) changeSet(c Caller, k kind, what string, fn func(was tenant.Receiver) (tenant.Receiver, error), more ...any) error {
	return s.change(c, k, what, func(_ *tenant.App, was tenant.Receiver) (tenant.Receiver, error) {
		if !was.Set() {
			return was, problem.NotFound()
		}
		return fn(was)
	}, more...)
}

// audit notes a change, never with a path or a secret.
func (s *API) audit(c Caller, k kind, what string, more ...any) {
	s.log.Info("webhook "+what, append([]any{"app", c.App.ID, "kind", string(k), "by", c.By}, more...)...)
}

// within bounds how long a request waits for a receiver.
func (s *API) within(c Caller) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.Context, s.config.Timeout)
}

const maxBody = 256 << 10

// read parses a body that must be a JSON object.
func read(ctx *fasthttp.RequestCtx) (web.Object, error) {
	body, err := web.Body(ctx, maxBody)
	if err != nil {
		return web.Object{}, err
	}
	if err := web.CheckJSON(ctx); err != nil {
		return web.Object{}, err
	}
	return web.ParseObject(body)
}

// readOptional is read for a body that may be left out.
func readOptional(ctx *fasthttp.RequestCtx) (web.Object, error) {
	body, err := web.Body(ctx, maxBody)
	if err != nil || len(body) == 0 {
		return web.Object{}, err
	}
	if err := web.CheckJSON(ctx); err != nil {
		return web.Object{}, err
	}
	return web.ParseObject(body)
}

func noContent(ctx *fasthttp.RequestCtx) error {
	ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
