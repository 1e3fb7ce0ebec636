package httpapi

import (
	"cmp"
	"slices"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

func (s *Server) call(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	id, err := callParam(ctx)
	if err != nil {
		return err
	}
	wait, cancel := s.within()
	defer cancel()
	reply := s.config.Calls.DoCall(wait, engine.Command{Verb: engine.VerbGet, App: app.ID, Call: id})
	if reply.Err != nil {
		return reply.Err
	}
	ctx.Response.Header.SetContentType("application/json")
	ctx.SetBody(engine.AppendCall(nil, reply.Profile, &reply.Call))
	return nil
}

func (s *Server) calls(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	return writeCalls(ctx, web.Path("apps", app.ID, "calls"), s.config.Calls.Live(app.ID))
}

func (s *Server) subscriberCalls(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	id, err := web.Param(ctx, "subscriber_id")
	if err != nil {
		return err
	}
	wait, cancel := s.within()
	defer cancel()
	views, refusal := s.config.Calls.SubscriberCalls(wait, app.ID, id)
	if refusal != nil {
		return refusal
	}
	return writeCalls(ctx, web.Path("apps", app.ID, "subscribers", id, "calls"), views)
}

// writeCalls writes a list in the order of call ids, which is no order of
// time, but stays the same while calls come and go between two pages.
func writeCalls(ctx *fasthttp.RequestCtx, path string, views []CallView) error {
	slices.SortFunc(views, func(a, b CallView) int { return cmp.Compare(a.Call.ID, b.Call.ID) })
	var b []byte
	return web.WriteList(ctx, path, func(after string, limit int, item func([]byte)) (string, error) {
		i, err := callsAfter(views, after)
		if err != nil {
			return "", err
		}
		n := min(len(views), i+limit)
		for ; i < n; i++ {
			b = engine.AppendCall(b[:0], views[i].Profile, &views[i].Call)
			item(b)
		}
		if n < len(views) {
			return views[n-1].Call.ID.String(), nil
		}
		return "", nil
	})
}

func callsAfter(views []CallView, after string) (int, error) {
	if after == "" {
		return 0, nil
	}
	id, ok := engine.ParseCallID(after)
	if !ok {
		return 0, problem.Invalid("after", "must come from the Link of the page before")
	}
	i, found := slices.BinarySearchFunc(views, id, func(v CallView, id engine.CallID) int { return cmp.Compare(v.Call.ID, id) })
	if found {
		i++
	}
	return i, nil
}
