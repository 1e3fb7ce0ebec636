package httpapi

import (
	"errors"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/eventlog"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

const headerLastEventID = "Last-Event-ID"

// stream is the event log as server-sent events. fasthttp reads it in the
// goroutine of the connection, and closes it however the connection ends.
func (s *Server) stream(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	if !ctx.Request.Header.IsHTTP11() {
		return problem.New(problem.CodeBadRequest, "a stream needs HTTP/1.1; a proxy in between may have to be told so")
	}
	conn := ctx.Conn()
	ask := eventlog.Ask{
		App:    app.ID,
		Alive:  s.mayRead(ctx, app.ID),
		Extend: func() { _ = conn.SetWriteDeadline(time.Now().Add(s.config.WriteTimeout)) },
	}
	args := ctx.QueryArgs()
	var err error
	// The header is newer: an EventSource that comes back still has the
	// parameter it was made with.
	if last := ctx.Request.Header.Peek(headerLastEventID); len(last) > 0 {
		ask.Resume = true
		ask.After, err = parseCursor(s.config.Events.Cursors(app.ID), headerLastEventID, last)
	} else if args.Has("after") {
		ask.Resume = true
		ask.After, err = parseCursor(s.config.Events.Cursors(app.ID), "after", args.Peek("after"))
	}
	if err != nil {
		return err
	}
	if ask.Subscriber, err = s.onlyOf(args, app); err != nil {
		return err
	}
	if !ctx.IsHead() {
		stream, err := s.config.Events.Open(ask)
		if err != nil {
			return s.noStream(err)
		}
		ctx.SetBodyStream(stream, -1)
	}
	ctx.Response.Header.SetContentType("text/event-stream")
	ctx.Response.Header.Set("X-Accel-Buffering", "no") // nginx would collect it
	return nil
}

// streamRetry is in how many seconds another stream may have ended.
const streamRetry = 10

func (s *Server) noStream(err error) error {
	switch {
	case errors.Is(err, eventlog.ErrAppFull):
		s.config.Metrics.Limited("app_streams")
		return &problem.Problem{Code: problem.CodeRateLimited, Detail: "this app has as many event streams as it may", RetryAfter: streamRetry}
	case errors.Is(err, eventlog.ErrFull):
		s.config.Metrics.Limited("streams")
		return &problem.Problem{Code: engine.CodeBusy, Detail: "there are as many event streams as there may be", RetryAfter: streamRetry}
	}
	return &problem.Problem{Code: engine.CodeBusy, Detail: "this offhook is shutting down"}
}

// mayRead asks again what the guard has asked when the stream began: keys are
// revoked and apps deleted while it is open.
func (s *Server) mayRead(ctx *fasthttp.RequestCtx, app string) func() bool {
	token, _ := web.Bearer(ctx)
	id, digest, _ := tenant.ParseKey(token)
	return func() bool {
		owner, key, ok := s.config.Tenants.Key(id)
		return ok && owner.ID == app && key.Matches(digest) && key.Allows(tenant.ScopeRead)
	}
}
