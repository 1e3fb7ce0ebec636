package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"offhook/engine"
)

// dropStep is how many rows are removed in one batch.
const dropStep = 1000

// Waiting calls fn with the first waiting event of each stream, in the order
// of their keys, behind a stream (the zero StreamID for the start); for at
// most limit streams, 0 for all. Events that are not durable yet are left out.
func (s *Store) Waiting(behind engine.StreamID, limit int, fn func(engine.Waiting) error) (err error) {
	if err := s.use(); err != nil {
		return err
	}
	defer s.done()
	if err := s.lazy.flush(); err != nil {
		return err
	}
	it, err := s.newIter(prefixWait)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	durable := s.Durable()
	ok := false
	if behind == (engine.StreamID{}) {
		ok = it.First()
	} else {
		ok = it.SeekGE(after(streamKey(nil, prefixWait, behind)))
	}
	for n := 0; ok && (limit <= 0 || n < limit); {
		w, err := waitRow(it)
		if err != nil {
			return err
		}
		next := after(it.Key()[:len(it.Key())-8])
		if w.Index <= durable {
			if err := fn(w); err != nil {
				return err
			}
			n++
		}
		ok = it.SeekGE(next)
	}
	return it.Error()
}

// WaitingOf is Waiting for the streams of one webhook: those behind a
// subscriber, "" for all.
func (s *Store) WaitingOf(app string, kind engine.StreamKind, behind string, limit int, fn func(engine.Waiting) error) (err error) {
	if err := s.use(); err != nil {
		return err
	}
	defer s.done()
	if err := s.lazy.flush(); err != nil {
		return err
	}
	it, err := s.newIter(prefixWait)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	durable, n := s.Durable(), 0
	slot := 0
	from := appendText(appendSlotted(nil, prefixWait, 0), app)
	if behind != "" {
		id := engine.StreamOf(app, behind, kind)
		slot, from = int(engine.SlotOf(id.Subscriber)), after(streamKey(nil, prefixWait, id))
	}
	for {
		end := after(appendText(appendSlotted(nil, prefixWait, uint16(slot)), app))
		for ok := it.SeekGE(from); ok && pebble.DefaultComparer.Compare(it.Key(), end) < 0; {
			w, err := waitRow(it)
			if err != nil {
				return err
			}
			next := after(it.Key()[:len(it.Key())-8])
			if w.Stream.Kind == kind && w.Index <= durable {
				if err := fn(w); err != nil {
					return err
				}
				if n++; n == limit {
					return nil
				}
			}
			ok = it.SeekGE(next)
		}
		if slot++; slot == engine.Slots {
			return it.Error()
		}
		from = appendText(appendSlotted(nil, prefixWait, uint16(slot)), app)
	}
}

func waitRow(it *pebble.Iterator) (w engine.Waiting, err error) {
	if w.Stream, w.Sequence, err = parseStreamKey(it.Key(), prefixWait); err != nil {
		return w, fmt.Errorf("read waiting events: %w", err)
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return w, err
	}
	w.Index, err = decodeNumber(value)
	return w, err
}

// Next returns the first waiting event of a stream behind a sequence number,
// if there is one that is durable.
func (s *Store) Next(stream engine.StreamID, behind uint64) (ev engine.StoredEvent, found bool, err error) {
	if err := s.use(); err != nil {
		return ev, false, err
	}
	defer s.done()
	if s.fresh.get(stream, behind+1, &ev) && ev.Index <= s.Durable() {
		return ev, true, nil
	}
	ev = engine.StoredEvent{}
	key := streamKey(nil, prefixWait, stream)
	end := after(key)
	key = appendSequence(key, behind+1)

	// Nearly always the very next one waits, and a point read is cheaper.
	var index uint64
	if _, err = s.get(key, func(v []byte) (err error) { index, err = decodeNumber(v); return err }); err != nil {
		return ev, false, err
	}
	if index == 0 {
		if index, err = s.firstIndex(key, end); err != nil {
			return ev, false, err
		}
	}
	if index == 0 || index > s.Durable() {
		return ev, false, nil
	}
	if found, err = s.event(stream.App, index, &ev); err == nil && !found {
		err = fmt.Errorf("event %d waits and is not in the log", index)
	}
	return ev, found, err
}

