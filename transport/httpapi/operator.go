package httpapi

import (
	"strings"

	"github.com/valyala/fasthttp"

	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
)

// ForOperator lists what an operator may do in an app's place: everything but
// webhooks, which every listener has by itself, and streams, which end with the
// key they are read with. A handler is given ByOperator.
func (s *Server) ForOperator() (rows []web.Row) {
	for _, r := range s.routes.Rows() {
		of := strings.HasPrefix(r.Pattern, "/apps/{app_id}/")
		if of && !strings.Contains(r.Pattern, "/webhooks") && !strings.HasSuffix(r.Pattern, "/stream") {
			rows = append(rows, r)
		}
	}
	return rows
}

// operated is the name under which a request carries the app it is made for. No
// client can set it.
type operated struct{}

// ByOperator marks a request as one of the operator, who needs no key and may
// do what the app may. The listener has made sure that it is.
func ByOperator(ctx *fasthttp.RequestCtx, app *tenant.App) *fasthttp.RequestCtx {
	ctx.SetUserValue(operated{}, app)
	return ctx
}

// forOperator is the app an operator asks for; nil for everybody else.
func forOperator(ctx *fasthttp.RequestCtx) *tenant.App {
	app, _ := ctx.UserValue(operated{}).(*tenant.App)
	return app
}
