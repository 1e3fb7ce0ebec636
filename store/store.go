package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"offhook/engine/clock"
)

var (
	// ErrInUse: another process has the directory open.
	ErrInUse = errors.New("data directory is in use")
	// ErrNewerFormat: a later offhook wrote the directory.
	ErrNewerFormat = errors.New("data directory was written by a newer offhook")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store is closed")
)

// Options are how a store is opened. The zero Options are fit for use.
type Options struct {
	FS      vfs.FS       // zero means the operating system's
	Logger  *slog.Logger // nil for silence
	Metrics *Metrics     // nil for none

	Retention  time.Duration // how long delivered events are kept; zero means 7 days
	History    time.Duration // how long ended calls and their timelines are kept; zero means 30 days
	SweepEvery time.Duration // pause between sweeps of what is old; zero means 5 minutes, negative never by itself
	CacheBytes int64         // memory for blocks that were read; zero means 64 MiB
	MemTable   uint64        // memory for rows that were just written; zero means 64 MiB, less on a small disk
	Ahead      int           // bytes that wait from which on the next group is written while one is synced; zero means 256 KiB
	FreshBytes int           // memory for events that are about to be delivered; zero means 4 MiB, negative none
	Space      *Marks        // what is kept free on the disk; nil means UsualMarks
	OpenFiles  int           // file descriptors it may have, 80 at least; zero means 1,016

	// Keys gives the keys that secrets are sealed with, SealKeyLen bytes each:
	// the newest, then those it replaced, which only open. sealed says that the
	// directory cannot be opened without. Nil: secrets are in the clear.
	Keys func(sealed bool) ([][]byte, error)

	Clock *clock.Clock // nil means the system's

	// OnFailure is told once when a write failed; from then on nothing is
	// stored. It must not wait for anything.
	OnFailure func(error)
	// Exit ends the process when Pebble cannot go on. It should not return;
	// if it does, the store is failed. Nil means os.Exit.
	Exit func(code int)
	// LastWords is told why before that. Nil for nobody.
	LastWords func(error)
}

func (o Options) fill() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Retention == 0 {
		o.Retention = 7 * 24 * time.Hour
	}
	if o.History == 0 {
		o.History = 30 * 24 * time.Hour
	}
	if o.SweepEvery == 0 {
		o.SweepEvery = 5 * time.Minute
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 64 << 20
	}
	if o.Ahead == 0 {
		o.Ahead = overlapped
	}
	if o.FreshBytes == 0 {
		o.FreshBytes = usualFresh
	}
	if o.Space == nil {
		o.Space = &UsualMarks
	}
	if o.OpenFiles == 0 {
		o.OpenFiles = 1016
	}
	if o.Clock == nil {
		o.Clock = clock.New(nil, nil)
	}
	if o.OnFailure == nil {
		o.OnFailure = func(error) {}
	}
	if o.Exit == nil {
		o.Exit = os.Exit
	}
	if o.LastWords == nil {
		o.LastWords = func(error) {}
	}
	return o
}

// Store is one data directory, open. Its methods may be called from any
// goroutine.
type Store struct {
	dir  string
	opts Options
	db   *pebble.DB
	lock *pebble.Lock
	log  *slog.Logger

	witness *witness

	installation string
	sealer       sealer
	cursorKey    [CursorKeyLen]byte
	eras         []era // by first; as they were when it was opened
	journal      *journal
	fresh        *fresh
	lazy         *lazy
	space        space
	crowded      atomic.Int64 // of calm
	tenants      tenants
	poisoned     atomic.Pointer[journal] // for Pebble's logger, which exists before the journal

	stop    chan struct{} // closed by Close: the sweeper ends
	stopped sync.WaitGroup

	useMu  sync.Mutex // guards the next three
	users  int        // calls under way that read db
	closed bool
	idle   chan struct{} // made by Close when there are users; closed by the last
}

// Open opens the directory, and makes it if there is none.
//
// Errors: ErrInUse, ErrNewerFormat, ErrNoSealKey, ErrDamaged.
func Open(dir string, opts Options) (*Store, error) {
	opts = opts.fill()
	s := &Store{dir: dir, opts: opts, log: opts.Logger, stop: make(chan struct{}), fresh: newFresh(opts.FreshBytes)}
	if err := s.open(); err != nil {
		if s.db != nil {
			err = errors.Join(err, s.db.Close())
		}
		if s.witness != nil {
			err = errors.Join(err, s.witness.close())
		}
		if s.lock != nil {
			err = errors.Join(err, s.lock.Close())
		}
		return nil, err
	}
	if s.opts.SweepEvery > 0 {
		s.stopped.Add(1)
		go s.sweeper()
	}
	if s.space.nudge != nil {
		s.space.look()
		s.stopped.Add(1)
		go s.watcher()
	}
	return s, nil
}

