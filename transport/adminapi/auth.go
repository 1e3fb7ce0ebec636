package adminapi

import (
	"crypto/sha256"
	"crypto/subtle"

	"github.com/valyala/fasthttp"

	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// guard lets a request through that shows the token, if there is room for what
// it may have to store.
func (s *Server) guard(h web.Handler) web.Handler {
	return s.admit(func(ctx *fasthttp.RequestCtx) error {
		if !ctx.IsGet() && !ctx.IsHead() && s.config.Full != nil && s.config.Full() {
			return problem.NoRoom()
		}
		return h(ctx)
	})
}

// admit lets a request through that shows the token. A wrong one is counted, and
// after a few the address has to wait.
func (s *Server) admit(h web.Handler) web.Handler {
	return func(ctx *fasthttp.RequestCtx) error {
		token, ok := web.Bearer(ctx)
		if !ok {
			s.config.Metrics.Refused("missing")
			return unauthorized(ctx, `Bearer realm="offhook admin"`)
		}
		digest := sha256.Sum256([]byte(token))
		right := subtle.ConstantTimeCompare(digest[:], s.token[:]) == 1
		if wait := s.guesses.judge(web.Address(ctx.RemoteAddr()), right); wait > 0 {
			s.config.Metrics.Limited("wrong_token")
			return &problem.Problem{Code: problem.CodeRateLimited, Detail: "too many wrong tokens; none is looked at for a while", RetryAfter: wait}
		}
		if right {
			return h(ctx)
		}
		s.config.Metrics.Refused("wrong")
		s.config.Log.Warn("wrong admin token", "from", ctx.RemoteIP())
		return unauthorized(ctx, `Bearer realm="offhook admin", error="invalid_token"`)
	}
}

func unauthorized(ctx *fasthttp.RequestCtx, challenge string) error {
	ctx.Response.Header.Set(fasthttp.HeaderWWWAuthenticate, challenge)
	return problem.New(problem.CodeUnauthorized, "send Authorization: Bearer with the admin token")
}
