package webhook

import (
	"context"
	"log/slog"
	"time"

	"offhook/engine"
	"offhook/engine/trace"
)

// causeOf is the traced request that the first of some events came from, of
// those that came from one. A request has one traceparent, so the others of a
// batch go without.
func (d *Dispatcher) causeOf(events []*engine.Notification) trace.Context {
	for _, n := range events {
		if c := d.cfg.Traces.Of(n.App, n.Subscriber, uint8(n.Kind), n.Sequence); c.Set() {
			return c
		}
	}
	return trace.Context{}
}

// traceAttempt tells of one attempt whose events came from a traced request.
func (w *worker) traceAttempt(out Outcome, began time.Time) {
	d, p := w.ep.d, &w.parcel
	if !p.Trace.Set() {
		return
	}
	if d.log.Enabled(context.Background(), slog.LevelDebug) {
		d.log.Debug("webhook attempt", "app", w.ep.key.app, "kind", w.ep.key.kind.String(), "event", p.ID, "status", out.Status,
			"took", out.Took, "trace", p.Trace.String())
	}
	if !d.cfg.Tracer.Records(p.Trace) {
		return
	}
	s := trace.Span{
		Context: p.Trace, Parent: w.cause.Span, Name: "webhook " + w.ep.key.kind.String(), Kind: trace.Client, Start: began, End: began.Add(out.Took),
		Attributes: []trace.Attribute{
			{Name: "offhook.app", Value: w.ep.key.app}, {Name: "offhook.event", Value: p.ID},
			{Name: "offhook.events", Value: len(p.Events)}, {Name: "http.request.method", Value: "POST"},
		},
	}
	if out.Status != 0 { // there was an answer
		s.Attributes = append(s.Attributes, trace.Attribute{Name: "http.response.status_code", Value: out.Status})
	}
	if out.Class != Delivered {
		s.Failed = out.reason()
	}
	d.cfg.Tracer.Record(s)
}
