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
	events node // their schemas, by the kind of event
	t      testing.TB
	line   []byte
	kind   string
	data   []byte
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
	schema := s.events.to(s.kind)
	if !schema.there() {
		schema = s.events.to("*")
	}
	return schema.validate(closed, v)
}
