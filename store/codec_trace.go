package store

import (
	"encoding/binary"
	"encoding/hex"

	"offhook/engine"
)

// A row of log/ is pieces, one behind the other, each merged into the row: what
// one submission said of the call.
//
//	version | ms since the row's slice of time began | list of traces
//
// A trace is its kind, with two flags, and what traces of that kind have:
//
//	fact        event, status, number
//	command     verb, app
//	asked       verb, app
//	outcome     verb, outcome, app
//	reply       verb, app, code
//	transition  from, to, trigger
//	event       app, number
//
// Apps are mostly UUIDs, which are written as the 16 bytes they are: there is a
// row of these for each transition.
const (
	traceKinds     = 0x1f
	traceUUID      = 0x40 // the app is 16 bytes
	traceSynthetic = 0x80

	minTrace = 3 // bytes of a trace with nothing in it
)

// appendPiece appends what of these traces is of the call of the first.
func appendPiece(b []byte, since int64, traces []engine.Trace) []byte {
	b = binary.AppendUvarint(append(b, version1), uint64(since)) // #nosec G115 -- less than a slice
	call, n := traces[0].Call, uint64(0)
	for i := range traces {
		if traces[i].Call == call {
			n++
		}
	}
	b = binary.AppendUvarint(b, n)
	for i := range traces {
		if traces[i].Call == call {
			b = appendTrace(b, &traces[i])
		}
	}
	return b
}

func appendTrace(b []byte, t *engine.Trace) []byte {
	var short [uuidBytes]byte
	head := byte(t.Kind)
	uuid := hasApp(t.Kind) && packUUID(&short, t.App)
	if uuid {
		head |= traceUUID
	}
	if t.Synthetic {
		head |= traceSynthetic
	}
	b = append(b, head)
	switch t.Kind {
	case engine.TraceFact:
		return binary.AppendUvarint(append(b, byte(t.Event), byte(t.Status)), t.Number)
	case engine.TraceMove:
		return append(b, byte(t.From), byte(t.To), byte(t.On))
	case engine.TraceOutcome:
		b = append(b, byte(t.Verb), byte(t.Outcome))
	case engine.TraceCommand, engine.TraceAsked, engine.TraceReply:
		b = append(b, byte(t.Verb))
	}
	if uuid {
		b = append(b, short[:]...)
	} else {
		b = appendString(b, t.App)
	}
	switch t.Kind {
	case engine.TraceReply:
		b = appendString(b, string(t.Code))
	case engine.TraceTold:
		b = binary.AppendUvarint(b, t.Number)
	}
	return b
}

func hasApp(k engine.TraceKind) bool { return k != engine.TraceFact && k != engine.TraceMove }

func (d *decoder) trace(t *engine.Trace) {
	head := d.byte()
	t.Kind, t.Synthetic = engine.TraceKind(head&traceKinds), head&traceSynthetic != 0
	switch t.Kind {
	case engine.TraceFact:
		t.Event, t.Status, t.Number = engine.EventKind(d.byte()), engine.Status(d.byte()), d.uint()
		return
	case engine.TraceMove:
		t.From, t.To, t.On = engine.State(d.byte()), engine.State(d.byte()), engine.Trigger(d.byte())
		return
	case engine.TraceOutcome:
		t.Verb, t.Outcome = engine.Verb(d.byte()), engine.OutcomeKind(d.byte())
	case engine.TraceCommand, engine.TraceAsked, engine.TraceReply:
		t.Verb = engine.Verb(d.byte())
	case engine.TraceTold:
	default:
		d.fail(errRange)
		return
	}
	if head&traceUUID != 0 {
		t.App = unpackUUID(d.take(uuidBytes))
	} else {
		t.App = d.string()
	}
	switch t.Kind {
	case engine.TraceReply:
		t.Code = engine.Code(d.string())
	case engine.TraceTold:
		t.Number = d.uint()
	}
}

// decodePieces calls fn with each trace of a row, and how long after the row's
// slice of time began it was.
func decodePieces(b []byte, fn func(since int64, t *engine.Trace)) error {
	for first := true; first || len(b) > 0; first = false {
		d := decode(b)
		since := d.uint()
		if since >= sliceMs {
			d.fail(errRange)
		}
		n := d.count(minTrace)
		for i := 0; i < n && d.err == nil; i++ {
			var t engine.Trace
			if d.trace(&t); d.err == nil {
				fn(int64(since), &t)
			}
		}
		if b = d.b; d.err != nil {
			return d.done("trace")
		}
	}
	return nil
}

const uuidBytes, uuidLen = 16, 36

// dashes are where a UUID has them.
func dashes(i int) bool { return i == 8 || i == 13 || i == 18 || i == 23 }

// packUUID writes a UUID in its usual spelling as the bytes it is. It reports
// false for every other text.
func packUUID(to *[uuidBytes]byte, s string) bool {
	if len(s) != uuidLen {
		return false
	}
	n := 0
	for i := 0; i < uuidLen; i++ {
		if dashes(i) {
			if s[i] != '-' {
				return false
			}
			continue
		}
		var digit byte
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digit = c - '0'
		case c >= 'a' && c <= 'f':
			digit = c - 'a' + 10
		default:
			return false
		}
		to[n/2] = to[n/2]<<4 | digit
		n++
	}
	return true
}

func unpackUUID(b []byte) string {
	if len(b) != uuidBytes {
		return ""
	}
	s := make([]byte, 0, uuidLen)
	for i := range b {
		if dashes(len(s)) {
			s = append(s, '-')
		}
		s = hex.AppendEncode(s, b[i:i+1])
	}
	return string(s)
}
