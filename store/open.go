package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// format is the format of the keyspace and of everything in it. An offhook
// reads those up to its own, and makes a directory its own when it opens it:
// one of before refuses it from then on.
//
//	1  0.1, 0.2
//	2  rows that 0.1 takes for damaged: sealed ones, and fields it does not know
//	3  rows of subscribers that go on behind the record
//	4  calls with more than a state: conferences, recordings, where they went
const format = 4

// pebbleFormat is fixed here, so that a newer library does not raise the
// format of a directory behind our back: that cannot be undone.
const pebbleFormat = pebble.FormatValueSeparation

// openBeside is what is open beside Pebble's tables: logs, the manifest, the
// lock, the witness, directories, tables in the making.
const openBeside = 7

const dirMode = 0o700 // webhook secrets and providers' passwords are inside

func (s *Store) openDB() error {
	fs, dir := s.opts.FS, s.dir
	if err := fs.MkdirAll(dir, dirMode); err != nil {
		return fmt.Errorf("make data directory %s: %w", dir, err)
	}
	if info, err := fs.Stat(dir); err == nil && fs == vfs.Default && info.Mode().Perm()&0o007 != 0 {
		s.log.Warn("the data directory holds secrets and is open to all users; chmod 700 it", "dir", dir)
	}
	lock, err := pebble.LockDirectory(dir, fs)
	switch {
	// Within one process, Pebble itself notices, and has no name for it.
	case errors.Is(err, syscall.EAGAIN), err != nil && strings.Contains(err.Error(), "lock held by current process"):
		return fmt.Errorf("open %s: %w: stop the other offhook, or give this one another data_dir", dir, ErrInUse)
	case err != nil:
		return fmt.Errorf("lock data directory %s: %w", dir, err)
	}
	s.lock = lock
	if _, err := pebble.Peek(dir, fs); err != nil && strings.Contains(err.Error(), "unknown format major version") {
		return s.newer()
	}
	s.space.watch(s)
	if s.opts.MemTable == 0 {
		s.opts.MemTable = s.space.memTable()
	}
	if err := s.space.opens(s.opts.MemTable); err != nil {
		return err
	}
	var disk vfs.FS = ordered{calm{patient{FS: fs, log: s.log}, s.stop, &s.crowded, time.Now()}}
	if s.witness, err = openWitness(dir, disk); err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	opts := s.pebbleOptions(witnessed{disk, s.witness, dir})
	opts.Lock = lock
	if s.db, err = pebble.Open(dir, opts); err != nil {
		s.db = nil
		return fmt.Errorf("open data directory %s: %w", dir, err)
	}
	return nil
}

// pebbleOptions are those of the database on a disk.
func (s *Store) pebbleOptions(disk vfs.FS) *pebble.Options {
	opts := Tuning(s.opts)
	opts.FS, opts.Logger = disk, pebbleLogger{s}
	opts.EventListener = s.listener()
	return opts
}

// listener hears of what on the disk is not what was written, from whoever reads
// it: nothing that is read can be believed from then on.
func (s *Store) listener() *pebble.EventListener {
	return &pebble.EventListener{DataCorruption: func(is pebble.DataCorruptionInfo) {
		s.fatal(fmt.Errorf("%w: %s: %w", ErrDamaged, is.Path, is.Details))
	}}
}

// Tuning is how Pebble is set up for a store with these options. It is for what
// is measured beside one.
func Tuning(o Options) *pebble.Options {
	o = o.fill()
	if o.MemTable == 0 {
		o.MemTable = usualMem
	}
	opts := &pebble.Options{
		FS: o.FS, FormatMajorVersion: pebbleFormat,
		CacheSize: o.CacheBytes, MemTableSize: o.MemTable, MaxOpenFiles: o.OpenFiles - openBeside,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       2,
		LBaseMaxBytes:               64 << 20,
	}
	opts.CompactionConcurrencyRange = func() (int, int) { return 1, 2 }
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return opts
}

func (s *Store) newer() error {
	return fmt.Errorf("open %s: %w: start that one, or restore a backup made with this one", s.dir, ErrNewerFormat)
}

// checkFormat reads what the directory is, and writes it into a fresh one.
func (s *Store) checkFormat() error {
	have, err := s.number(keyFormat)
	switch {
	case errors.Is(err, errVersion):
		return s.newer()
	case err != nil:
		return fmt.Errorf("open %s: format: %w", s.dir, err)
	case have > format:
		return s.newer()
	}
	if have == 0 {
		return s.create()
	}
	found, err := s.get([]byte(keyInstallation), func(v []byte) (err error) {
		s.installation, err = decodeName(v)
		return err
	})
	if err != nil || !found {
		return fmt.Errorf("open %s: installation id: found %t: %w", s.dir, found, err)
	}
	if have < format { // before anything else is written, so that no older one reads what it does not know
		if err := s.db.Set([]byte(keyFormat), appendNumber(nil, format), pebble.Sync); err != nil {
			return fmt.Errorf("open %s: write format: %w", s.dir, err)
		}
		s.log.Info("the data directory has the format of this offhook now; older ones refuse it", "from", have, "to", format)
	}
	return nil
}

func (s *Store) create() error {
	empty := true
	if err := s.scan(nil, nil, func(_, _ []byte) (bool, error) { empty = false; return false, nil }); err != nil {
		return fmt.Errorf("open %s: %w", s.dir, err)
	}
	if !empty {
		return fmt.Errorf("open %s: there is a database of something else; give offhook a data_dir of its own", s.dir)
	}
	s.installation = strings.ToLower(rand.Text())
	batch := s.db.NewBatch()
	defer batch.Close()
	err := errors.Join(
		batch.Set([]byte(keyFormat), appendNumber(nil, format), nil),
		batch.Set([]byte(keyInstallation), appendName(nil, s.installation), nil),
		batch.Commit(pebble.Sync),
	)
	if err != nil {
		return fmt.Errorf("open %s: write format: %w", s.dir, err)
	}
	return nil
}

// pebbleLogger passes on what Pebble says. It says a lot, so most is for debug.
type pebbleLogger struct{ s *Store }

func (l pebbleLogger) Infof(format string, args ...any) {
	if l.s.log.Enabled(context.Background(), slog.LevelDebug) {
		l.s.log.Debug("pebble", "text", fmt.Sprintf(format, args...))
	}
}

func (l pebbleLogger) Errorf(format string, args ...any) {
	l.s.log.Error("pebble", "err", fmt.Sprintf(format, args...))
}

func (l pebbleLogger) Fatalf(format string, args ...any) {
	l.s.fatal(fmt.Errorf(format, args...))
}
