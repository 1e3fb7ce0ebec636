package httpapi

import (
	"github.com/valyala/fasthttp"

	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
)

// Route is one row of the table, for the listener of the operator to mount.
type Route struct {
	Method, Path string // with the app's path
	Handler      web.Handler
}

// ForOperator lists what an operator may do in an app's place: everything about
// calls and subscribers. A handler is given ByOperator.
func (s *Server) ForOperator() []Route { return s.own }

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
