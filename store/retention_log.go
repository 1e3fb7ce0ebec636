package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// logs goes through the logs of all apps, known or deleted.
func (w *sweep) logs() error {
	from := []byte(prefixEv)
	for {
		app := ""
		found := false
		err := w.s.scan([]byte(prefixEv), from, func(k, _ []byte) (bool, error) {
			var err error
			app, _, err = parseEventKey(k)
			found = true
			return false, err
		})
		if err != nil || !found {
			return err
		}
		if err := w.log(app); err != nil {
			return fmt.Errorf("app %s: %w", app, err)
		}
		from = after(appendText(appendGroup(nil, prefixEv), app))
	}
}

// log removes the old events of one app. Those before the first that waits go
// as one range; behind it each is looked at by itself.
func (w *sweep) log(app string) error {
	low, ok := w.first[app]
	if !ok {
		low = w.durable + 1
	}
	last, err := w.streamIndex(app, low)
	if err != nil {
		return err
	}
	if last > 0 {
		batch := w.s.db.NewBatch()
		defer batch.Close()
		err := errors.Join(
			batch.DeleteRange(eventKey(nil, app, 0), eventKey(nil, app, last+1), nil),
			batch.DeleteRange(attemptKey(nil, app, 0), attemptKey(nil, app, last+1), nil),
			w.trim(batch, app, last),
		)
		if err = errors.Join(err, w.apply(batch)); err != nil {
			return err
		}
	}
	if !ok {
		return nil
	}
	return w.among(app, low)
}

// trim notes how far the log has holes. That never goes back: an event that
// waited for long is removed after younger ones.
func (w *sweep) trim(batch *pebble.Batch, app string, index uint64) error {
	have, err := w.s.number(trimKey(app))
	if err != nil || have >= index {
		return err
	}
	return batch.Set([]byte(trimKey(app)), appendNumber(nil, index), nil)
}

// oldEvents walks the old events of an app from an index to before another,
// a step at a time, and reports where it stopped.
func (w *sweep) oldEvents(app string, from, end uint64, fn func(index uint64, value []byte) error) (next uint64, more bool, err error) {
	n := 0
	next = from
	prefix := appendText(appendGroup(nil, prefixEv), app)
	err = w.s.scan(prefix, eventKey(nil, app, from), func(k, v []byte) (bool, error) {
		_, index, err := parseEventKey(k)
		if err != nil {
			return false, err
		}
		at, err := decodeEventTime(v)
		if err != nil {
			return false, err
		}
		if index >= end {
			return false, nil
		}
		if old, err := w.old(app, index, at); !old || err != nil {
			return false, err
		}
		if err := fn(index, v); err != nil {
			return false, err
		}
		next = index + 1
		if n++; n == sweepStep {
			more = true
			return false, nil
		}
		return true, nil
	})
	return next, more, err
}

// old reports whether an event is. The clock was wrong when one was written
// that is from the future, and if that was before the start nobody knows for how
// long: but it is older than those behind it. Without that a log in which one
// says next year would grow until then.
func (w *sweep) old(app string, index uint64, at int64) (bool, error) {
	clock, retention := w.s.opts.Clock, w.s.opts.Retention.Milliseconds()
	if at < w.cutoff || index < w.proven[app] || clock.Since(at) >= retention {
		return true, nil
	}
	if at <= clock.Now() {
		return false, nil
	}
	prefix := appendText(appendGroup(nil, prefixEv), app)
	for step := uint64(1); index+step <= w.durable; step *= 2 {
		err := w.s.scan(prefix, eventKey(nil, app, index+step), func(k, v []byte) (bool, error) {
			_, behind, err := parseEventKey(k)
			if err != nil {
				return false, err
			}
			at, err := decodeEventTime(v)
			if at < w.cutoff || clock.Since(at) >= retention {
				w.proven[app] = behind
			}
			return false, err
		})
		if err != nil || index < w.proven[app] {
			return err == nil, err
		}
	}
	return false, nil
}

// streamIndex removes at/ rows of the old events before low and returns the
// index of the last of these.
func (w *sweep) streamIndex(app string, low uint64) (last uint64, err error) {
	for from, more := uint64(0), true; more; {
		batch := w.s.db.NewBatch()
		n := 0
		from, more, err = w.oldEvents(app, from, low, func(index uint64, v []byte) error {
			last = index
			n++
			id, sequence, err := decodeEventStream(v)
			if err != nil {
				return err
			}
			return batch.Delete(appendSequence(streamKey(nil, prefixAt, id), sequence), nil)
		})
		if err == nil && n > 0 {
			err = w.apply(batch)
		}
		w.s.opts.Metrics.sweptRows("event", n)
		if err = errors.Join(err, batch.Close()); err != nil {
			return 0, err
		}
	}
	return last, nil
}

// among removes the old events that do not wait, one by one, where others do.
func (w *sweep) among(app string, from uint64) (err error) {
	for more := true; more; {
		batch := w.s.db.NewBatch()
		n, last := 0, uint64(0)
		from, more, err = w.oldEvents(app, from, w.durable+1, func(index uint64, v []byte) error {
			id, sequence, err := decodeEventStream(v)
			if err != nil {
				return err
			}
			waits, err := w.s.get(appendSequence(streamKey(nil, prefixWait, id), sequence), func([]byte) error { return nil })
			if err != nil || waits {
				return err
			}
			n++
			last = index
			return errors.Join(
				batch.Delete(eventKey(nil, app, index), nil),
				batch.Delete(appendSequence(streamKey(nil, prefixAt, id), sequence), nil),
				w.attempts(batch, app, index),
			)
		})
		if err == nil && n > 0 {
			err = errors.Join(w.trim(batch, app, last), w.apply(batch))
		}
		w.s.opts.Metrics.sweptRows("event", n)
		if err = errors.Join(err, batch.Close()); err != nil {
			return err
		}
	}
	return nil
}

func (w *sweep) attempts(batch *pebble.Batch, app string, index uint64) error {
	return w.s.scan(attemptKey(nil, app, index), nil, func(k, _ []byte) (bool, error) {
		return true, batch.Delete(k, nil)
	})
}
