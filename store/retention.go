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
// that ended with all that is known of them, and keys of requests. An event that waits is never removed.
func (s *Store) Sweep() error { return s.sweep(0) }

func (s *Store) sweep(pause time.Duration) error {
	if err := s.use(); err != nil {
		return err
	}
	defer s.done()
	if s.space.full() {
		return nil // to remove something is to write; it waits
	}
	w := &sweep{s: s, pause: pause, durable: s.Durable(), proven: map[string]uint64{}}
	w.cutoff, w.history, w.keys = s.opts.Clock.Cutoff(s.opts.Retention), s.opts.Clock.Cutoff(s.opts.History), s.opts.Clock.Cutoff(intentRetention)
	if err := w.waits(); err != nil {
		return fmt.Errorf("sweep: count waiting events: %w", err)
	}
	if err := w.logs(); err != nil {
		return fmt.Errorf("sweep: events: %w", err)
	}
	if err := w.ended(); err != nil {
		return fmt.Errorf("sweep: calls: %w", err)
	}
	if err := w.aged(oldConference, w.cutoff, w.conference); err != nil {
		return fmt.Errorf("sweep: conferences: %w", err)
	}
	if err := w.aged(oldIntent, w.keys, w.intent); err != nil {
		return fmt.Errorf("sweep: intents: %w", err)
	}
	if err := w.aged(oldOnce, w.keys, w.once); err != nil {
		return fmt.Errorf("sweep: idempotency keys: %w", err)
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
	cutoff  int64             // events from before are old
	history int64             // calls that ended before are old
	keys    int64             // idempotency keys settled before are old
	durable uint64            // when the pass began; what is newer is left alone
	first   map[string]uint64 // index of the first waiting event of each app
	proven  map[string]uint64 // events of an app before that index are old
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

// aged goes through what age/ says became old before a time. fn removes it, or
// returns when to look at it again.
func (w *sweep) aged(what byte, cutoff int64, fn func(batch *pebble.Batch, rest []byte) (again int64, err error)) error {
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
		w.s.opts.Metrics.sweptRows(oldNames[what], n)
		if err = errors.Join(err, batch.Close()); err != nil {
			return err
		}
	}
	return nil
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
			return w.s.opts.Clock.Now(), nil
		}
	} else if in.SettledAt >= w.keys {
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
