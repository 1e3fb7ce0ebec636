package httpapi

import (
	"slices"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// networks lists those of the app's subscribers, in the order of their ids.
func (s *Server) networks(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	ids, err := s.config.Tenants.Reached(app.ID)
	if err != nil {
		return err
	}
	var b []byte
	return web.WriteList(ctx, web.Path("apps", app.ID, "networks"), func(after string, limit int, item func([]byte)) (string, error) {
		n, last := 0, ""
		for _, id := range ids {
			network, ok := s.config.Tenants.Network(id)
			if !ok || id <= after {
				continue
			}
			if n++; n > limit {
				return last, nil
			}
			last = id
			b = s.appendNetwork(b[:0], network)
			item(b)
		}
		return "", nil
	})
}

// network shows one of them. One with none of the app's subscribers looks like
// one that is not there.
func (s *Server) network(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	id, err := web.Param(ctx, "network_id")
	if err != nil {
		return err
	}
	ids, err := s.config.Tenants.Reached(app.ID)
	if err != nil {
		return err
	}
	network, ok := s.config.Tenants.Network(id)
	if !ok || !slices.Contains(ids, id) {
		return problem.NotFound()
	}
	ctx.Response.Header.SetContentType("application/json")
	ctx.SetBody(s.appendNetwork(nil, network))
	return nil
}

func (s *Server) appendNetwork(b []byte, n *tenant.Network) []byte {
	b = append(b, `{"network_id":`...)
	b = engine.AppendString(b, n.ID)
	b = append(b, `,"provider":`...)
	b = engine.AppendString(b, n.Provider)
	b = append(b, `,"capabilities":[`...)
	can := s.can(n.ID)
	for v, first := engine.VerbNone, true; v <= engine.VerbEndConference; v++ {
		if !can.Has(v) || !capability(v) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = engine.AppendString(b, v.String())
	}
	return append(b, "]}"...)
}

// can is what a network can be asked for. One that nobody runs is taken for one
// with the verbs of the specification, as the core does.
func (s *Server) can(network string) engine.VerbSet {
	if s.config.Platforms != nil {
		if p := s.config.Platforms.Platform(network); p != nil {
			return p.Verbs
		}
	}
	return engine.Verbs(engine.VerbOriginate, engine.VerbAnswer, engine.VerbHold, engine.VerbResume, engine.VerbEnd)
}

// capability tells what apps ask for from what the core asks for itself.
func capability(v engine.Verb) bool {
	switch v {
	case engine.VerbNone, engine.VerbGet, engine.VerbList, engine.VerbReadBack, engine.VerbSnapshot:
		return false
	}
	return true
}
