package store

import (
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"offhook/engine"
)

// attemptScan is how many rows one listing of attempts looks at, however few
// of them are wanted.
const attemptScan = 5000

// AttemptsOf calls fn for attempts that are still kept, the newest event's
// first. It does a bounded amount of work: there may be more behind last even
// if fewer came than were asked for.
func (s *Store) AttemptsOf(q engine.AttemptQuery, fn func(engine.Attempt) error) (last engine.AttemptPlace, more bool, err error) {
	if err := s.use(); err != nil {
		return last, false, err
	}
	defer s.done()
	if err := s.lazy.flush(); err != nil {
		return last, false, err
	}
	prefix := appendText(appendGroup(nil, prefixAtt), q.App)
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return last, false, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	w := attemptWalk{q: q, fn: fn, it: it, room: attemptScan, last: q.Behind}
	if q.Subscriber != "" {
		err = w.stream(s)
	} else {
		err = w.app(after(prefix))
	}
	return w.last, w.more, err
}

// attemptWalk reads rows of att/ backwards.
type attemptWalk struct {
	q    engine.AttemptQuery
	fn   func(engine.Attempt) error
	it   *pebble.Iterator // of the app's rows
	room int              // rows that may still be looked at
	n    int              // attempts told
	last engine.AttemptPlace
	more bool
}

// app walks the attempts on all events of the app.
func (w *attemptWalk) app(end []byte) error {
	if p := w.q.Behind; p != (engine.AttemptPlace{}) {
		end = placeKey(w.q.App, p)
	}
	return w.down(end, nil)
}

// stream walks the events of one stream, and the attempts on each.
func (w *attemptWalk) stream(s *Store) (err error) {
	q, p := &w.q, w.q.Behind
	stream := streamKey(nil, prefixAt, engine.StreamID{App: q.App, Subscriber: q.Subscriber, Kind: q.Kind})
	from, end := stream, after(stream)
	if q.Sequence != 0 {
		from = appendSequence(append([]byte(nil), stream...), q.Sequence)
		end = after(from)
	}
	events, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: end})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, events.Close()) }()
	ok := false
	if p == (engine.AttemptPlace{}) {
		ok = events.Last()
	} else {
		ok = events.SeekLT(after(appendSequence(append([]byte(nil), stream...), p.Sequence)))
	}
	for ; ok && !w.more; ok = events.Prev() {
		sequence := binary.BigEndian.Uint64(events.Key()[len(stream):])
		value, err := events.ValueAndErr()
		if err != nil {
			return err
		}
		index, err := decodeNumber(value)
		if err != nil {
			return err
		}
		if w.room--; w.room < 0 {
			w.more = true
			return nil
		}
		tries := attemptKey(nil, q.App, index)
		end := after(tries)
		if sequence == p.Sequence {
			end = placeKey(q.App, engine.AttemptPlace{Index: index, At: p.At, Number: p.Number})
		}
		if err := w.down(end, tries); err != nil {
			return err
		}
		if !w.more {
			w.last = engine.AttemptPlace{Index: index, Sequence: sequence} // before the first: all were looked at
		}
	}
	return events.Error()
}

// down walks from before a key as long as keys have a prefix.
func (w *attemptWalk) down(end, prefix []byte) error {
	for ok := w.it.SeekLT(end); ok; ok = w.it.Prev() {
		if pebble.DefaultComparer.Compare(w.it.Key(), prefix) < 0 {
			return nil
		}
		if w.n == w.q.Limit || w.room <= 0 {
			w.more = true
			return nil
		}
		w.room--
		value, err := w.it.ValueAndErr()
		if err != nil {
			return err
		}
		a, err := decodeAttempt(value)
		if err != nil {
			return err
		}
		w.last = a.Place()
		if a.Stream.Kind != w.q.Kind || w.q.Failed && !a.Failed() {
			continue
		}
		if err := w.fn(a); err != nil {
			return err
		}
		w.n++
	}
	return w.it.Error()
}

// placeKey is the key of the attempt at a place.
func placeKey(app string, p engine.AttemptPlace) []byte {
	k := binary.BigEndian.AppendUint64(attemptKey(nil, app, p.Index), uint64(max(p.At, 0)))
	return binary.BigEndian.AppendUint32(k, p.Number)
}
