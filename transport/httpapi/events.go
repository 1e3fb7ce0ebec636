package httpapi

import (
	"strconv"

	"github.com/valyala/fasthttp"

	"offhook/engine/tenant"
	"offhook/transport/eventlog"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// What a page of the event log says about itself.
const (
	headerCursor = "Events-Cursor" // behind everything the page looked at: where to go on, now or later
	headerGap    = "Events-Gap"    // present if events between the cursor that was sent and the page are gone; says why
)

const (
	defaultPage = 100
	maxPage     = 1000
)

// events is one page of the event log. There is a rel="next" while there is
// more to read now, so that whoever follows it comes to an end; whoever wants
// what happens later asks again with the cursor.
func (s *Server) events(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	args := ctx.QueryArgs()
	limit, err := pageLimit(args)
	if err != nil {
		return err
	}
	cursors := s.config.Events.Cursors(app.ID)
	q := eventlog.Query{App: app.ID, Limit: limit}
	if args.Has("after") {
		if q.After, err = parseCursor(cursors, "after", args.Peek("after")); err != nil {
			return err
		}
		q.Resume = true
	}
	if q.Subscriber, err = s.onlyOf(args, app); err != nil {
		return err
	}
	page, err := s.config.Events.Page(q)
	if err != nil {
		return err
	}
	cursor := cursors.Append(nil, page.Last)
	ctx.Response.Header.SetBytesV(headerCursor, cursor)
	if page.Gap != eventlog.GapNone {
		ctx.Response.Header.Set(headerGap, string(page.Gap))
	}
	if page.More {
		ctx.Response.Header.Set("Link", "<"+web.Path("apps", app.ID, "events")+"?"+nextQuery(args, cursor)+`>; rel="next"`)
	}
	ctx.Response.Header.SetContentType("application/json")
	ctx.SetBody(page.Body)
	return nil
}

// nextQuery is the query of a request with another cursor.
func nextQuery(args *fasthttp.Args, cursor []byte) string {
	next := fasthttp.AcquireArgs()
	defer fasthttp.ReleaseArgs(next)
	args.CopyTo(next)
	next.Del("after")
	next.SetBytesV("after", cursor)
	return next.String()
}

func pageLimit(args *fasthttp.Args) (int, error) {
	if !args.Has("limit") {
		return defaultPage, nil
	}
	limit, err := strconv.Atoi(string(args.Peek("limit")))
	if err != nil || limit < 1 {
		return 0, problem.Invalid("limit", "must be a whole number from 1")
	}
	return min(limit, maxPage), nil
}

func parseCursor(cursors eventlog.Cursors, field string, text []byte) (eventlog.Place, error) {
	place, ok := cursors.Parse(string(text))
	if !ok {
		return place, problem.Invalid(field, "must be a cursor of this app's event log")
	}
	return place, nil
}

// onlyOf is the one subscriber a request is for, or "" for all of the app's.
func (s *Server) onlyOf(args *fasthttp.Args, app *tenant.App) (string, error) {
	if !args.Has("subscriber_id") {
		return "", nil
	}
	id := string(args.Peek("subscriber_id"))
	if id == "" || web.CheckText(id) != "" {
		return "", problem.NotFound()
	}
	info, err := s.linked(app, id)
	if err != nil {
		return "", err
	}
	return info.Profile.ID, nil
}
