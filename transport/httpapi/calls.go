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

func (s *Server) answer(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	return s.command(ctx, app, engine.VerbAnswer)
}

func (s *Server) hold(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	return s.command(ctx, app, engine.VerbHold)
}

func (s *Server) resume(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	return s.command(ctx, app, engine.VerbResume)
}

func (s *Server) end(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	return s.command(ctx, app, engine.VerbEnd)
}

// command asks something of a call. The body, if there is one, is not read.
func (s *Server) command(ctx *fasthttp.RequestCtx, app *tenant.App, verb engine.Verb) error {
	if _, err := s.ask(ctx, app, verb); err != nil {
		return err
	}
	ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

func (s *Server) call(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	reply, err := s.ask(ctx, app, engine.VerbGet)
	if err != nil {
		return err
	}
	ctx.Response.Header.SetContentType("application/json")
	ctx.SetBody(engine.AppendCall(nil, reply.Profile, &reply.Call))
	return nil
}

func (s *Server) ask(ctx *fasthttp.RequestCtx, app *tenant.App, verb engine.Verb) (engine.Reply, error) {
	text, err := web.Param(ctx, "call_id")
	if err != nil {
		return engine.Reply{}, err
	}
	id, ok := engine.ParseCallID(text)
	if !ok {
		return engine.Reply{}, problem.NotFound()
	}
	if verb != engine.VerbGet {
		if err := s.mayCommandCall(app, id); err != nil {
			return engine.Reply{}, err
		}
	}
	wait, cancel := s.within()
	defer cancel()
	reply := s.config.Calls.DoCall(wait, engine.Command{Verb: verb, App: app.ID, Call: id})
	if reply.Err != nil {
		return reply, reply.Err
	}
	return reply, nil
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
