package httpapi

import (
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/eventlog"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// History is what is kept of calls: those that are over, and what happened to
// each.
type History interface {
	// History calls fn for calls of an app that are over, the one that ended
	// last first. It does a bounded amount of work: there may be more behind
	// last even if fewer came than were asked for.
	History(q engine.HistoryQuery, fn func(*engine.Profile, *engine.Call) error) (last engine.HistoryPlace, more bool, err error)
	// Timeline is what happened to a call, oldest first, as an app may see it.
	Timeline(app string, call engine.CallID) (list []engine.Moment, found, more bool, err error)
}

// callHistory is one page of the calls that are over.
func (s *Server) callHistory(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	args, cursors := ctx.QueryArgs(), s.config.Events.Cursors(app.ID)
	q, err := readHistoryQuery(args, cursors)
	if err != nil {
		return err
	}
	q.App = app.ID
	subscriber, err := s.onlyOf(args, app)
	if err != nil {
		return err
	}
	q.Subscriber = engine.Fold(subscriber)
	body := []byte{'['}
	last, more, err := s.config.History.History(q, func(p *engine.Profile, c *engine.Call) error {
		if len(body) > 1 {
			body = append(body, ',')
		}
		body = engine.AppendCall(body, p, c)
		return nil
	})
	if err != nil {
		return err
	}
	if more {
		next := nextQuery(args, writePast(cursors, last))
		ctx.Response.Header.Set("Link", "<"+web.Path("apps", app.ID, "call-history")+"?"+next+`>; rel="next"`)
	}
	ctx.Response.Header.SetContentType("application/json")
	ctx.SetBody(append(body, ']'))
	return nil
}

func readHistoryQuery(args *fasthttp.Args, cursors eventlog.Cursors) (q engine.HistoryQuery, err error) {
	if q.Limit, err = pageLimit(args); err != nil {
		return q, err
	}
	if args.Has("direction") {
		switch string(args.Peek("direction")) {
		case engine.Incoming.String():
			q.Direction = engine.Incoming
		case engine.Outgoing.String():
			q.Direction = engine.Outgoing
		default:
			return q, problem.Invalid("direction", "must be incoming or outgoing")
		}
	}
	if args.Has("answered") {
		switch string(args.Peek("answered")) {
		case "true":
			q.Answered = engine.SaidYes
		case "false":
			q.Answered = engine.SaidNo
		default:
			return q, problem.Invalid("answered", "must be true or false")
		}
	}
	if args.Has("cause") {
		var ok bool
		if q.Cause, ok = engine.ParseCause(string(args.Peek("cause"))); !ok {
			return q, problem.Invalid("cause", "must be the cause of a released call")
		}
	}
	for _, t := range []struct {
		name string
		to   *int64
	}{{"from", &q.From}, {"to", &q.To}} {
		if !args.Has(t.name) {
			continue
		}
		if *t.to, err = strconv.ParseInt(string(args.Peek(t.name)), 10, 64); err != nil || *t.to < 0 {
			return q, problem.Invalid(t.name, "must be a time in milliseconds since 1970")
		}
	}
	if args.Has("to") && q.To <= q.From {
		return q, problem.Invalid("to", "must be after from")
	}
	if args.Has("after") {
		var ok bool
		if q.Behind, ok = readPast(cursors, string(args.Peek("after"))); !ok {
			return q, problem.Invalid("after", "must come from the Link of the page before")
		}
	}
	return q, nil
}

// A cursor of the history is the call, hidden from all but the app, and when
// that call ended:
//
//	call . time
func writePast(cursors eventlog.Cursors, p engine.HistoryPlace) []byte {
	return strconv.AppendInt(append(cursors.Hide(nil, uint64(p.Call)), '.'), p.ReleasedAt, 36)
}

func readPast(cursors eventlog.Cursors, text string) (p engine.HistoryPlace, ok bool) {
	cursor, at, ok := strings.Cut(text, ".")
	if !ok {
		return p, false
	}
	call, ok := cursors.Reveal(cursor)
	released, err := strconv.ParseInt(at, 36, 64)
	p.Call, p.ReleasedAt = engine.CallID(call), released
	return p, ok && err == nil && released >= 0
}
