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

// How many calls are joined at once: BroadWorks takes 15.
const (
	minJoined = 2
	maxJoined = 15
)

// participations are what can be asked of a call in a conference.
var participations = []struct {
	path string // behind the participant's own
	verb engine.Verb
}{
	{"/mute", engine.VerbMute},
	{"/unmute", engine.VerbUnmute},
	{"/deaf", engine.VerbDeaf},
	{"/undeaf", engine.VerbUndeaf},
}

// confer joins calls. The 201 leaves when the conference is durable.
func (s *Server) confer(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	if err := web.CheckJSON(ctx); err != nil {
		return err
	}
	cmd, err := parseConference(ctx.PostBody())
	if err != nil {
		return err
	}
	cmd.App = app.ID
	if err := s.mayCommandCall(app, cmd.Call); err != nil {
		return err
	}
	view, err := s.onConference(ctx, cmd)
	if err != nil {
		return err
	}
	ctx.Response.Header.Set(fasthttp.HeaderLocation, web.Path("apps", app.ID, "conferences", view.ID.String()))
	ctx.SetStatusCode(fasthttp.StatusCreated)
	writeConference(ctx, view)
	return nil
}

// parseConference reads the body. What is no call id is one that nothing has.
func parseConference(body []byte) (cmd engine.Command, err error) {
	doc, err := web.ParseObject(body)
	if err != nil {
		return cmd, err
	}
	texts, err := doc.Texts("call_ids")
	switch {
	case err != nil:
		return cmd, err
	case len(texts) < minJoined || len(texts) > maxJoined:
		return cmd, problem.Invalid("call_ids", "must be 2 to 15 calls")
	}
	cmd.Verb = engine.VerbConference
	if cmd.ClientRef, err = doc.Text("client_ref"); err != nil {
		return cmd, err
	}
	ids := make([]engine.CallID, len(texts))
	for i, text := range texts {
		if slices.Contains(texts[:i], text) {
			return cmd, problem.Invalid("call_ids", "must not have a call twice")
		}
		if text == "" {
			return cmd, problem.Invalid("call_ids", "must be call ids")
		}
	}
	for i, text := range texts {
		var ok bool
		if ids[i], ok = engine.ParseCallID(text); !ok {
			return cmd, problem.NotFound()
		}
	}
	cmd.Call, cmd.With = ids[0], ids[1:]
	return cmd, nil
}

// conferences lists the live ones in the order of their ids.
func (s *Server) conferences(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	views := s.config.Calls.Conferences(app.ID)
	slices.SortFunc(views, func(a, b *engine.ConferenceView) int { return cmp.Compare(a.ID, b.ID) })
	var b []byte
	return web.WriteList(ctx, web.Path("apps", app.ID, "conferences"), func(after string, limit int, item func([]byte)) (string, error) {
		i := 0
		if after != "" {
			id, ok := engine.ParseConferenceID(after)
			if !ok {
				return "", problem.Invalid("after", "must come from the Link of the page before")
			}
			found := false
			i, found = slices.BinarySearchFunc(views, id, func(v *engine.ConferenceView, id engine.ConferenceID) int { return cmp.Compare(v.ID, id) })
			if found {
				i++
			}
		}
		n := min(len(views), i+limit)
		for ; i < n; i++ {
			b = engine.AppendConference(b[:0], views[i])
			item(b)
		}
		if n < len(views) {
			return views[n-1].ID.String(), nil
		}
		return "", nil
	})
}

func (s *Server) conference(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	id, err := conferenceParam(ctx)
	if err != nil {
		return err
	}
	view, err := s.onConference(ctx, engine.Command{Verb: engine.VerbGetConference, App: app.ID, Conference: id})
	if err != nil {
		return err
	}
	writeConference(ctx, view)
	return nil
}

// endConference ends it, and with it the calls in it.
func (s *Server) endConference(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	id, err := conferenceParam(ctx)
	if err != nil {
		return err
	}
	if err := s.mayCommandConference(ctx, app, id); err != nil {
		return err
	}
	if _, err := s.onConference(ctx, engine.Command{Verb: engine.VerbEndConference, App: app.ID, Conference: id}); err != nil {
		return err
	}
	ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// participate handles one of the participations.
func (s *Server) participate(verb engine.Verb) handler {
	return func(ctx *fasthttp.RequestCtx, app *tenant.App) error {
		id, err := conferenceParam(ctx)
		if err != nil {
			return err
		}
		call, err := callParam(ctx)
		if err != nil {
			return err
		}
		if err := s.mayCommandConference(ctx, app, id); err != nil {
			return err
		}
		if _, err := s.onConference(ctx, engine.Command{Verb: verb, App: app.ID, Conference: id, Call: call}); err != nil {
			return err
		}
		ctx.SetStatusCode(fasthttp.StatusNoContent)
		return nil
	}
}

// mayCommandConference is mayCommand for a conference. What is wrong with it is
// found by the command itself.
func (s *Server) mayCommandConference(ctx *fasthttp.RequestCtx, app *tenant.App, id engine.ConferenceID) error {
	view, err := s.onConference(ctx, engine.Command{Verb: engine.VerbGetConference, App: app.ID, Conference: id})
	if err == nil && !view.Over() {
		return s.mayCommand(app, view.Profile.ID)
	}
	return nil
}

func (s *Server) onConference(ctx *fasthttp.RequestCtx, cmd engine.Command) (*engine.ConferenceView, error) {
	wait, cancel := s.within()
	defer cancel()
	reply := s.config.Calls.DoConference(web.Traced(wait, ctx), cmd)
	if reply.Err != nil {
		return nil, reply.Err
	}
	return reply.Conference, nil
}

func conferenceParam(ctx *fasthttp.RequestCtx) (engine.ConferenceID, error) {
	text, err := web.Param(ctx, "conference_id")
	if err != nil {
		return 0, err
	}
	id, ok := engine.ParseConferenceID(text)
	if !ok {
		return 0, problem.NotFound()
	}
	return id, nil
}

func writeConference(ctx *fasthttp.RequestCtx, view *engine.ConferenceView) {
	ctx.Response.Header.SetContentType("application/json")
	ctx.SetBody(engine.AppendConference(nil, view))
}
