package hookapi

import (
	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// kind is the word for a webhook in paths and answers.
type kind string

const (
	calls      kind = "calls"
	subscriber kind = "subscriber"
	operations kind = "operations" // told when one of the others fails; has no streams
)

var kinds = []kind{calls, subscriber, operations}

// stream is the kind of the webhook's streams; zero for operations.
func (k kind) stream() engine.StreamKind {
	switch k {
	case calls:
		return engine.StreamCalls
	case subscriber:
		return engine.StreamSubscriber
	}
	return 0
}

func (k kind) of(a *tenant.App) tenant.Receiver {
	if k == operations {
		return a.Operations
	}
	return a.Receiver(k.stream())
}

func (k kind) with(a *tenant.App, r tenant.Receiver) *tenant.App {
	if k != operations {
		return a.With(k.stream(), r)
	}
	b := *a
	b.Operations = r
	return &b
}

// asked is the webhook a path names, set or not.
func asked(ctx *fasthttp.RequestCtx) (kind, error) {
	name, err := web.Param(ctx, "kind")
	if err != nil {
		return "", err
	}
	switch k := kind(name); k {
	case calls, subscriber, operations:
		return k, nil
	}
	return "", problem.NotFound()
}

// delivering is asked for what only webhooks with streams have.
func delivering(ctx *fasthttp.RequestCtx) (kind, error) {
	k, err := asked(ctx)
	if err == nil && k == operations {
		err = problem.NotFound()
	}
	return k, err
}

// existing is asked for a webhook that is set.
func existing(ctx *fasthttp.RequestCtx, c Caller) (kind, tenant.Receiver, error) {
	k, err := asked(ctx)
	if err != nil {
		return "", tenant.Receiver{}, err
	}
	r := k.of(c.App)
	if !r.Set() {
		return "", tenant.Receiver{}, problem.NotFound()
	}
	return k, r, nil
}

// existingDelivering is both.
func existingDelivering(ctx *fasthttp.RequestCtx, c Caller) (kind, tenant.Receiver, error) {
	if _, err := delivering(ctx); err != nil {
		return "", tenant.Receiver{}, err
	}
	return existing(ctx, c)
}
