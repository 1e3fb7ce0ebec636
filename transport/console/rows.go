package console

import (
	"maps"
	"strconv"
	"time"

	"offhook/engine"
	"offhook/engine/actor"
)

// telling reports whether the whole board is being told, or must be again.
func (r *Reader) telling() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.again {
		r.again, r.begun, r.part = false, false, 0
	}
	return r.part < actor.BoardParts
}

// tellPart tells the next piece of the whole board. Who changes meanwhile is
// told again behind it.
func (r *Reader) tellPart() {
	if !r.begun {
		r.begun = true
		r.buf = append(r.buf, "retry: 2000\n\n"...)
		r.buf = appendEvent(r.buf, "begin")
	}
	r.buf = appendHead(r.buf, "rows")
	n := 0
	for ; r.part < actor.BoardParts && len(r.buf) < piece; r.part++ {
		for _, shown := range r.board.config.Calls.Board(r.part) {
			r.buf = appendRow(comma(r.buf, n), engine.Fold(shown.Profile.ID), &shown)
			n++
		}
	}
	r.buf = append(r.buf, "]}\n\n"...)
	if r.part == actor.BoardParts {
		r.buf = appendEvent(r.buf, "complete")
	}
}

// tellChanges tells how those are who changed, as many as fit into a piece.
func (r *Reader) tellChanges() {
	r.mu.Lock()
	changed := r.dirty
	r.dirty = map[string]struct{}{}
	r.mu.Unlock()
	r.buf = appendHead(r.buf, "rows")
	n := 0
	for subscriber := range changed {
		if len(r.buf) >= piece {
			break
		}
		delete(changed, subscriber)
		shown, _ := r.board.config.Calls.ShownOf(subscriber)
		r.buf = appendRow(comma(r.buf, n), subscriber, &shown)
		n++
	}
	r.buf = append(r.buf, "]}\n\n"...)
	if len(changed) > 0 {
		r.putBack(changed)
	}
	if n == 0 {
		r.buf = r.buf[:0]
	}
}

// putBack keeps what did not fit for the next piece.
func (r *Reader) putBack(rest map[string]struct{}) {
	r.mu.Lock()
	if !r.again {
		maps.Copy(r.dirty, rest)
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func comma(b []byte, n int) []byte {
	if n > 0 {
		return append(b, ',')
	}
	return b
}

func appendHead(b []byte, event string) []byte {
	b = append(b, "event: "...)
	b = append(b, event...)
	b = append(b, "\ndata: {\"at\":"...)
	b = strconv.AppendInt(b, time.Now().UnixMilli(), 10)
	return append(b, `,"rows":[`...)
}

func appendEvent(b []byte, event string) []byte {
	b = append(b, "event: "...)
	b = append(b, event...)
	b = append(b, "\ndata: {\"at\":"...)
	b = strconv.AppendInt(b, time.Now().UnixMilli(), 10)
	return append(b, "}\n\n"...)
}

// appendRow appends a subscriber with his calls as the REST API shows them. key
// is what later rows of him will have, too.
func appendRow(b []byte, key string, s *actor.Shown) []byte {
	b = append(b, `{"key":`...)
	b = engine.AppendString(b, key)
	if p := s.Profile; p != nil {
		b = append(b, `,"subscriber_id":`...)
		b = engine.AppendString(b, p.ID)
		b = append(b, `,"subscriber_number":`...)
		b = engine.AppendString(b, p.Number)
		b = append(b, `,"subscriber_name":`...)
		b = engine.AppendString(b, p.Name)
		b = append(b, `,"network_id":`...)
		b = engine.AppendString(b, p.Network)
		b = append(b, `,"apps":`...)
		b = appendTexts(b, s.Apps)
	}
	b = append(b, `,"calls":[`...)
	for i := range s.Calls {
		b = engine.AppendCall(comma(b, i), s.Profile, &s.Calls[i])
	}
	return append(b, "]}"...)
}

func appendTexts(b []byte, texts []string) []byte {
	b = append(b, '[')
	for i, t := range texts {
		b = engine.AppendString(comma(b, i), t)
	}
	return append(b, ']')
}

// AppendCall appends a call as the REST API shows it, with its network and the
// apps that may follow it.
func AppendCall(b []byte, s *actor.Shown, c *engine.Call) []byte {
	b = engine.AppendCall(b, s.Profile, c)
	b = append(b[:len(b)-1], `,"network_id":`...)
	b = engine.AppendString(b, s.Profile.Network)
	b = append(b, `,"apps":`...)
	return append(appendTexts(b, s.Apps), '}')
}
