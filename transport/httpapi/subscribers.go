package httpapi

import (
	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
)

func (s *Server) subscriber(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	id, err := web.Param(ctx, "subscriber_id")
	if err != nil {
		return err
	}
	info, err := s.linked(app, id)
	if err != nil {
		return err
	}
	ctx.Response.Header.SetContentType("application/json")
	ctx.SetBody(appendSubscriber(nil, &info.Profile))
	return nil
}

func (s *Server) subscribers(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	id := app.ID
	var b []byte
	return web.WriteList(ctx, web.Path("apps", id, "subscribers"), func(after string, limit int, item func([]byte)) (string, error) {
		n, last, next := 0, "", ""
		// One more than is wanted, to know whether there is a next page.
		err := s.config.Tenants.Linked(id, after, limit+1, func(info *tenant.SubscriberInfo) error {
			if n++; n > limit {
				next = last
				return nil
			}
			last = engine.Fold(info.Profile.ID)
			b = appendSubscriber(b[:0], &info.Profile)
			item(b)
			return nil
		})
		return next, err
	})
}

// appendSubscriber appends a subscriber as the subscriber webhook shows it.
func appendSubscriber(b []byte, p *engine.Profile) []byte {
	b = append(b, `{"subscriber_id":`...)
	b = engine.AppendString(b, p.ID)
	b = append(b, `,"subscriber_number":`...)
	b = engine.AppendString(b, p.Number)
	b = append(b, `,"subscriber_name":`...)
	b = engine.AppendString(b, p.Name)
	b = append(b, `,"subscriber_account_id":`...)
	b = engine.AppendString(b, p.AccountID)
	b = append(b, `,"network_id":`...)
	b = engine.AppendString(b, p.Network)
	return append(b, '}')
}
