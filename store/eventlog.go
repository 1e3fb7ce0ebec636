package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"offhook/engine"
)

// indexOf finds where in the log an event of a stream is.
func (s *Store) indexOf(stream engine.StreamID, sequence uint64) (index uint64, found bool, err error) {
	return indexFrom(s.db, stream, sequence)
}

func indexFrom(r pebble.Reader, stream engine.StreamID, sequence uint64) (index uint64, found bool, err error) {
	found, err = getFrom(r, appendSequence(streamKey(nil, prefixAt, stream), sequence), func(v []byte) (err error) {
		index, err = decodeNumber(v)
		return err
	})
	return index, found, err
}

func (s *Store) event(app string, index uint64, ev *engine.StoredEvent) (found bool, err error) {
	ev.Index, ev.App = index, app
	found, err = s.get(eventKey(nil, app, index), func(v []byte) error { return decodeEvent(v, &ev.Notification) })
	if err != nil {
		err = fmt.Errorf("read event %d: %w", index, err)
	}
	return found, err
}

// Event returns an event of a stream that is durable and still kept, whether
// it waits or not.
func (s *Store) Event(stream engine.StreamID, sequence uint64) (ev engine.StoredEvent, found bool, err error) {
	if err := s.use(); err != nil {
		return ev, false, err
	}
	defer s.done()
	index, found, err := s.indexOf(stream, sequence)
	if err != nil || !found || index > s.Durable() {
		return ev, false, err
	}
	found, err = s.event(stream.App, index, &ev)
	return ev, found, err
}

// Events calls fn for the events of an app behind an index, in the order of
// the log and no further than what is durable; at most limit of them, 0 for
// all. All the app's events from oldest on are kept: a reader whose last index
// is less than oldest-1 may have missed some.
func (s *Store) Events(app string, behind uint64, limit int, fn func(engine.StoredEvent) error) (oldest uint64, err error) {
	if err := s.use(); err != nil {
		return 0, err
	}
	defer s.done()
	durable := s.Durable()
	it, err := s.db.NewIter(&pebble.IterOptions{
		LowerBound: eventKey(nil, app, behind+1), UpperBound: eventKey(nil, app, durable+1),
	})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	// Read after the view of the log was taken: if a sweep came in between, a
	// gap is claimed that is not there yet, and never the other way round.
	trimmed, err := s.number(trimKey(app))
	if err != nil {
		return 0, err
	}
	if behind >= durable {
		return trimmed + 1, nil
	}
	n := 0
	for ok := it.First(); ok && (limit <= 0 || n < limit); ok = it.Next() {
		_, index, err := parseEventKey(it.Key())
		if err != nil {
			return 0, fmt.Errorf("read events: %w", err)
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return 0, err
		}
		ev := engine.StoredEvent{Index: index}
		if err := decodeEvent(value, &ev.Notification); err != nil {
			return 0, fmt.Errorf("read event %d: %w", index, err)
		}
		if err := fn(ev); err != nil {
			return 0, err
		}
		n++
	}
	return trimmed + 1, it.Error()
}

func trimKey(app string) string { return string(appendText(appendGroup(nil, prefixTrim), app)) }
