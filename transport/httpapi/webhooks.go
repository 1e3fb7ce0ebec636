package httpapi

import (
	"github.com/valyala/fasthttp"

	"offhook/engine/tenant"
	"offhook/transport/hookapi"
	"offhook/transport/httpapi/web"
)

// webhook lets an app look after a webhook of its own.
func (s *Server) webhook(r hookapi.Route) web.Handler {
	return func(ctx *fasthttp.RequestCtx) error {
		app, key, err := s.admit(ctx, r.Scope)
		if err != nil {
			return err
		}
		h := func(ctx *fasthttp.RequestCtx, app *tenant.App) error {
			return r.Handler(ctx, hookapi.Caller{App: app, By: "key " + key.ID, Base: web.Path("apps", app.ID), Context: s.web.Context()})
		}
		if r.Scope == tenant.ScopeControl {
			h = s.once(h)
		}
		return h(ctx, app)
	}
}