func (s *Store) open() error {
	if err := s.openDB(); err != nil {
		return err
	}
	if err := s.checkFormat(); err != nil {
		return err
	}
	if err := s.fillReach(); err != nil {
		return err
	}
	if err := s.unlock(); err != nil {
		return fmt.Errorf("open %s: %w", s.dir, err)
	}
	if err := s.loadCursorKey(); err != nil {
		return err
	}
	if err := s.loadTenants(); err != nil {
		return fmt.Errorf("open %s: %w", s.dir, err)
	}
	last, err := s.number(keyIndex)
	if err != nil {
		return fmt.Errorf("open %s: last index: %w", s.dir, err)
	}
	if err := s.loadEras(last); err != nil {
		return err
	}
	live, err := s.liveIDs()
	if err != nil {
		return fmt.Errorf("open %s: live subscribers: %w", s.dir, err)
	}
	s.journal = newJournal(s.db, s.opts.Metrics, s.fresh, last, live, s.opts.Ahead, s.space.wrote, func(err error) {
		s.log.Error("store failed", "dir", s.dir, "err", err)
		s.opts.OnFailure(err)
	}, s.ends)
	s.poisoned.Store(s.journal)
	s.lazy = newLazy(s)
	s.opts.Metrics.attach(s)
	return nil
}

// Close stores what was submitted, waits for reads under way and lets go of
// the directory. What is submitted later completes with ErrClosed.
func (s *Store) Close() error {
	s.useMu.Lock()
	if s.closed {
		s.useMu.Unlock()
		return nil
	}
	s.closed = true
	var wait chan struct{}
	if s.users > 0 {
		s.idle = make(chan struct{})
		wait = s.idle
	}
	s.useMu.Unlock()

	close(s.stop)
	s.journal.close()
	if wait != nil {
		<-wait
	}
	s.stopped.Wait()
	s.opts.Metrics.detach(s)
	err := errors.Join(s.lazy.close(), s.journal.failure())
	err = errors.Join(err, s.db.Close(), s.witness.close(), s.lock.Close())
	if err != nil {
		return fmt.Errorf("close %s: %w", s.dir, err)
	}
	return nil
}

// use begins something that touches the database; unless it fails, done must
// be called. Reads may come from handlers that outlive the listener.
func (s *Store) use() error {
	s.useMu.Lock()
	defer s.useMu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.users++
	return nil
}

func (s *Store) done() {
	s.useMu.Lock()
	defer s.useMu.Unlock()
	if s.users--; s.users == 0 && s.idle != nil {
		close(s.idle)
	}
}

// Installation is a random id made when the directory was; it never changes.
func (s *Store) Installation() string { return s.installation }

// Durable is the index of the last event that is synced to disk.
func (s *Store) Durable() uint64 { return s.journal.durable.Load() }

// Checkpoint writes a copy of everything durable to dir, which must not exist.
// It can be opened like any data directory. Files are linked where possible.
func (s *Store) Checkpoint(dir string) error {
	if err := s.use(); err != nil {
		return err
	}
	defer s.done()
	if err := s.lazy.flush(); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := s.db.Checkpoint(dir, pebble.WithFlushedWAL()); err != nil {
		return fmt.Errorf("checkpoint to %s: %w", dir, err)
	}
	if s.opts.FS == vfs.Default {
		if err := os.Chmod(dir, dirMode); err != nil { // #nosec G302 -- a directory is entered
			return fmt.Errorf("checkpoint: %w", err)
		}
	}
	return nil
}

// get hands the value of a row to fn; it is valid until fn returns.
func (s *Store) get(key []byte, fn func(value []byte) error) (found bool, err error) {
	return getFrom(s.db, key, fn)
}

// getFrom is get for who reads from a view.
func getFrom(r pebble.Reader, key []byte, fn func(value []byte) error) (found bool, err error) {
	value, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	err = fn(value)
	return true, errors.Join(err, closer.Close())
}

// number reads a row that is one number; 0 when there is none.
func (s *Store) number(key string) (n uint64, err error) {
	_, err = s.get([]byte(key), func(v []byte) (err error) {
		n, err = decodeNumber(v)
		return err
	})
	return n, err
}

// scan calls fn for the rows that begin with prefix and are at or behind from.
// Key and value are valid until fn returns.
func (s *Store) scan(prefix, from []byte, fn func(key, value []byte) (more bool, err error)) (err error) {
	if len(from) == 0 {
		from = prefix
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: after(prefix)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		more, err := fn(it.Key(), value)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// fatal is where Pebble goes when it cannot go on. It returns an error to
// nobody then: after the logger it carries on as if the write had worked, so
// the journal is failed before anything else.
func (s *Store) fatal(err error) {
	if j := s.poisoned.Load(); j != nil {
		j.poison(err)
	}
	s.ends(err)
}

// ends says why the store cannot go on, and ends the process.
func (s *Store) ends(err error) {
	s.log.Log(context.Background(), slog.LevelError, "the store cannot go on", "dir", s.dir, "err", err)
	s.opts.LastWords(err)
	s.opts.Exit(1)
}
