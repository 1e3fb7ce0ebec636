package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrExists: there is something where a copy was to be made.
var ErrExists = errors.New("there is something already")

// aside is what a copy is called until it is whole.
const aside = ".part"

// Backup makes a checkpoint, with those of the named files beside it that are
// there. dir appears when the copy is whole. A copy has no witness: it gets one
// when it is opened.
//
// Errors: ErrExists, ErrClosed, and those of the file system.
func (s *Store) Backup(dir string, beside ...string) error {
	return appears(dir, func(part string) error {
		at := filepath.Join(part, "db") // which Pebble makes, open to all until it is whole
		if err := s.Checkpoint(at); err != nil {
			return err
		}
		files, err := os.ReadDir(at)
		for _, f := range files {
			err = errors.Join(err, os.Rename(filepath.Join(at, f.Name()), filepath.Join(part, f.Name())))
		}
		if err = errors.Join(err, os.Remove(at)); err != nil {
			return err
		}
		for _, name := range beside {
			if err := copyFile(filepath.Join(s.dir, name), filepath.Join(part, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	})
}

// Copy copies a directory that nobody has open, with all files in it but those
// that skip names. to must not be there; it appears when the copy is whole.
//
// Errors: ErrInUse, ErrDamaged, ErrNewerFormat, ErrExists, those of the file
// system, and fs.ErrNotExist where there is no database.
func Copy(ctx context.Context, from, to string, skip func(name string) bool) (err error) {
	if _, err := LookThrough(ctx, from); err != nil { // a damaged one is no backup
		return err
	}
	lock, err := hold(from)
	if err != nil {
		return err
	}
	if lock == nil {
		return fmt.Errorf("%s has no data of offhook: %w", from, fs.ErrNotExist)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	return appears(to, func(part string) error {
		files, err := os.ReadDir(from)
		if err != nil {
			return err
		}
		for _, f := range files {
			if !f.Type().IsRegular() || f.Name() == "LOCK" || strings.HasPrefix(f.Name(), ".tmp-") || skip(f.Name()) {
				continue
			}
			if err := copyFile(filepath.Join(from, f.Name()), filepath.Join(part, f.Name())); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return nil
	})
}

// copyFile makes a durable copy that nobody else can read.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from) // #nosec G304 -- in a directory that the operator names
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // #nosec G304 -- as above
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

// appears fills a directory aside, and gives it its name when all of it is on
// the disk. What was left aside by somebody who died is in the way: it is named.
func appears(dir string, fill func(part string) error) (err error) {
	dir = filepath.Clean(dir)
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("%s: %w", dir, ErrExists)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	part := dir + aside
	if err := os.Mkdir(part, dirMode); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s, of a copy that was not finished: %w; remove it if none is being made", part, ErrExists)
	} else if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(part))
		}
	}()
	if err := fill(part); err != nil {
		return err
	}
	if err := syncDir(part); err != nil {
		return err
	}
	if err := os.Rename(part, dir); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

func syncDir(dir string) error {
	f, err := os.Open(dir) // #nosec G304 -- a directory that the operator names
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
