package store

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"offhook/engine"
)

// ended removes calls that ended long ago, and what is known of them.
func (w *sweep) ended() error {
	// First what leads to them.
	if err := w.pasts(); err != nil {
		return err
	}
	if err := w.days(); err != nil {
		return err
	}
	remove := func(prefix string) func(*pebble.Batch, []byte) (int64, error) {
		return func(batch *pebble.Batch, rest []byte) (int64, error) {
			return 0, batch.Delete(append(appendGroup(nil, prefix), rest...), nil)
		}
	}
	return errors.Join(w.aged(oldCall, w.history, remove(prefixCall)), w.aged(oldNext, w.history, remove(prefixNext)))
}

// pasts removes the old rows of past/, those of each app as one range.
func (w *sweep) pasts() error {
	from := []byte(prefixPast)
	for {
		var app string
		old, found := false, false
		err := w.s.scan([]byte(prefixPast), from, func(k, _ []byte) (bool, error) {
			var place engine.HistoryPlace
			var err error
			if app, place, err = parsePastKey(k); err == nil {
				found, old = true, place.ReleasedAt < w.history
			}
			return false, err
		})
		if err != nil || !found {
			return err
		}
		of := appendText(appendGroup(nil, prefixPast), app)
		if old {
			if err := w.cut(of, pastKey(nil, app, w.history, 0)); err != nil {
				return err
			}
		}
		from = after(of)
	}
}

// days removes the days of log/ that are over and old. Calls that lasted longer
// than calls are kept lose the beginning of their timelines.
func (w *sweep) days() error {
	from, end := appendGroup(nil, prefixLog), logDay(nil, w.history/dayMs)
	old := false
	err := w.s.scan(from, nil, func(k, _ []byte) (bool, error) {
		old = bytes.Compare(k, end) < 0
		return false, nil
	})
	if err != nil || !old {
		return err
	}
	return w.cut(from, end)
}

// cut removes rows from a key to before another.
func (w *sweep) cut(from, end []byte) error {
	batch := w.s.db.NewBatch()
	err := batch.DeleteRange(from, end, nil)
	if err == nil {
		err = w.apply(batch)
	}
	return errors.Join(err, batch.Close())
}

// once removes an idempotency key that was used long ago. The row may have been
// written again since: then another row of age/ speaks for it.
func (w *sweep) once(batch *pebble.Batch, rest []byte) (again int64, err error) {
	row := append([]byte(prefixOnce), rest...)
	var at int64
	found, err := w.s.get(row, func(v []byte) error {
		record, err := w.s.sealer.open(row, v)
		if err != nil {
			return err
		}
		d := decode(record)
		at = d.int()
		return d.err
	})
	if err != nil || !found || at >= w.keys {
		return 0, err
	}
	return 0, batch.Delete(row, nil)
}
