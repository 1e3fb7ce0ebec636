package adminapi

import (
	"github.com/valyala/fasthttp"

	"offhook/transport/httpapi/web"
)

// operator is whose the idempotency keys of this listener are: no app has this
// id, and none can be deleted by it.
const operator = ""

// once carries out a request that names an idempotency key at most once. What
// may be repeated without harm does not need it. An answer that shows a secret
// is kept as it was, sealed, for as long as the key is.
func (s *Server) once(h web.Handler) web.Handler {
	return func(ctx *fasthttp.RequestCtx) error {
		if key, err := web.IdempotencyKey(ctx); err != nil {
			return err
		} else if key == "" {
			return h(ctx)
		}
		body, err := web.Body(ctx, maxBody) // the key stands for all of it
		if err != nil {
			return err
		}
		ctx.Request.SetBodyRaw(body)
		return s.repeats.Do(ctx, operator, s.within, func() error { return h(ctx) })
	}
}
