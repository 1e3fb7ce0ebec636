package store

import (
	"encoding/binary"
	"slices"

	"offhook/engine"
)

// traces puts what a step did to calls behind what is known of them.
func (s *submission) traces(all []engine.Trace) {
	for i := range all {
		call := all[i].Call
		if call == 0 || slices.ContainsFunc(all[:i], func(t engine.Trace) bool { return t.Call == call }) {
			continue // of no call, or with those before it
		}
		at := max(s.now(), 0)
		from := len(s.buf)
		s.buf = logKey(s.buf, at, call)
		mid := len(s.buf)
		s.buf = appendPiece(s.buf, at%dayMs%sliceMs, all[i:])
		s.add(opMerge, from, mid)
	}
}

// replaced notes what a call that is over went on as: its row was written
// before anybody knew.
func (s *submission) replaced(call, by engine.CallID) {
	from := len(s.buf)
	s.buf = nextKey(s.buf, call)
	mid := len(s.buf)
	s.buf = appendNumber(s.buf, uint64(by))
	s.add(opSet, from, mid)
	from = len(s.buf)
	s.buf = oldNextKey(s.buf, s.now(), call)
	mid = len(s.buf)
	s.buf = append(s.buf, version1)
	s.add(opSet, from, mid)
}

// past lists a call that is over for each app it belongs to.
func (s *submission) past(streams []engine.Stream, c *engine.Call) {
	for i := range streams {
		if !streams[i].Linked {
			continue
		}
		from := len(s.buf)
		s.buf = pastKey(s.buf, streams[i].App, c.ReleasedAt, c.ID)
		mid := len(s.buf)
		s.buf = appendFlags(append(s.buf, version1, byte(c.Direction), byte(c.Cause)), c.AnsweredAt != 0)
		s.add(opSet, from, mid)
	}
}

// parsePastKey reads a key of past/.
func parsePastKey(k []byte) (app string, place engine.HistoryPlace, err error) {
	if len(k) < len(prefixPast)+1 {
		return "", place, errKey
	}
	app, rest, err := text(k[len(prefixPast)+1:])
	if err != nil || len(rest) != 8+8 {
		return "", place, errKey
	}
	place.ReleasedAt = int64(binary.BigEndian.Uint64(rest)) // #nosec G115 -- it was one
	place.Call = engine.CallID(binary.BigEndian.Uint64(rest[8:]))
	return app, place, nil
}

// decodePast reads what filters look at.
func decodePast(b []byte) (direction engine.Direction, cause engine.Cause, answered bool, err error) {
	d := decode(b)
	direction, cause = engine.Direction(d.byte()), engine.Cause(d.byte())
	d.flags(&answered)
	return direction, cause, answered, d.done("past call")
}
