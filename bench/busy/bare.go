package busy

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"offhook/store"
)

// Bare is a Pebble database set up as the store's, with nothing around it.
type Bare struct {
	db   *pebble.DB
	tape *Tape
}

// OpenBare makes one in a directory.
func OpenBare(dir string, t *Tape) (*Bare, error) {
	opts := store.Tuning(store.Options{})
	opts.Logger = quiet{}
	db, err := pebble.Open(dir, opts)
	return &Bare{db: db, tape: t}, err
}

// Close lets go of the directory.
func (b *Bare) Close() error { return b.db.Close() }

// quiet is a logger that has nothing to say but the end.
type quiet struct{}

func (quiet) Infof(string, ...any)           {}
func (quiet) Errorf(string, ...any)          {}
func (quiet) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

var indexKey = []byte("meta/index")

// add puts the rows of a transition into a batch.
func (u unit) add(batch *pebble.Batch) error {
	for i := range u {
		var err error
		switch r := &u[i]; {
		case r.gone:
			err = batch.Delete(r.key, nil)
		case r.merged:
			err = batch.Merge(r.key, r.value, nil)
		default:
			err = batch.Set(r.key, r.value, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// commit ends a batch as the store ends one, and syncs it.
func (b *Bare) commit(batch *pebble.Batch) error {
	index := binary.BigEndian.AppendUint64(make([]byte, 0, 9), b.tape.index.Load())
	if err := batch.Set(indexKey, append(index, 1), nil); err != nil {
		return err
	}
	err := batch.Commit(pebble.Sync)
	return errors.Join(err, batch.Close())
}

type waiting struct {
	unit unit
	done chan error
}

// Busy commits the transitions of so many phones, all at once and each one after
// the other, for a round. One committer takes what waits and commits it as one
// batch. In the end as many events are found as there were transitions.
func (b *Bare) Busy(ctx context.Context, phones int, round time.Duration) (*Result, error) {
	writers := make([]*Writer, phones)
	r, err := b.coalesced(ctx, phones, round, func(n int) func() unit {
		writers[n] = b.tape.Writer(n)
		return writers[n].next
	})
	if err != nil {
		return nil, err
	}
	return r, b.verify(writers)
}

// coalesced lets so many writers wait for one committer.
func (b *Bare) coalesced(ctx context.Context, writers int, round time.Duration, writer func(n int) (next func() unit)) (*Result, error) {
	in, stopped := make(chan *waiting, writers), make(chan struct{})
	go func() {
		defer close(stopped)
		b.committer(in)
	}()
	r, err := Closed(ctx, writers, round, func(n int) func() error {
		next, u := writer(n), &waiting{done: make(chan error, 1)}
		return func() error {
			u.unit = next()
			in <- u
			return <-u.done
		}
	})
	close(in)
	<-stopped
	return r, err
}

func (b *Bare) committer(in <-chan *waiting) {
	var group []*waiting
	for u := range in {
		batch := b.db.NewBatch()
		var err error
		for group = group[:0]; u != nil; {
			group = append(group, u)
			err = errors.Join(err, u.unit.add(batch))
			select {
			case u = <-in:
			default:
				u = nil
			}
		}
		err = errors.Join(err, b.commit(batch))
		for _, u := range group {
			u.done <- err
		}
	}
}

// One commits the transitions of one phone, each with a sync of its own.
func (b *Bare) One(ctx context.Context, round time.Duration) (*Result, error) {
	w := b.tape.Writer(0)
	r, err := Closed(ctx, 1, round, func(int) func() error {
		return func() error {
			batch := b.db.NewBatch()
			if err := w.next().add(batch); err != nil {
				return err
			}
			return b.commit(batch)
		}
	})
	if err != nil {
		return nil, err
	}
	return r, b.verify([]*Writer{w})
}

// verify counts the events of a sample of phones.
func (b *Bare) verify(writers []*Writer) error {
	for i := 0; i < len(writers); i += max(1, len(writers)/16) {
		w := writers[i]
		if w == nil || w.step == 0 {
			continue
		}
		for _, r := range w.unit { // of its last transition
			_, closer, err := b.db.Get(r.key)
			if found := !errors.Is(err, pebble.ErrNotFound); found == r.gone {
				return fmt.Errorf("bare: the row %q of the last transition: found %t", r.key, found)
			}
			if err == nil {
				err = closer.Close()
			} else if errors.Is(err, pebble.ErrNotFound) {
				err = nil
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Sync appends blocks of a size to a file, each with a sync of its own, for a
// round: no database can be durable sooner.
func Sync(ctx context.Context, dir string, size int, round time.Duration) (r *Result, err error) {
	f, err := os.Create(filepath.Join(dir, "sync")) // #nosec G304 -- a directory of our own
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	block := make([]byte, size)
	return Closed(ctx, 1, round, func(int) func() error {
		return func() error {
			if _, err := f.Write(block); err != nil {
				return err
			}
			return f.Sync()
		}
	})
}
