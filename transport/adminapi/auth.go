package adminapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// maxSlow is how many wrong tokens may wait for their answers at a time. More
// are refused at once, and told to come back later.
const maxSlow = 16

// guard lets a request through that shows the token. A wrong one is counted
// and its answer delayed; the right one never waits, whoever else is guessing.
func (s *Server) guard(h web.Handler) web.Handler {
	return func(ctx *fasthttp.RequestCtx) error {
		token, ok := web.Bearer(ctx)
		if !ok {
			s.config.Metrics.Refused("missing")
			return unauthorized(ctx, `Bearer realm="offhook admin"`)
		}
		digest := sha256.Sum256([]byte(token))
		if subtle.ConstantTimeCompare(digest[:], s.token[:]) == 1 {
			return h(ctx)
		}
		s.config.Metrics.Refused("wrong")
		select {
		case s.slow <- struct{}{}:
			defer func() { <-s.slow }()
		default:
			s.config.Metrics.Limited("wrong_token")
			return problem.New(problem.CodeRateLimited, "too many wrong tokens")
		}
		s.config.Log.Warn("wrong admin token", "from", ctx.RemoteIP())
		wait := time.NewTimer(s.config.WrongToken)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-s.web.Context().Done():
		}
		return unauthorized(ctx, `Bearer realm="offhook admin", error="invalid_token"`)
	}
}

func unauthorized(ctx *fasthttp.RequestCtx, challenge string) error {
	ctx.Response.Header.Set(fasthttp.HeaderWWWAuthenticate, challenge)
	return problem.New(problem.CodeUnauthorized, "send Authorization: Bearer with the admin token")
}
