package store

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Look says whether a directory could be opened, and leaves it as it is. There
// is nothing to say about one that is not there yet.
//
// Errors: ErrInUse, ErrNewerFormat, ErrDamaged, and those of the file system.
func Look(dir string) (err error) {
	lock, err := hold(dir)
	if err != nil || lock == nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	w := &witness{}
	switch err := w.load(vfs.Default, vfs.Default.PathJoin(dir, witnessName)); {
	case errors.Is(err, fs.ErrNotExist): // a directory of before
	case err != nil:
		return err
	default:
		if err := w.verify(dir, vfs.Default); err != nil {
			return err
		}
	}
	s := &Store{dir: dir, opts: Options{}.fill(), log: slog.New(slog.DiscardHandler)}
	opts := Tuning(s.opts)
	opts.ReadOnly, opts.Lock, opts.Logger = true, lock, pebbleLogger{s}
	if s.db, err = pebble.Open(dir, opts); err != nil {
		return fmt.Errorf("look at %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, s.db.Close()) }()
	if have, err := s.number(keyFormat); errors.Is(err, errVersion) || have > format {
		return s.newer()
	} else if err != nil {
		return fmt.Errorf("look at %s: format: %w", dir, err)
	}
	return nil
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
