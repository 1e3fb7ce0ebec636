package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"offhook/engine"
)

// Once returns what is remembered of an app's idempotency key, or nil. Of one
// key only one caller at a time may read, claim and settle.
func (s *Store) Once(app, key string) (o *engine.Once, err error) {
	if err := s.use(); err != nil {
		return nil, err
	}
	defer s.done()
	row := pairKey(nil, prefixOnce, app, key)
	_, err = s.get(row, func(v []byte) error {
		record, err := s.sealer.open(row, v)
		if err != nil {
			return err
		}
		o, err = decodeOnce(record)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load an idempotency key of app %s: %w", app, err)
	}
	if o != nil {
		o.App, o.Key = app, key
	}
	return o, nil
}

// PutOnce remembers a request from now on, answered or not, and is back when
// that is durable. Answers may hold secrets: the row is sealed.
func (s *Store) PutOnce(o *engine.Once) error {
	return s.changeOnce(o.App, func(batch *pebble.Batch) error {
		row, at := pairKey(nil, prefixOnce, o.App, o.Key), s.opts.Clock.Now()
		return errors.Join(
			batch.Set(row, s.sealer.seal(row, appendOnce(nil, o, at)), nil),
			batch.Set(oldOnceKey(nil, at, o.App, o.Key), []byte{version1}, nil),
		)
	})
}

// DropOnce forgets a request that did certainly nothing, durably: its key is
// free again.
func (s *Store) DropOnce(app, key string) error {
	return s.changeOnce(app, func(batch *pebble.Batch) error { return batch.Delete(pairKey(nil, prefixOnce, app, key), nil) })
}

func (s *Store) changeOnce(app string, fn func(*pebble.Batch) error) (err error) {
	if err := s.use(); err != nil {
		return fmt.Errorf("an idempotency key of app %s: %w", app, err)
	}
	defer s.done()
	err = s.journal.failure()
	if err == nil {
		batch := s.db.NewBatch()
		if err = fn(batch); err == nil {
			err = errors.Join(batch.Commit(pebble.Sync), s.journal.failure())
		}
		err = errors.Join(err, batch.Close())
	}
	if err != nil {
		return fmt.Errorf("an idempotency key of app %s: %w", app, err)
	}
	return nil
}

// A row of once/. The time comes first: retention looks at nothing else.
func appendOnce(b []byte, o *engine.Once, at int64) []byte {
	b = binary.AppendVarint(append(b, version1), at)
	b = append(b, o.Hash[:]...)
	a := o.Answer
	if b = appendFlags(b, a != nil, a != nil && a.Lost); a == nil {
		return b
	}
	b = binary.AppendUvarint(b, uint64(a.Status)) // #nosec G115 -- an HTTP status
	b = appendString(appendString(b, a.Type), a.Location)
	return append(binary.AppendUvarint(b, uint64(len(a.Body))), a.Body...)
}

func decodeOnce(b []byte) (*engine.Once, error) {
	d := decode(b)
	o := &engine.Once{At: d.int()}
	copy(o.Hash[:], d.take(len(o.Hash)))
	var answered, lost bool
	if d.flags(&answered, &lost); answered {
		o.Answer = &engine.Answer{Lost: lost, Status: d.length(), Type: d.string(), Location: d.string(), Body: []byte(d.string())}
	}
	if err := d.done("idempotency key"); err != nil {
		return nil, err
	}
	return o, nil
}
