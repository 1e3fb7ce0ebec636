package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/cockroachdb/pebble/v2"

	"offhook/engine"
)

// expireMost bounds the events one gap stands for.
const expireMost = 10_000

// Expire gives up events of a stream that wait since a time that is old. In the
// place of the last of them waits a gap then, which names them and all their
// calls; it is synced before anybody can send it (design §6). It reports false
// if there is nothing to give up; if there is very much, it takes more than
// one gap, and more than one call.
//
// What is in the log up to since was for an earlier webhook: it belongs to no
// gap. The caller sees to it that nothing of the stream is on its way
// meanwhile.
func (s *Store) Expire(stream engine.StreamID, since uint64, old func(at int64) bool, now int64, eventID string) (found bool, err error) {
	if err := s.use(); err != nil {
		return false, err
	}
	defer s.done()
	if s.space.full() {
		return false, nil // another time
	}
	if err := errors.Join(s.journal.failure(), s.lazy.flush()); err != nil {
		return false, fmt.Errorf("expire: %w", err)
	}
	x := &expiry{s: s, stream: stream, since: since, old: old}
	if err := x.read(); err != nil {
		return false, fmt.Errorf("expire: %w", err)
	}
	if x.n == 0 || x.n == 1 && x.gapOnly {
		return false, nil
	}
	if err := x.write(x.gap.Notification(eventID, now)); err != nil {
		return false, fmt.Errorf("expire: %w", err)
	}
	s.journal.waiting.Add(-int64(x.n - 1))
	return true, nil
}

// expiry is one gap in the making.
type expiry struct {
	s      *Store
	stream engine.StreamID
	since  uint64
	old    func(at int64) bool

	gap     engine.Gap
	gapOnly bool
	seen    bool
	n       int
	from    uint64 // the first row
	last    engine.Waiting
}

// read goes through the rows from the first that is old to the last before one
// that is not.
func (x *expiry) read() (err error) {
	from := streamKey(nil, prefixWait, x.stream)
	it, err := x.s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: after(from)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	durable := x.s.Durable()
	for ok := it.First(); ok && x.n < expireMost; ok = it.Next() {
		w, err := waitRow(it)
		if err != nil {
			return err
		}
		if w.Index > durable {
			break
		}
		if w.Index <= x.since {
			continue
		}
		var ev engine.StoredEvent
		if found, err := x.s.event(x.stream.App, w.Index, &ev); err != nil || !found {
			return errors.Join(err, fmt.Errorf("event %d waits; in the log: %v", w.Index, found))
		}
		first := !x.seen
		x.seen = true
		switch {
		case x.old(ev.Time):
		case ev.GapFrom == 0:
			return nil
		case first:
			continue // the gap that was made last time is perhaps sent already; what is behind it is not
		}
		inner, err := gapCalls(&ev.Notification)
		if err != nil {
			return fmt.Errorf("event %d: %w", w.Index, err)
		}
		if !x.gap.Add(&ev.Notification, inner) {
			if x.n > 1 || !x.gapOnly {
				break
			}
			x.gap, x.n = engine.Gap{}, 0 // that gap is full already: another one behind it
			x.gap.Add(&ev.Notification, inner)
		}
		if x.n++; x.n == 1 {
			x.from = w.Sequence
		}
		x.gapOnly = ev.GapFrom != 0
		x.last = w
	}
	return it.Error()
}

// write puts the gap into the place of the last event and lets the others wait
// no more.
func (x *expiry) write(n engine.Notification) (err error) {
	batch := x.s.db.NewBatch()
	defer func() { err = errors.Join(err, batch.Close()) }()
	key := streamKey(nil, prefixWait, x.stream)
	prefix := key[:len(key):len(key)]
	err = errors.Join(
		batch.DeleteRange(appendSequence(prefix, x.from), appendSequence(prefix, x.last.Sequence), nil),
		batch.Set(eventKey(nil, x.stream.App, x.last.Index), appendEvent(nil, &n), nil),
	)
	if err != nil {
		return err
	}
	stream := engine.StreamOf(x.stream.App, x.stream.Subscriber, x.stream.Kind)
	x.s.fresh.drop(func(e *freshEvent) bool { return e.Sequence <= x.last.Sequence && e.place().stream == stream })
	return errors.Join(batch.Commit(pebble.Sync), x.s.journal.failure())
}

// gapCalls reads what an earlier gap names, to be named by the one that takes
// its place.
func gapCalls(n *engine.Notification) (calls []engine.GapCall, err error) {
	if n.GapFrom == 0 {
		return nil, nil
	}
	var body struct {
		Calls []struct {
			Call      string `json:"call_id"`
			State     string `json:"state"`
			Sequence  string `json:"sequence_number"`
			Timestamp int64  `json:"timestamp"`
		} `json:"calls"`
	}
	if err := json.Unmarshal(n.Body, &body); err != nil {
		return nil, err
	}
	for _, c := range body.Calls {
		id, isCall := engine.ParseCallID(c.Call)
		state, isState := engine.ParseState(c.State)
		sequence, err := strconv.ParseUint(c.Sequence, 10, 64)
		if !isCall || !isState || err != nil {
			return nil, errors.New("not a gap of ours")
		}
		calls = append(calls, engine.GapCall{Call: id, State: state, Sequence: sequence, Time: c.Timestamp})
	}
	return calls, nil
}
