package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Event is one event of the log: what webhooks are told. Its Body has all
// members, whatever its type.
type Event struct {
	AppID          string `json:"app_id"`
	SubscriberID   string `json:"subscriber_id"`
	CallID         string `json:"call_id"`
	SequenceNumber string `json:"sequence_number"`
	Direction      string `json:"direction"`
	State          string `json:"state"`
	RemoteNumber   string `json:"remote_number"`
	RemoteName     string `json:"remote_name"`
	Timestamp      int64  `json:"timestamp"` // ms since 1970
	EventID        string `json:"event_id"`
	Type           string `json:"type"`

	Body json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the whole.
func (e *Event) UnmarshalJSON(text []byte) error {
	type plain Event
	if err := json.Unmarshal(text, (*plain)(e)); err != nil {
		return err
	}
	e.Body = append(json.RawMessage(nil), text...)
	return nil
}

// MarshalJSON is the event as it came.
func (e Event) MarshalJSON() ([]byte, error) { return e.Body, nil }

// EventPage is a part of the log.
type EventPage struct {
	Events []Event
	Cursor string // behind all that was looked at
	Gap    string // why events behind the cursor asked with are missing; empty if none are
	More   bool   // there is more to read now
}

// ListEvents reads the log behind a cursor, or from the oldest that is kept;
// of one subscriber if that is not empty. Zero for size means 100.
func (a *App) ListEvents(ctx context.Context, after, subscriber string, size int) (p EventPage, err error) {
	q := url.Values{}
	set(q, "after", after)
	set(q, "subscriber_id", subscriber)
	if size > 0 {
		q.Set("limit", strconv.Itoa(size))
	}
	header, err := a.link.do(ctx, call{method: http.MethodGet, path: a.path + "/events", query: q}, &p.Events)
	if err != nil {
		return p, err
	}
	p.Cursor, p.Gap = header.Get("Events-Cursor"), header.Get("Events-Gap")
	next, err := a.link.next(a.path+"/events", header)
	p.More = next != nil
	return p, err
}

// StreamEvent is one event of the stream. Exactly one of the members is set
// besides ID.
type StreamEvent struct {
	ID       string // the cursor behind it
	Event    *Event
	Snapshot []Call // the live calls; not nil
	Gap      string // why events are missing
}

const (
	maxLine    = 4 << 20          // a snapshot is one line
	silence    = 45 * time.Second // three heartbeats
	comeBack   = 2 * time.Second
	comeBackAt = 30 * time.Second // the longest pause, when it fails again and again
)

// StreamEvents follows the log until ctx ends, or the app or its key is gone:
// behind a cursor, or with a snapshot first; of one subscriber if that is not
// empty. When the stream ends it comes back for what follows; nothing is missed
// and nothing comes twice. lost, which may be nil, is told why.
func (a *App) StreamEvents(ctx context.Context, after, subscriber string, lost func(error)) iter.Seq2[StreamEvent, error] {
	return func(yield func(StreamEvent, error) bool) {
		pause := comeBack
		for {
			went := false
			err := a.stream(ctx, &after, subscriber, func(e StreamEvent) bool { went = true; return yield(e, nil) })
			var refused *Error
			switch {
			case errors.Is(err, errEnough):
				return
			case ctx.Err() != nil:
				yield(StreamEvent{}, ctx.Err())
				return
			case errors.As(err, &refused) && !refused.PutOff() && refused.Status < 500:
				yield(StreamEvent{}, err)
				return
			}
			if went {
				pause = comeBack
			}
			if refused != nil {
				pause = max(pause, min(refused.RetryAfter, comeBackAt))
			}
			if lost != nil {
				lost(err)
			}
			if err := sleep(ctx, pause); err != nil {
				yield(StreamEvent{}, err)
				return
			}
			pause = min(2*pause, comeBackAt)
		}
	}
}

var (
	errEnough = errors.New("the caller has enough")
	errSilent = errors.New("the stream was silent for too long")
)

// stream reads one stream to its end, and moves after along.
func (a *App) stream(ctx context.Context, after *string, subscriber string, yield func(StreamEvent) bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := call{method: http.MethodGet, path: a.path + "/events/stream", query: url.Values{}, header: http.Header{"Accept": {"text/event-stream"}}}
	set(c.query, "subscriber_id", subscriber)
	if *after != "" {
		c.header.Set("Last-Event-ID", *after)
	}
	watchdog := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer watchdog.Stop()
	resp, err := a.link.send(ctx, c)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	r := bufio.NewScanner(resp.Body)
	r.Buffer(make([]byte, 64<<10), maxLine)
	var name, data, id string
	for r.Scan() {
		watchdog.Reset(silence)
		field, value, _ := strings.Cut(r.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			name = value
		case "data":
			if data != "" {
				data += "\n"
			}
			data += value
		case "id":
			id = value
		}
		if r.Text() != "" {
			continue
		}
		if id != "" {
			*after = id
		}
		if data != "" {
			e, err := streamed(name, data, *after)
			if err != nil {
				return err
			}
			if !yield(e) {
				return errEnough
			}
		}
		name, data, id = "", "", ""
	}
	switch cause := context.Cause(ctx); {
	case cause != nil:
		return cause
	case r.Err() != nil:
		return r.Err()
	}
	return io.EOF
}

func streamed(name, data, id string) (e StreamEvent, err error) {
	e.ID = id
	switch name {
	case "snapshot":
		var s struct {
			Calls []Call `json:"calls"`
		}
		err = json.Unmarshal([]byte(data), &s)
		if e.Snapshot = s.Calls; e.Snapshot == nil {
			e.Snapshot = []Call{}
		}
	case "gap":
		var g struct {
			Reason string `json:"reason"`
		}
		err = json.Unmarshal([]byte(data), &g)
		e.Gap = g.Reason
	default:
		e.Event = &Event{}
		err = json.Unmarshal([]byte(data), e.Event)
	}
	if err != nil {
		return e, fmt.Errorf("the event %q is not what the document says: %w", name, err)
	}
	return e, nil
}
