package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"offhook/engine"
)

// PutTask stores a task. What is not asked to be durable may be missing after
// a crash, and then the row is as it was before.
func (s *Store) PutTask(t *engine.ReplayTask, durable bool) error {
	return s.changeTask(t.Range.App, t.ID, appendTask(nil, t), durable)
}

// DeleteTask forgets a task; a crash may bring it back.
func (s *Store) DeleteTask(app, id string) error { return s.changeTask(app, id, nil, false) }

// changeTask writes the row of a task, or removes it if there is no value.
func (s *Store) changeTask(app, id string, value []byte, durable bool) error {
	if err := s.use(); err != nil {
		return fmt.Errorf("task %s: %w", id, err)
	}
	defer s.done()
	err := s.journal.failure()
	if err == nil {
		key, sync := pairKey(nil, prefixTask, app, id), pebble.NoSync
		if durable {
			sync = pebble.Sync
		}
		if value == nil {
			err = s.db.Delete(key, sync)
		} else {
			err = s.db.Set(key, value, sync)
		}
		err = errors.Join(err, s.journal.failure())
	}
	if err != nil {
		return fmt.Errorf("task %s: %w", id, err)
	}
	return nil
}

// Task returns a task of an app.
func (s *Store) Task(app, id string) (t engine.ReplayTask, found bool, err error) {
	if err := s.use(); err != nil {
		return t, false, err
	}
	defer s.done()
	found, err = s.get(pairKey(nil, prefixTask, app, id), func(v []byte) (err error) {
		t, err = decodeTask(v)
		return err
	})
	if err != nil {
		return t, false, fmt.Errorf("task %s: %w", id, err)
	}
	return t, found, nil
}

// Tasks calls fn for the tasks of an app in the order of their ids; "" for
// those of all apps.
func (s *Store) Tasks(app string, fn func(engine.ReplayTask) error) error {
	if err := s.use(); err != nil {
		return err
	}
	defer s.done()
	prefix := []byte(prefixTask)
	if app != "" {
		prefix = plainKey(nil, prefixTask, app)
	}
	return s.scan(prefix, nil, func(_, v []byte) (bool, error) {
		t, err := decodeTask(v)
		if err != nil {
			return false, fmt.Errorf("tasks: %w", err)
		}
		return true, fn(t)
	})
}

// A row of task/.
func appendTask(b []byte, t *engine.ReplayTask) []byte {
	b = append(b, version1)
	b = appendString(b, t.ID)
	b = appendString(b, t.Range.App)
	b = append(b, byte(t.Range.Kind))
	b = appendString(b, t.Range.Subscriber)
	b = binary.AppendUvarint(b, t.Range.From)
	b = binary.AppendUvarint(b, t.Range.To)
	b = binary.AppendVarint(b, t.Range.Since)
	b = binary.AppendVarint(b, t.Range.Until)
	b = append(b, byte(t.State))
	b = appendFlags(b, t.More)
	for _, n := range []uint64{t.Total, t.Done, t.Delivered, t.Failed, t.Through, t.End} {
		b = binary.AppendUvarint(b, n)
	}
	b = binary.AppendVarint(b, t.CreatedAt)
	b = binary.AppendVarint(b, t.UpdatedAt)
	return appendString(b, t.Error)
}

func decodeTask(b []byte) (engine.ReplayTask, error) {
	d := decode(b)
	var t engine.ReplayTask
	t.ID = d.string()
	t.Range.App = d.string()
	t.Range.Kind = engine.StreamKind(d.byte())
	t.Range.Subscriber = d.string()
	t.Range.From, t.Range.To = d.uint(), d.uint()
	t.Range.Since, t.Range.Until = d.int(), d.int()
	t.State = engine.ReplayState(d.byte())
	d.flags(&t.More)
	for _, n := range []*uint64{&t.Total, &t.Done, &t.Delivered, &t.Failed, &t.Through, &t.End} {
		*n = d.uint()
	}
	t.CreatedAt, t.UpdatedAt = d.int(), d.int()
	t.Error = d.string()
	return t, d.done("task")
}
