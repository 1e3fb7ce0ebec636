package actor

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"offhook/engine"
	"offhook/engine/trace"
)

// cause is the traced request that something came from, and whose it was. It
// goes with what waits here and is never stored.
type cause struct {
	trace.Context
	app  string
	call engine.CallID // of which alone events came from it; zero for all of the step
}

// mostHeld bounds the calls of one subscriber whose events wait for their 201.
// With one more the first is told of without its trace.
const mostHeld = 8

// held are such causes. Few subscribers have any.
type held []*cause

// hold keeps the cause of a call that was placed: its events leave in a later
// step, when the 201 has.
func (e *entry) hold(why *cause, call engine.CallID) {
	if why == nil {
		return
	}
	if e.held == nil {
		e.held = &held{}
	}
	h := e.held
	if len(*h) == mostHeld {
		*h = slices.Delete(*h, 0, 1)
	}
	of := *why
	of.call = call
	*h = append(*h, &of)
}

// lifted is the cause of a call whose 201 has left; nil when nobody traces it.
func (e *entry) lifted(call engine.CallID) *cause {
	h := e.held
	if h == nil {
		return nil
	}
	for i, c := range *h {
		if c.call != call {
			continue
		}
		if *h = slices.Delete(*h, i, i+1); len(*h) == 0 {
			e.held = nil
		}
		return c
	}
	return nil
}

// causeOf is the cause of what an app asks for; nil when nobody traces it.
func causeOf(ctx context.Context, in *engine.Input) *cause {
	if c := trace.From(ctx); c.Set() && in.Command != nil {
		return &cause{Context: c, app: in.Command.App}
	}
	return nil
}

// id is the trace's, for logs.
func (c *cause) id() string {
	if c == nil {
		return ""
	}
	return c.String()
}

// child is a place below the cause, or none.
func (c *cause) child() trace.Context {
	if c == nil {
		return trace.Context{}
	}
	return c.Child()
}

// attribute remembers what the notifications of a step came from. Only the app
// that asked is told: the others must not learn of its requests.
func (b *batch) attribute(out *engine.Effects) {
	e := b.e
	for ; b.told < len(out.Emit); b.told++ {
		n := &out.Emit[b.told]
		if b.cause == nil || n.App != b.cause.app || b.cause.call != 0 && n.Call != b.cause.call {
			continue
		}
		e.dir.cfg.Traces.Put(n.App, n.Subscriber, uint8(n.Kind), n.Sequence, b.cause.Context)
		if e.dir.cfg.Log.Enabled(context.Background(), slog.LevelDebug) {
			e.dir.cfg.Log.Debug("event caused", "sub", e.sub.ID, "app", n.App, "call", n.Call.String(), "sequence", n.Sequence, "trace", b.cause.id())
		}
	}
}

// traceAsk tells of one request to the provider.
func (d *Directory) traceAsk(e *entry, a *engine.Ask, out *engine.Outcome, why *cause, at trace.Context, start time.Time) {
	if why != nil && d.cfg.Log.Enabled(context.Background(), slog.LevelDebug) {
		d.cfg.Log.Debug("provider asked", "sub", e.key, "network", a.Network, "verb", a.Verb.String(), "outcome", out.Kind.String(),
			"took", time.Since(start), "trace", why.id())
	}
	if !d.cfg.Tracer.Records(at) {
		return
	}
	s := trace.Span{
		Context: at, Parent: why.Span, Name: "provider " + a.Verb.String(), Kind: trace.Client, Start: start, End: time.Now(),
		Attributes: []trace.Attribute{{Name: "offhook.network", Value: a.Network}, {Name: "offhook.outcome", Value: out.Kind.String()}},
	}
	if out.Kind != engine.OutcomeAccepted {
		s.Failed = out.Kind.String()
	}
	d.cfg.Tracer.Record(s)
}
