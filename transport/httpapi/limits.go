package httpapi

import (
	"time"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// Rates where the config says nothing.
var (
	perKey     = web.Rate{PerSecond: 5000, Burst: 10000}
	perApp     = web.Rate{PerSecond: 10000, Burst: 20000}
	perAddress = web.Rate{PerSecond: 10000, Burst: 20000}
	badKeys    = web.Rate{PerSecond: 10, Burst: 20}
	commands   = web.Rate{PerSecond: 50, Burst: 100}
)

// Rates are bounds of the public listener; see the fields of Config.
type Rates struct{ PerKey, PerApp, PerAddress, BadKeys, Commands web.Rate }

// SetRates has other bounds hold from now on.
func (s *Server) SetRates(r Rates) {
	s.keys.Set(r.PerKey, perKey)
	s.apps.Set(r.PerApp, perApp)
	s.addresses.Set(r.PerAddress, perAddress)
	s.badKeys.Set(r.BadKeys, badKeys)
	s.commands.Set(r.Commands, commands)
}

// UseCertificate reads the certificate now, from other files if need be.
func (s *Server) UseCertificate(certFile, keyFile string) error {
	return s.web.UseCertificate(certFile, keyFile)
}

// commanded is whose commands are counted: each app's to a subscriber by
// themselves, so that no app can use up what another one may ask of him.
type commanded struct{ app, subscriber string }

// mayAsk counts a request of a key, and of the app it belongs to.
func (s *Server) mayAsk(app *tenant.App, key tenant.Key, now time.Time) error {
	if ok, retry := s.keys.Take(key.ID, now); !ok {
		return s.limited("key", retry)
	}
	if ok, retry := s.apps.Take(app.ID, now); !ok {
		return s.limited("app", retry)
	}
	return nil
}

// mayCommand counts a command to a subscriber that the app may see. What it may
// not see is not counted: a bound that is met would tell it from nothing.
func (s *Server) mayCommand(app *tenant.App, subscriber string) error {
	if ok, retry := s.commands.Take(commanded{app.ID, engine.Fold(subscriber)}, s.config.Now()); !ok {
		s.config.Metrics.Limited("commands")
		return &problem.Problem{Code: problem.CodeRateLimited, Detail: "too many commands to this subscriber", RetryAfter: retry}
	}
	return nil
}

// mayCommandCall is mayCommand for a call.
func (s *Server) mayCommandCall(app *tenant.App, call engine.CallID) error {
	if subscriber, ok := s.config.Calls.Whose(app.ID, call); ok {
		return s.mayCommand(app, subscriber)
	}
	return nil
}

// badKey refuses a key that opens nothing. An address that sends many is told to
// wait; good keys from there are taken all the same, since proxies and offices
// have one address for many.
func (s *Server) badKey(ctx *fasthttp.RequestCtx, reason string) error {
	if ok, retry := s.badKeys.Take(address(ctx), s.config.Now()); !ok {
		s.config.Metrics.Limited("bad_keys")
		return &problem.Problem{Code: problem.CodeRateLimited, Detail: "this address sends too many keys that open nothing", RetryAfter: retry}
	}
	return s.unauthorized(ctx, reason, `Bearer realm="offhook", error="invalid_token"`)
}

func (s *Server) limited(bound string, retry int) error {
	s.config.Metrics.Limited(bound)
	return &problem.Problem{Code: problem.CodeRateLimited, Detail: "this " + bound + " sends too many requests", RetryAfter: retry}
}
