package hookapi

import (
	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// put sets a webhook, new or not. A secret is shown if it is new with it.
func (s *API) put(ctx *fasthttp.RequestCtx, c Caller) error {
	k, err := asked(ctx)
	if err != nil {
		return err
	}
	r, created, err := s.set(ctx, c, k, true)
	if err != nil {
		return err
	}
	if !created {
		return web.WriteJSON(ctx, fasthttp.StatusOK, s.view(c.App.ID, k, r, ""))
	}
	ctx.Response.Header.Set(fasthttp.HeaderLocation, c.Base+web.Path("webhooks", string(k)))
	return web.WriteJSON(ctx, fasthttp.StatusCreated, s.view(c.App.ID, k, r, r.Secrets[0]))
}

// patch changes what the body names.
func (s *API) patch(ctx *fasthttp.RequestCtx, c Caller) error {
	k, _, err := existingDelivering(ctx, c)
	if err != nil {
		return err
	}
	r, _, err := s.set(ctx, c, k, false)
	if err != nil {
		return err
	}
	return web.WriteJSON(ctx, fasthttp.StatusOK, s.view(c.App.ID, k, r, ""))
}

// set brings a webhook in line with a body. A receiver that has to show that
// it is the app's is asked before anything is changed; what was changed by
// others meanwhile stays.
func (s *API) set(ctx *fasthttp.RequestCtx, c Caller, k kind, sets bool) (is tenant.Receiver, created bool, err error) {
	doc, err := read(ctx)
	if err != nil {
		return is, false, err
	}
	set, err := s.readSettings(doc, c.App.ID, k, sets)
	if err != nil {
		return is, false, err
	}
	now := s.config.Now().UnixMilli()
	was := k.of(c.App)
	if is, err = set.apply(was, now); err != nil {
		return is, false, err
	}
	challenged := c.App.Challenge && is.URL != was.URL
	if challenged {
		if err := s.challenge(c, is); err != nil {
			return is, false, err
		}
	}
	what := "changed"
	if sets {
		what = "set"
	}
	err = s.change(c, k, what, func(a *tenant.App, was tenant.Receiver) (tenant.Receiver, error) {
		created = !was.Set()
		if created && !sets {
			return was, problem.NotFound()
		}
		if is, err = set.apply(was, now); err != nil {
			return was, err
		}
		if a.Challenge && is.URL != was.URL && !challenged {
			return was, &problem.Problem{Code: engine.CodeConflict, Detail: "the app was changed meanwhile; send it again"}
		}
		return is, nil
	})
	return is, created, err
}

// remove ends a webhook. What waits for it stays in the log.
func (s *API) remove(ctx *fasthttp.RequestCtx, c Caller) error {
	k, _, err := existing(ctx, c)
	if err != nil {
		return err
	}
	through := s.config.Log.Durable() // what comes later may be for one that is set anew
	err = s.changeSet(c, k, "removed", func(tenant.Receiver) (tenant.Receiver, error) { return tenant.Receiver{}, nil })
	if err != nil {
		return err
	}
	if k != operations {
		if err := s.config.Log.DropWaiting(c.App.ID, k.stream(), through); err != nil {
			return err
		}
	}
	return noContent(ctx)
}
