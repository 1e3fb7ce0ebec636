package console

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"offhook/engine/actor"
)

// Calls are the live calls of all subscribers, as they are durable.
type Calls interface {
	// Board are the subscribers with live calls of one part, from 0 to
	// actor.BoardParts-1.
	Board(part int) []actor.Shown
	// ShownOf is one of them by his folded id; false without live calls.
	ShownOf(subscriber string) (actor.Shown, bool)
}

// Config is what a Board needs. Zeroes of bounds are defaults.
type Config struct {
	Calls   Calls
	Readers int           // at a time; zero means 32
	Every   time.Duration // least time between two pieces of one reader's; zero means 50 ms
	Beat    time.Duration // how often a reader is shown that the feed lives; zero means 5 s
	Most    int           // changed subscribers that are remembered for one reader; zero means 65,536
	Log     *slog.Logger  // nil logs nothing
	Reg     prometheus.Registerer
}

var (
	// ErrFull: there are as many readers as there may be.
	ErrFull = errors.New("console: too many boards are open")
	// ErrEnding: there are no new readers any more.
	ErrEnding = errors.New("console: shutting down")
)

// Board knows its readers, and what changed since each of them read. Its methods
// may be called from any goroutine.
type Board struct {
	config Config
	open   atomic.Int64
	done   chan struct{} // closed by Close

	mu      sync.RWMutex
	readers []*Reader // never changed in place: Changed walks it without the lock
	closed  bool
}

// NewBoard makes a board without readers.
func NewBoard(config Config) *Board {
	set(&config.Readers, 32)
	set(&config.Every, 50*time.Millisecond)
	set(&config.Beat, 5*time.Second)
	set(&config.Most, 65536)
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	b := &Board{config: config, done: make(chan struct{})}
	if config.Reg != nil {
		config.Reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "offhook_console_boards", Help: "Boards of the console that are open.",
		}, func() float64 { return float64(b.open.Load()) }))
	}
	return b
}

func set[T comparable](have *T, otherwise T) {
	var zero T
	if *have == zero {
		*have = otherwise
	}
}

// Changed says that what is shown of a subscriber is another. The owner of the
// subscriber holds a lock: this waits for nobody.
func (b *Board) Changed(subscriber string) {
	// A reader is counted before it reads: one that is not seen here sees the
	// change by itself.
	if b.open.Load() == 0 {
		return
	}
	b.mu.RLock()
	readers := b.readers
	b.mu.RUnlock()
	for _, r := range readers {
		r.note(subscriber)
	}
}

// Close ends all feeds, at once; there are no new ones.
func (b *Board) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		close(b.done)
	}
}

func (b *Board) join(r *Reader) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return ErrEnding
	case len(b.readers) >= b.config.Readers:
		return ErrFull
	}
	b.readers = append(slices.Clone(b.readers), r)
	b.open.Add(1)
	return nil
}

func (b *Board) leave(r *Reader) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.readers = slices.DeleteFunc(slices.Clone(b.readers), func(other *Reader) bool { return other == r })
	b.open.Add(-1)
}
