package adminapi

import (
	"strings"

	"github.com/valyala/fasthttp"

	"offhook/transport/httpapi"
	"offhook/transport/httpapi/web"
)

// asApp lets the operator do what an app could, with the app's own handler:
// what is refused to the app is refused here.
func (s *Server) asApp(r web.Row) web.Handler {
	return func(ctx *fasthttp.RequestCtx) error {
		a, err := s.app(ctx)
		if err != nil {
			return err
		}
		// The handlers take a body that is there. This listener hands bodies on
		// while they arrive.
		body, err := web.Body(ctx, maxBody)
		if err != nil {
			return err
		}
		ctx.Request.SetBodyRaw(body)
		if err := r.Handler(httpapi.ByOperator(ctx, a)); err != nil {
			return err
		}
		here(ctx, fasthttp.HeaderLocation, "/apps/")
		here(ctx, "Link", "</apps/")
		return nil
	}
}

// here has a header that names a path of the public listener name this one's.
func here(ctx *fasthttp.RequestCtx, header, prefix string) {
	at := string(ctx.Response.Header.Peek(header))
	if strings.HasPrefix(at, prefix) {
		ctx.Response.Header.Set(header, strings.Replace(at, "/apps/", "/admin/apps/", 1))
	}
}
