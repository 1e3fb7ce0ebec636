package trace

import (
	"math/rand/v2"
	"time"
)

// Kind says on which side of a request a span is. The numbers are those of OTLP.
type Kind uint8

// The kinds of span.
const (
	Server Kind = 2 // we were asked
	Client Kind = 3 // we asked
)

// Span is something that was done. It has no phone number, name or secret in it.
type Span struct {
	Context
	Parent     [8]byte // zero for the first of its trace
	Name       string
	Kind       Kind
	Start, End time.Time
	Attributes []Attribute
	Failed     string // why; empty for success
}

// Attribute says something of a span. Names are those of OpenTelemetry's
// semantic conventions where they have one, and so is the type: a number is
// compared with numbers.
type Attribute struct {
	Name  string
	Value any // a string or an int
}

// Tracer decides what is recorded, and hands it to whoever exports it.
type Tracer struct {
	Ratio  float64    // of traces begun here that are recorded, 0 to 1
	Export func(Span) // must not wait
}

// Accept is where a request stands: below what its traceparent says, or at the
// beginning of a trace. parent is zero then.
func (t *Tracer) Accept(header []byte) (c Context, parent [8]byte) {
	if c, ok := Parse(header); ok {
		return c.Child(), c.Span
	}
	return New(t != nil && rand.Float64() < t.Ratio), parent
}

// Records reports whether spans of a trace are wanted, so that nobody puts
// together what is thrown away.
func (t *Tracer) Records(c Context) bool { return t != nil && c.Sampled && c.Set() }

// Record exports a span, if it is wanted.
func (t *Tracer) Record(s Span) {
	if t.Records(s.Context) {
		t.Export(s)
	}
}
