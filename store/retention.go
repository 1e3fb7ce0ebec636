package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"offhook/engine"
)

const (
	intentRetention = 24 * time.Hour       // how long a settled idempotency key is remembered
	sweepStep       = 1000                 // rows removed in one batch
	sweepPause      = 5 * time.Millisecond // between two of them, for those who wait for the disk
)

var errStopped = errors.New("stopped")

// sweeper removes what is old, from time to time.
func (s *Store) sweeper() {
	defer s.stopped.Done()
	ticker := time.NewTicker(s.opts.SweepEvery)
	defer ticker.Stop()
	for first := true; ; first = false {
		if first {
			// At the start others want the disk: only what waits is counted.
			if err := s.count(); err != nil && !errors.Is(err, ErrClosed) {
				s.log.Error("waiting events not counted", "err", err)
			}
		} else if err := s.sweep(sweepPause); err != nil && !errors.Is(err, errStopped) && !errors.Is(err, ErrClosed) {
			s.log.Error("sweep", "err", err)
		}
		select {
		case <-ticker.C:
		case <-s.stop:
			return
		}
	}
}

// Sweep removes what is old, now: delivered events with their attempts, calls
// that ended, and settled intents. An event that waits is never removed.
func (s *Store) Sweep() error { return s.sweep(0) }

func (s *Store) sweep(pause time.Duration) error {
	if err := s.use(); err != nil {
		return err
	}
	defer s.done()
	w := &sweep{s: s, pause: pause, durable: s.Durable()}
	now := s.opts.Now()
	w.cutoff = now - s.opts.Retention.Milliseconds()
	if err := w.waits(); err != nil {
		return fmt.Errorf("sweep: count waiting events: %w", err)
	}
	if err := w.logs(); err != nil {
		return fmt.Errorf("sweep: events: %w", err)
	}
	if err := w.old(oldCall, w.cutoff, w.call); err != nil {
		return fmt.Errorf("sweep: calls: %w", err)
	}
	if err := w.old(oldIntent, now-intentRetention.Milliseconds(), w.intent); err != nil {
		return fmt.Errorf("sweep: intents: %w", err)
	}
	return nil
}

func (s *Store) count() error {
	if err := s.use(); err != nil {
		return err
	}
	defer s.done()
	return (&sweep{s: s, durable: s.Durable()}).waits()
}

// sweep is one pass.
type sweep struct {
	s       *Store
	pause   time.Duration
	cutoff  int64             // events and calls from before are old
	durable uint64            // when the pass began; what is newer is left alone
	first   map[string]uint64 // index of the first waiting event of each app
}

// apply commits one step and lets others go first.
func (w *sweep) apply(batch *pebble.Batch) error {
	if err := w.s.journal.failure(); err != nil {
		return err
	}
	if err := batch.Commit(pebble.NoSync); err != nil {
		return err
	}
	if w.pause == 0 {
		return nil
	}
	timer := time.NewTimer(w.pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-w.s.stop:
		return errStopped
	}
}

// waits finds the first waiting event of each app, and counts them all.
func (w *sweep) waits() error {
	if err := w.s.lazy.flush(); err != nil {
		return err
	}
	w.first = map[string]uint64{}
	before := w.s.journal.waiting.Load()
	var n int64
	err := w.s.scan([]byte(prefixWait), nil, func(k, v []byte) (bool, error) {
		id, _, err := parseStreamKey(k, prefixWait)
		if err != nil {
			return false, err
		}
		index, err := decodeNumber(v)
		if first, ok := w.first[id.App]; !ok || index < first {
			w.first[id.App] = index
		}
		if n++; n%sweepStep == 0 {
			select {
			case <-w.s.stop:
				return false, errStopped
			default:
			}
		}
		return true, err
	})
	if err == nil {
		// What changed meanwhile may or may not have been seen: a gauge.
		w.s.journal.waiting.Add(n - before)
	}
	return err
}

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
		if index >= end || at >= w.cutoff {
			return false, nil
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

// old goes through what age/ says became old before a time. fn removes it, or
// returns when to look at it again.
func (w *sweep) old(what byte, cutoff int64, fn func(batch *pebble.Batch, rest []byte) (again int64, err error)) error {
	prefix := append(appendGroup(nil, prefixAge), what)
	end := appendOld(nil, what, max(cutoff, 0))
	for more := true; more; {
		more = false
		n := 0
		batch := w.s.db.NewBatch()
		err := w.s.scan(prefix, nil, func(k, _ []byte) (bool, error) {
			if pebble.DefaultComparer.Compare(k, end) >= 0 {
				return false, nil
			}
			again, err := fn(batch, k[oldLen:])
			if err == nil {
				err = batch.Delete(k, nil)
			}
			if err == nil && again != 0 {
				err = batch.Set(append(appendOld(nil, what, again), k[oldLen:]...), []byte{version1}, nil)
			}
			n++
			more = n == sweepStep
			return err == nil && !more, err
		})
		if err == nil && n > 0 {
			err = w.apply(batch)
		}
		w.s.opts.Metrics.sweptRows(map[byte]string{oldCall: "call", oldIntent: "intent"}[what], n)
		if err = errors.Join(err, batch.Close()); err != nil {
			return err
		}
	}
	return nil
}

func (w *sweep) call(batch *pebble.Batch, rest []byte) (int64, error) {
	return 0, batch.Delete(append(appendGroup(nil, prefixCall), rest...), nil)
}

// intent removes an idempotency key that was settled long ago. The row may
// have been written again since: then another row of age/ speaks for it.
func (w *sweep) intent(batch *pebble.Batch, rest []byte) (again int64, err error) {
	key := append(appendGroup(nil, prefixIdem), rest...)
	var in *engine.Intent
	found, err := w.s.get(key, func(v []byte) (err error) {
		in, err = decodeIntent(v)
		return err
	})
	if err != nil || !found {
		return 0, err
	}
	now := w.s.opts.Now()
	if in.Open() {
		// Open for a day: its subscriber is gone, or its provider cannot be
		// reached. It must not be forgotten while the owner still waits.
		folded, err := intentOwner(rest)
		if err != nil {
			return 0, err
		}
		sub, err := w.s.load(folded)
		if err != nil {
			return 0, err
		}
		if sub != nil && !sub.Deleted {
			return now, nil
		}
	} else if in.SettledAt >= now-intentRetention.Milliseconds() {
		return 0, nil
	}
	return 0, batch.Delete(key, nil)
}

// intentOwner reads the subscriber out of the rest of a key of idem/.
func intentOwner(rest []byte) (folded string, err error) {
	if len(rest) < 2 {
		return "", errKey
	}
	_, rest, err = text(rest[2:])
	if err != nil {
		return "", err
	}
	folded, _, err = text(rest)
	return folded, err
}
