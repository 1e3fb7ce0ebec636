package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Look says whether a directory could be opened, and leaves it as it is. There
// is nothing to say about one that is not there yet.
//
// Errors: ErrInUse, ErrNewerFormat, ErrDamaged, and those of the file system.
func Look(dir string) error {
	_, err := look(context.Background(), dir, nil)
	return err
}

// LookThrough does what Look does and reads the rows too, until all were read or
// the context ends: so it finds what is damaged in them. It reports whether it
// came to the end.
func LookThrough(ctx context.Context, dir string) (whole bool, err error) {
	return look(ctx, dir, (*Store).readAll)
}

// readAll reads every row, and with it the checksum of every block.
func (s *Store) readAll(ctx context.Context) (whole bool, err error) {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		if _, err := it.ValueAndErr(); err != nil {
			return false, err
		}
		if n++; n%sweepStep == 0 && ctx.Err() != nil {
			return false, nil
		}
	}
	return true, it.Error()
}

func look(ctx context.Context, dir string, read func(*Store, context.Context) (bool, error)) (whole bool, err error) {
	lock, err := hold(dir)
	if err != nil || lock == nil {
		return true, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	w := &witness{}
	switch err := w.load(vfs.Default, vfs.Default.PathJoin(dir, witnessName)); {
	case errors.Is(err, fs.ErrNotExist): // a directory of before
	case err != nil:
		return false, err
	default:
		if err := w.verify(dir, vfs.Default); err != nil {
			return false, err
		}
	}
	var fatal atomic.Pointer[error] // what Pebble would end the process for
	last := func(err error) { fatal.CompareAndSwap(nil, &err) }
	s := &Store{dir: dir, opts: Options{Exit: func(int) {}, LastWords: last}.fill(), log: slog.New(slog.DiscardHandler)}
	defer func() {
		if f := fatal.Load(); f != nil {
			whole, err = false, *f
		}
	}()
	opts := s.pebbleOptions(vfs.Default)
	opts.ReadOnly, opts.Lock = true, lock
	if s.db, err = pebble.Open(dir, opts); err != nil {
		return false, fmt.Errorf("look at %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, s.db.Close()) }()
	if have, err := s.number(keyFormat); errors.Is(err, errVersion) || have > format {
		return false, s.newer()
	} else if err != nil {
		return false, fmt.Errorf("look at %s: format: %w", dir, err)
	}
	if read == nil {
		return false, nil
	}
	return read(s, ctx)
}

// hold locks a directory that has a database, so that nobody opens it
// meanwhile. The lock is nil for one that has none.
func hold(dir string) (*pebble.Lock, error) {
	is, err := pebble.Peek(dir, vfs.Default)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !is.Exists:
		return nil, nil
	case err != nil && strings.Contains(err.Error(), "unknown format major version"):
		return nil, (&Store{dir: dir}).newer()
	case err != nil:
		return nil, fmt.Errorf("look at %s: %w", dir, err)
	}
	lock, err := pebble.LockDirectory(dir, vfs.Default)
	switch {
	case errors.Is(err, syscall.EAGAIN), err != nil && strings.Contains(err.Error(), "lock held by current process"):
		return nil, fmt.Errorf("%s: %w", dir, ErrInUse)
	case err != nil:
		return nil, fmt.Errorf("lock data directory %s: %w", dir, err)
	}
	return lock, nil
}
