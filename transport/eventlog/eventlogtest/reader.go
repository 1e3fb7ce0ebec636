// Package eventlogtest reads server-sent events the way a browser does (WHATWG
// HTML §9.2.6), for the tests of those who write them.
package eventlogtest

import (
	"bufio"
	"io"
	"strings"
)

// Event is one event as a page's handler would get it.
type Event struct {
	Type string // "message" when the stream does not say
	Data string
	ID   string // the last id seen, this event's own or an older one
}

// Reader takes a stream apart. It belongs to one goroutine.
type Reader struct {
	LastID   string // what to send as Last-Event-ID; ids of events that were not finished are not in it
	Retry    string
	Comments int // lines that begin with a colon

	// Beat, unless nil, is called at the end of each block that is no event.
	Beat func()

	lines *bufio.Reader
	next  string // the id of the block that is being read
}

// NewReader reads from r, going on behind an id.
func NewReader(r io.Reader, lastID string) *Reader {
	return &Reader{LastID: lastID, next: lastID, lines: bufio.NewReader(r)}
}

// Next returns the next event. What was not finished when the stream ended is
// dropped.
func (r *Reader) Next() (Event, error) {
	var kind string
	var data []string
	for {
		line, err := r.lines.ReadString('\n')
		if err != nil {
			return Event{}, err
		}
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			r.LastID = r.next
			if data == nil {
				if kind = ""; r.Beat != nil {
					r.Beat()
				}
				continue
			}
			if kind == "" {
				kind = "message"
			}
			return Event{Type: kind, Data: strings.Join(data, "\n"), ID: r.LastID}, nil
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "":
			r.Comments++
		case "event":
			kind = value
		case "data":
			data = append(data, value)
		case "id":
			r.next = value
		case "retry":
			r.Retry = value
		}
	}
}
