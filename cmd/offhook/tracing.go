package main

import (
	"context"
	"net/url"

	"offhook/engine/trace"
	"offhook/transport/otlp"
)

// tracing checks where spans are sent to, and completes the address as
// OpenTelemetry's exporters do.
func (k *checker) tracing() {
	t := &k.config.Tracing
	if !(t.SampleRatio >= 0 && t.SampleRatio <= 1) {
		k.fault("tracing.sample_ratio", "must be between 0 and 1, not %v", t.SampleRatio)
	}
	if t.Endpoint == "" {
		return
	}
	u, err := url.Parse(t.Endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		k.fault("tracing.endpoint", "is no address of a collector; write one for OTLP over HTTP, as in http://127.0.0.1:4318")
		return
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
		t.Endpoint = u.String()
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		k.config.Warnings = append(k.config.Warnings, "tracing.endpoint is http: what is done and when crosses the network in the clear")
	}
}

// startTracing makes the tracer, which is nil where nothing is exported.
func (n *node) startTracing(t Tracing) (stop func(context.Context) error) {
	if t.Endpoint == "" {
		return func(context.Context) error { return nil }
	}
	e := otlp.New(otlp.Config{
		Endpoint: t.Endpoint, Version: version, Instance: n.store.Installation(), Log: n.log, Metrics: otlp.NewMetrics(n.registry),
	})
	n.tracer = &trace.Tracer{Ratio: t.SampleRatio, Export: e.Export}
	return e.Stop
}
