package web

import (
	"context"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/engine/trace"
)

// place is where a request stands in a trace, and what it stands below.
type place struct {
	trace.Context
	parent [8]byte
}

type placeKey struct{}

// Trace has requests stand in traces: that of their traceparent, or one of
// their own. It must be called before Handle. A nil tracer makes ids, and
// exports nothing.
func (r *Routes) Trace(t *trace.Tracer) { r.traced, r.tracer = true, t }

// begin gives a request its place. Mere reading has one only where the caller
// traces it or somebody may record it.
func (r *Routes) begin(ctx *fasthttp.RequestCtx) {
	header := ctx.Request.Header.Peek("traceparent")
	reads := ctx.IsGet() || ctx.IsHead() || ctx.IsOptions()
	if !r.traced || reads && len(header) == 0 && r.tracer == nil {
		return
	}
	p := &place{}
	p.Context, p.parent = r.tracer.Accept(header)
	ctx.SetUserValue(placeKey{}, p)
	if !reads {
		ctx.Response.Header.SetBytesV("traceresponse", p.Append(make([]byte, 0, trace.Size)))
	}
}

// end tells of the request, whose response is there.
func (r *Routes) end(ctx *fasthttp.RequestCtx, route string, start time.Time) {
	if !r.traced {
		return
	}
	p, _ := ctx.UserValue(placeKey{}).(*place)
	if p == nil || !r.tracer.Records(p.Context) {
		return
	}
	status := ctx.Response.StatusCode()
	s := trace.Span{
		Context: p.Context, Parent: p.parent, Name: string(ctx.Method()) + " " + route, Kind: trace.Server, Start: start, End: time.Now(),
		Attributes: []trace.Attribute{
			{Name: "http.request.method", Value: string(ctx.Method())}, {Name: "http.route", Value: route}, {Name: "http.response.status_code", Value: status},
		},
	}
	if status >= 500 {
		s.Failed = strconv.Itoa(status)
	}
	r.tracer.Record(s)
}

// TraceOf is the place of a request in a trace, or none.
func TraceOf(ctx *fasthttp.RequestCtx) trace.Context {
	if p, _ := ctx.UserValue(placeKey{}).(*place); p != nil {
		return p.Context
	}
	return trace.Context{}
}

// Traced is wait with the place of a request: what is asked in its name is
// traced with it.
func Traced(wait context.Context, ctx *fasthttp.RequestCtx) context.Context {
	return trace.With(wait, TraceOf(ctx))
}
