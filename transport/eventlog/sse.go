package eventlog

import (
	"cmp"
	"slices"

	"offhook/engine"
	"offhook/engine/actor"
)

// The fields of an event are written with the id last: a reader that takes ids
// as it meets them never has that of an event it has not read to the end.

// appendEvent appends an event. A body is one line: our JSON has no line ends
// outside of escapes.
func appendEvent(b []byte, c Cursors, index uint64, body []byte) []byte {
	if kind := typeOf(body); len(kind) > 0 {
		b = append(b, "event: "...)
		b = append(b, kind...)
		b = append(b, '\n')
	}
	b = append(b, "data: "...)
	b = append(b, body...)
	b = append(b, '\n')
	b = appendID(b, c, index)
	return append(b, '\n')
}

func appendID(b []byte, c Cursors, index uint64) []byte {
	b = append(b, "id: "...)
	b = c.Append(b, index)
	return append(b, '\n')
}

// appendGap appends the event that names a gap. It has no id: what ends it is
// the snapshot behind it, and whoever is cut off between the two must be told
// again.
func appendGap(b []byte, reason Gap) []byte {
	b = append(b, "event: gap\ndata: {\"type\":\"gap\",\"reason\":\""...)
	b = append(b, reason...)
	return append(b, "\"}\n\n"...)
}

// typeOf is the member "type" of a body, or nothing.
func typeOf(body []byte) []byte {
	depth := 0
	var name []byte // of the member whose value comes next
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',':
			name = nil
		case '"':
			from := i + 1
			for i++; i < len(body) && body[i] != '"'; i++ {
				if body[i] == '\\' {
					i++
				}
			}
			if depth != 1 || i >= len(body) {
				continue
			}
			if name == nil {
				name = body[from:i]
				continue
			}
			if string(name) == "type" && isWord(body[from:i]) {
				return body[from:i]
			}
		}
	}
	return nil
}

func isWord(b []byte) bool {
	for _, c := range b {
		if !('a' <= c && c <= 'z' || c == '.' || c == '_') {
			return false
		}
	}
	return true
}

// snapshot is the first event of a stream: the live calls, in the order and
// form of the lists. It is written in pieces, since an app may have very many.
type snapshot struct {
	index uint64 // from where on changes come behind it
	calls []actor.CallView
	sent  int
}

// snapshotStep is how many calls are written at a time.
const snapshotStep = 32

// takeSnapshot reads the horizon first: a change that comes in between is in
// the snapshot and in the log behind it, and none is in neither.
func (s *Stream) takeSnapshot() *snapshot {
	snap := &snapshot{index: s.hub.config.Horizon()}
	snap.calls = s.hub.config.Live(s.ask.App)
	if s.wanted != "" {
		snap.calls = slices.DeleteFunc(snap.calls, func(v actor.CallView) bool { return engine.Fold(v.Profile.ID) != s.wanted })
	}
	slices.SortFunc(snap.calls, func(a, b actor.CallView) int { return cmp.Compare(a.Call.ID, b.Call.ID) })
	return snap
}

// append appends the next piece and reports whether it was the last one.
func (p *snapshot) append(b []byte, c Cursors) ([]byte, bool) {
	if p.sent == 0 {
		b = append(b, "event: snapshot\ndata: {\"calls\":["...)
	}
	for end := min(p.sent+snapshotStep, len(p.calls)); p.sent < end; p.sent++ {
		if p.sent > 0 {
			b = append(b, ',')
		}
		v := &p.calls[p.sent]
		b = engine.AppendCall(b, v.Profile, &v.Call)
	}
	if p.sent < len(p.calls) {
		return b, false
	}
	b = append(b, "]}\n"...)
	b = appendID(b, c, p.index)
	return append(b, '\n'), true
}