// firstIndex is the index of the first waiting event between two keys, or 0.
// The first key says what was delivered: those rows may be deleted already,
// and walking over many of them would be slow.
func (s *Store) firstIndex(from, end []byte) (index uint64, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: end})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	if !it.First() {
		return 0, it.Error()
	}
	w, err := waitRow(it)
	return w.Index, err
}

// Delivered says that an event was accepted and waits no more. It is written
// some time later; if that is lost, the event is delivered once more.
func (s *Store) Delivered(stream engine.StreamID, sequence uint64) {
	s.fresh.forget(stream, sequence)
	s.lazy.delivered(stream, sequence)
	s.journal.waiting.Add(-1)
}

// DropWaiting lets the events of an app's webhook, up to an index, wait no
// more: the webhook they waited for is gone. They stay in the log.
func (s *Store) DropWaiting(app string, kind engine.StreamKind, through uint64) error {
	s.fresh.drop(func(e *freshEvent) bool { return e.App == app && e.Kind == kind && e.Index <= through })
	return s.drop(func(it *pebble.Iterator, remove func() error) error {
		for ok := it.First(); ok; {
			id, _, err := parseStreamKey(it.Key(), prefixWait)
			if err != nil {
				return err
			}
			slot := binary.BigEndian.Uint16(it.Key()[len(prefixWait)+1:])
			switch {
			case id.App < app: // on to the app, in this slot
				ok = it.SeekGE(appendText(appendSlotted(nil, prefixWait, slot), app))
			case id.App > app:
				ok = it.SeekGE(after(appendSlotted(nil, prefixWait, slot)))
			case id.Kind != kind:
				ok = it.SeekGE(after(streamKey(nil, prefixWait, id)))
			default:
				w, err := waitRow(it)
				if err == nil && w.Index <= through {
					err = remove()
				}
				if err != nil {
					return err
				}
				ok = it.Next()
			}
		}
		return it.Error()
	})
}

// drop removes rows of wait/, some at a time, and syncs. walk calls remove for
// each row to go, with the iterator at it.
func (s *Store) drop(walk func(it *pebble.Iterator, remove func() error) error) (err error) {
	if err := s.use(); err != nil {
		return err
	}
	defer s.done()
	if err := errors.Join(s.journal.failure(), s.lazy.flush()); err != nil {
		return fmt.Errorf("drop waiting events: %w", err)
	}
	it, err := s.newIter(prefixWait)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()

	batch := s.db.NewBatch()
	defer func() { err = errors.Join(err, batch.Close()) }()
	var gone int64
	err = walk(it, func() error {
		if batch.Count() == dropStep {
			if err := errors.Join(batch.Commit(pebble.NoSync), s.journal.failure()); err != nil {
				return err
			}
			batch.Reset()
		}
		gone++
		return batch.Delete(it.Key(), nil)
	})
	if err == nil && gone > 0 {
		err = errors.Join(batch.Commit(pebble.Sync), s.journal.failure())
	}
	if err != nil {
		return fmt.Errorf("drop waiting events: %w", err)
	}
	s.journal.waiting.Add(-gone)
	return nil
}

// Attempt notes one try to deliver. It is written some time later, and not at
// all when too many wait to be.
func (s *Store) Attempt(a engine.Attempt) {
	if !s.lazy.attempt(a) {
		s.opts.Metrics.attemptDropped()
	}
}

// Attempts returns the tries to deliver an event that are still kept, oldest
// first.
func (s *Store) Attempts(stream engine.StreamID, sequence uint64) (list []engine.Attempt, err error) {
	if err := s.use(); err != nil {
		return nil, err
	}
	defer s.done()
	if err := s.lazy.flush(); err != nil {
		return nil, err
	}
	index, found, err := s.indexOf(stream, sequence)
	if err != nil || !found {
		return nil, err
	}
	err = s.scan(attemptKey(nil, stream.App, index), nil, func(_, v []byte) (bool, error) {
		a, err := decodeAttempt(v)
		list = append(list, a)
		return true, err
	})
	return list, err
}
