package httpapi

import (
	"github.com/valyala/fasthttp"

	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// handler is a web.Handler that knows which app is asking.
type handler func(ctx *fasthttp.RequestCtx, app *tenant.App) error

func (s *Server) read(h handler) web.Handler    { return s.guard(tenant.ScopeRead, h) }
func (s *Server) control(h handler) web.Handler { return s.guard(tenant.ScopeControl, h) }

// guard lets a request through if it is admitted.
func (s *Server) guard(scope tenant.Scope, h handler) web.Handler {
	return func(ctx *fasthttp.RequestCtx) error {
		app, _, err := s.admit(ctx, scope)
		if err != nil {
			return err
		}
		return h(ctx, app)
	}
}

// anyone lets everybody through, as often as an address may ask.
func (s *Server) anyone(h web.Handler) web.Handler {
	return func(ctx *fasthttp.RequestCtx) error {
		if ok, retry := s.addresses.Take(address(ctx), s.config.Now()); !ok {
			return s.limited("address", retry)
		}
		return h(ctx)
	}
}

// admit finds the app and the key of a request, if the key is the path's app's
// and may do what is asked. The order matters: nothing is said of an app to a
// stranger, and addresses are counted before keys are looked at.
func (s *Server) admit(ctx *fasthttp.RequestCtx, scope tenant.Scope) (app *tenant.App, key tenant.Key, err error) {
	if app := forOperator(ctx); app != nil {
		return app, key, nil
	}
	now := s.config.Now()
	if ok, retry := s.addresses.Take(address(ctx), now); !ok {
		return nil, key, s.limited("address", retry)
	}
	if app, key, err = s.authenticate(ctx); err != nil {
		return nil, key, err
	}
	if err := s.mayAsk(app, key, now); err != nil {
		return nil, key, err
	}
	asked, err := web.Param(ctx, "app_id")
	if err != nil {
		return nil, key, err
	}
	if asked != app.ID {
		s.config.Metrics.Refused("foreign")
		return nil, key, problem.NotFound()
	}
	if !key.Allows(scope) {
		s.config.Metrics.Refused("scope")
		ctx.Response.Header.Set(fasthttp.HeaderWWWAuthenticate,
			`Bearer realm="offhook", error="insufficient_scope", scope="`+string(scope)+`"`)
		return nil, key, problem.New(problem.CodeScope, "the key needs the scope "+string(scope))
	}
	if scope == tenant.ScopeControl && s.config.Full != nil && s.config.Full() {
		return nil, key, problem.NoRoom()
	}
	return app, key, nil
}

// authenticate finds the app a key belongs to.
func (s *Server) authenticate(ctx *fasthttp.RequestCtx) (*tenant.App, tenant.Key, error) {
	token, ok := web.Bearer(ctx)
	if !ok {
		return nil, tenant.Key{}, s.unauthorized(ctx, "missing", `Bearer realm="offhook"`)
	}
	id, digest, ok := tenant.ParseKey(token)
	if !ok {
		return nil, tenant.Key{}, s.badKey(ctx, "malformed")
	}
	// Compared also when there is no such key, so that the time tells nothing.
	app, key, ok := s.config.Tenants.Key(id)
	if !key.Matches(digest) || !ok {
		return nil, tenant.Key{}, s.badKey(ctx, "unknown")
	}
	return app, key, nil
}

func (s *Server) unauthorized(ctx *fasthttp.RequestCtx, reason, challenge string) error {
	s.config.Metrics.Refused(reason)
	ctx.Response.Header.Set(fasthttp.HeaderWWWAuthenticate, challenge)
	return problem.New(problem.CodeUnauthorized, "send Authorization: Bearer with a valid API key")
}
