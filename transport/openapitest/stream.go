package openapitest

import (
	"bytes"
	"io"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// eventStream judges each event of a stream of server-sent events as it is
// read. Which schema is whose stands in the document, as x-events.
type eventStream struct {
	io.ReadCloser
	d    *Document
	t    testing.TB
	line []byte
	kind string
	data []byte
}

func (s *eventStream) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	for _, c := range p[:n] {
		if c != '\n' {
			s.line = append(s.line, c)
			continue
		}
		s.take()
		s.line = s.line[:0]
	}
	return n, err
}

// take reads one line. Only an empty one ends an event.
func (s *eventStream) take() {
	field, value, _ := bytes.Cut(s.line, []byte(": "))
	switch string(field) {
	case "event":
		s.kind = string(value)
	case "data":
		s.data = bytes.Clone(value)
	case "":
		if len(s.line) == 0 && s.data != nil {
			if err := s.judge(); err != nil {
				s.t.Errorf("event %s of a stream is not as in the document: %v", s.kind, err)
			}
		}
		if len(s.line) == 0 {
			s.kind, s.data = "", nil
		}
	}
}

func (s *eventStream) judge() error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(s.data))
	if err != nil {
		return err
	}
	_, op, _ := s.d.operation("GET", "/apps/x/events/stream")
	schemas := op.to("responses", "200", "content", "text/event-stream", "schema", "x-events")
	schema := schemas.to(s.kind)
	if !schema.there() {
		schema = schemas.to("*")
	}
	return schema.validate(closed, v)
}
