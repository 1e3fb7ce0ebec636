// Package otlp sends spans to an OpenTelemetry collector: OTLP/HTTP with binary
// protobuf (opentelemetry-proto, collector/trace/v1). It promises to delay
// nothing and to keep no more than fits its queue: what a collector does not
// take in time is dropped and counted.
package otlp
