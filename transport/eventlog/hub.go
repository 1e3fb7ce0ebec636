package eventlog

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"offhook/engine"
	"offhook/engine/actor"
)

// Log is the events of all apps, as they are stored.
type Log interface {
	// Events calls fn for the events of an app behind an index, in the order
	// of the log and no further than what is durable; at most limit of them.
	// All from oldest on are kept.
	Events(app string, behind uint64, limit int, fn func(engine.StoredEvent) error) (oldest uint64, err error)
	// Durable is the index of the last event that is on disk.
	Durable() uint64
	// Era names the part of the log that an index is in, in 40 bits. A log that
	// is put back to an earlier state goes on with another one.
	Era(index uint64) uint64
	// EraEnd is the last index of an era; false for one that this log never had.
	EraEnd(era uint64) (last uint64, known bool)
}

// Config is what a Hub needs. Zeroes of bounds are defaults.
type Config struct {
	Log Log
	Key [KeyLen]byte // cursors are made with it: as long-lived as the log

	// Live are the live calls an app may see, as the lists show them. Horizon
	// is an index up to which they show what the log tells, read before them.
	Live    func(app string) []actor.CallView
	Horizon func() uint64

	PerApp    int           // streams of one app; zero means 64
	InAll     int           // streams of all apps; zero means 1,024
	Heartbeat time.Duration // how often a stream shows that it lives, and is looked at; zero means 15 s
	Logger    *slog.Logger  // nil logs nothing
	Metrics   *Metrics      // nil measures nothing
}

var (
	// ErrAppFull: the app has as many streams as it may.
	ErrAppFull = errors.New("eventlog: the app has too many streams")
	// ErrFull: all apps together have.
	ErrFull = errors.New("eventlog: there are too many streams")
	// ErrEnding: there are no new streams any more.
	ErrEnding = errors.New("eventlog: shutting down")
)

// Hub knows the open streams and wakes those that have something to read. Its
// methods may be called from any goroutine.
type Hub struct {
	config  Config
	cursors cursors

	open atomic.Int64  // streams
	done chan struct{} // closed by Close

	mu     sync.RWMutex
	apps   map[string][]*Stream // slices are never changed, so that Logged walks them without the lock
	closed bool
}

// New makes a Hub without streams.
func New(config Config) *Hub {
	if config.PerApp == 0 {
		config.PerApp = 64
	}
	if config.InAll == 0 {
		config.InAll = 1024
	}
	if config.Heartbeat == 0 {
		config.Heartbeat = 15 * time.Second
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	return &Hub{config: config, cursors: newCursors(config.Key, config.Log), done: make(chan struct{}), apps: map[string][]*Stream{}}
}

// Cursors are those of an app.
func (h *Hub) Cursors(app string) Cursors { return h.cursors.of(app) }

// Logged says that an app has events that were not there before. The journal
// calls it between two syncs: it waits for nobody.
func (h *Hub) Logged(app string) {
	// A stream is counted before it reads: one that is not seen here sees the
	// event by itself.
	if h.open.Load() == 0 {
		return
	}
	h.mu.RLock()
	streams := h.apps[app]
	h.mu.RUnlock()
	for _, s := range streams {
		select {
		case s.wake <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// Close ends all streams, at once; there are no new ones.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		close(h.done)
	}
}

func (h *Hub) join(s *Stream) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	have := h.apps[s.ask.App]
	switch {
	case h.closed:
		return ErrEnding
	case len(have) >= h.config.PerApp:
		return ErrAppFull
	case h.open.Load() >= int64(h.config.InAll):
		return ErrFull
	}
	h.apps[s.ask.App] = append(slices.Clone(have), s)
	h.open.Add(1)
	h.config.Metrics.opened()
	return nil
}

func (h *Hub) leave(s *Stream, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	rest := slices.DeleteFunc(slices.Clone(h.apps[s.ask.App]), func(other *Stream) bool { return other == s })
	if len(rest) == 0 {
		delete(h.apps, s.ask.App)
	} else {
		h.apps[s.ask.App] = rest
	}
	h.open.Add(-1)
	h.config.Metrics.ended(reason)
}
