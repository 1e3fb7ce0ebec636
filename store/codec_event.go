package store

import (
	"encoding/binary"

	"offhook/engine"
)

// A row of ev/. The time comes first: retention looks at nothing else until it
// knows that the event is old.
func appendEvent(b []byte, n *engine.Notification) []byte {
	b = append(b, version1)
	b = binary.AppendVarint(b, n.Time)
	b = append(b, byte(n.Kind), byte(n.State))
	b = appendFlags(b, n.Queue, n.GapFrom > 0)
	b = binary.AppendUvarint(b, n.Sequence)
	b = binary.AppendUvarint(b, uint64(n.Call))
	b = appendString(b, n.App)
	b = appendString(b, n.Subscriber)
	b = appendSized(b, 1, n.AppendEventID)
	if n.GapFrom > 0 {
		b = binary.AppendUvarint(b, n.GapFrom)
	}
	return appendSized(b, 2, n.AppendBody)
}

// decodeEvent leaves nothing of b in n. An app and a subscriber that n has
// already are not copied again.
func decodeEvent(b []byte, n *engine.Notification) error {
	d := decode(b)
	n.Time = d.int()
	n.Kind = engine.StreamKind(d.byte())
	n.State = engine.State(d.byte())
	var gap bool
	d.flags(&n.Queue, &gap)
	n.Sequence = d.uint()
	n.Call = engine.CallID(d.uint())
	d.known(&n.App)
	d.known(&n.Subscriber)
	n.EventID = d.string()
	n.GapFrom = 0
	if gap {
		n.GapFrom = d.uint()
	}
	body := d.bytes()
	if err := d.done("event"); err != nil {
		return err
	}
	n.Body = append(make([]byte, 0, len(body)), body...)
	return nil
}

// decodeEventTime reads only when the event was recorded.
func decodeEventTime(b []byte) (int64, error) {
	d := decode(b)
	t := d.int()
	return t, d.err
}

// decodeEventStream reads only which stream it belongs to.
func decodeEventStream(b []byte) (id engine.StreamID, sequence uint64, err error) {
	d := decode(b)
	d.int()
	id.Kind = engine.StreamKind(d.byte())
	d.byte()
	d.byte()
	sequence = d.uint()
	d.uint()
	id.App = d.string()
	id.Subscriber = engine.Fold(d.string())
	return id, sequence, d.err
}

// A row of att/. The stream and the event are looked up by its key.
func appendAttempt(b []byte, a *engine.Attempt) []byte {
	b = append(b, version1)
	b = appendString(b, a.Stream.App)
	b = appendString(b, a.Stream.Subscriber)
	b = append(b, byte(a.Stream.Kind))
	b = binary.AppendUvarint(b, a.Sequence)
	b = binary.AppendUvarint(b, a.Index)
	b = binary.AppendUvarint(b, uint64(a.Number))
	b = binary.AppendVarint(b, a.At)
	b = binary.AppendVarint(b, a.Took)
	b = binary.AppendVarint(b, int64(a.Status))
	b = appendString(b, a.Error)
	b = binary.AppendVarint(b, a.NextAt)
	b = appendFlags(b, a.Redelivery, a.Response != "")
	if a.Response != "" {
		b = appendString(b, a.Response)
	}
	return b
}

func decodeAttempt(b []byte) (engine.Attempt, error) {
	d := decode(b)
	var a engine.Attempt
	a.Stream.App = d.string()
	a.Stream.Subscriber = d.string()
	a.Stream.Kind = engine.StreamKind(d.byte())
	a.Sequence = d.uint()
	a.Index = d.uint()
	a.Number = d.uint32()
	a.At = d.int()
	a.Took = d.int()
	a.Status = int(d.int())
	a.Error = d.string()
	a.NextAt = d.int()
	var response bool
	d.flags(&a.Redelivery, &response)
	if response {
		a.Response = d.string()
	}
	return a, d.done("attempt")
}
