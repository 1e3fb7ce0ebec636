package httpapi

import (
	"strconv"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// headerPartial is present if more happened to a call than its timeline shows.
const headerPartial = "Timeline-Partial"

// timeline is what happened to a call, live or over, oldest first.
func (s *Server) timeline(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	text, err := web.Param(ctx, "call_id")
	if err != nil {
		return err
	}
	id, ok := engine.ParseCallID(text)
	if !ok {
		return problem.NotFound()
	}
	list, found, more, err := s.config.History.Timeline(app.ID, id)
	if err != nil {
		return err
	}
	if !found {
		return problem.NotFound()
	}
	if more {
		ctx.Response.Header.Set(headerPartial, "true")
	}
	body := []byte{'['}
	for i := range list {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendMoment(body, &list[i])
	}
	ctx.Response.Header.SetContentType("application/json")
	ctx.SetBody(append(body, ']'))
	return nil
}

// appendMoment appends one line. Nothing of it needs to be escaped but what a
// receiver made of an attempt: all else is words and numbers of ours.
func appendMoment(b []byte, m *engine.Moment) []byte {
	b = append(b, `{"at":`...)
	b = strconv.AppendInt(b, m.At, 10)
	if m.Attempt != nil {
		return appendTry(b, m.Attempt)
	}
	word := func(name, value string) {
		b = append(b, `,"`...)
		b = append(b, name...)
		b = append(b, `":`...)
		b = engine.AppendString(b, value)
	}
	flag := func(name string, value bool) {
		b = append(b, `,"`...)
		b = append(b, name...)
		b = append(b, `":`...)
		b = strconv.AppendBool(b, value)
	}
	word("kind", m.Kind.String())
	switch m.Kind {
	case engine.TraceFact:
		word("event", m.Event.String())
		word("status", m.Status.String())
		flag("synthetic", m.Synthetic)
		b = append(b, `,"provider_sequence":`...)
		b = strconv.AppendUint(b, m.Number, 10)
	case engine.TraceCommand, engine.TraceAsked:
		word("verb", m.Verb.String())
	case engine.TraceOutcome:
		word("verb", m.Verb.String())
		word("outcome", m.Outcome.String())
	case engine.TraceReply:
		word("verb", m.Verb.String())
		word("code", string(m.Code))
	case engine.TraceMove:
		word("from", m.From.String())
		word("to", m.To.String())
		word("on", m.On.String())
		flag("synthetic", m.Synthetic)
	case engine.TraceTold:
		word("sequence_number", strconv.FormatUint(m.Number, 10))
		word("event_id", m.EventID)
	}
	return append(b, '}')
}

// appendTry appends a try to deliver an event of the call, in the words of the
// webhook API.
func appendTry(b []byte, a *engine.Attempt) []byte {
	outcome := "delivered"
	if a.Failed() {
		outcome = "failed"
	}
	b = append(b, `,"kind":"attempt","webhook":"`...)
	b = append(b, a.Stream.Kind.String()...)
	b = append(b, `","sequence_number":"`...)
	b = strconv.AppendUint(b, a.Sequence, 10)
	b = append(b, `","attempt":`...)
	b = strconv.AppendUint(b, uint64(a.Number), 10)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(a.Status), 10)
	b = append(b, `,"duration_ms":`...)
	b = strconv.AppendInt(b, a.Took, 10)
	b = append(b, `,"outcome":"`...)
	b = append(b, outcome...)
	b = append(b, `","error":`...)
	b = engine.AppendString(b, a.Error)
	b = append(b, `,"redelivery":`...)
	b = strconv.AppendBool(b, a.Redelivery)
	return append(b, '}')
}
