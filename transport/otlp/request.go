package otlp

import (
	"fmt"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"

	"offhook/engine/trace"
)

// request is what a collector is sent. TracesData is ExportTraceServiceRequest
// on the wire, field by field, and comes without gRPC.
func (e *Exporter) request(batch []trace.Span) *otlp.TracesData {
	spans := make([]*otlp.Span, len(batch))
	for i := range batch {
		spans[i] = span(&batch[i])
	}
	return &otlp.TracesData{ResourceSpans: []*otlp.ResourceSpans{{
		Resource: &resource.Resource{Attributes: attributes([]trace.Attribute{
			{Name: "service.name", Value: "offhook"}, {Name: "service.version", Value: e.cfg.Version}, {Name: "service.instance.id", Value: e.cfg.Instance},
		})},
		ScopeSpans: []*otlp.ScopeSpans{{Scope: &common.InstrumentationScope{Name: "offhook", Version: e.cfg.Version}, Spans: spans}},
	}}}
}

func span(s *trace.Span) *otlp.Span {
	out := &otlp.Span{
		TraceId: s.ID[:], SpanId: s.Span[:], Name: s.Name, Kind: otlp.Span_SpanKind(s.Kind), Flags: 1, // sampled, or it would not be here
		StartTimeUnixNano: uint64(s.Start.UnixNano()), EndTimeUnixNano: uint64(max(s.Start.UnixNano(), s.End.UnixNano())), // #nosec G115 -- after 1970
		Attributes: attributes(s.Attributes), Status: &otlp.Status{},
	}
	if s.Parent != [8]byte{} {
		out.ParentSpanId = s.Parent[:]
	}
	if s.Failed != "" {
		out.Status = &otlp.Status{Code: otlp.Status_STATUS_CODE_ERROR, Message: s.Failed}
	}
	return out
}

func attributes(all []trace.Attribute) []*common.KeyValue {
	out := make([]*common.KeyValue, len(all))
	for i, a := range all {
		out[i] = &common.KeyValue{Key: a.Name, Value: value(a.Value)}
	}
	return out
}

func value(v any) *common.AnyValue {
	if n, ok := v.(int); ok {
		return &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: int64(n)}}
	}
	return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: fmt.Sprint(v)}}
}
