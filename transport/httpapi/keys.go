package httpapi

import (
	"github.com/valyala/fasthttp"

	"offhook/engine/tenant"
)

// once carries out a request that names an idempotency key of the app's at most
// once. Placing calls has a way of its own, in the core.
func (s *Server) once(h handler) handler {
	return func(ctx *fasthttp.RequestCtx, app *tenant.App) error {
		return s.repeats.Do(ctx, app.ID, s.within, func() error { return h(ctx, app) })
	}
}
