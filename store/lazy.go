package store

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"offhook/engine"
)

const (
	lazyPause   = 50 * time.Millisecond // how long the lazy rows gather
	lazyFull    = 1 << 10               // as many are written at once
	maxAttempts = 4 << 10               // waiting; more are dropped
	maxGone     = 16 << 20              // bytes of keys waiting for room; what is more is delivered again after a restart
)

// lazy writes what may be lost in a crash: that an event was delivered (it is
// delivered again then) and what the attempts were (nobody decides by them).
// They are gathered and written without a sync; the next sync takes them along.
type lazy struct {
	s *Store

	mu       sync.Mutex
	gone     []byte // keys of wait/ to delete, each with its length before it
	goneN    int
	attempts []engine.Attempt
	closed   bool

	writing sync.Mutex // one flush at a time
	wake    chan struct{}
	full    chan struct{}
	stop    chan struct{}
	done    chan struct{}
}

func newLazy(s *Store) *lazy {
	l := &lazy{
		s: s, wake: make(chan struct{}, 1), full: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go l.run()
	return l
}

func (l *lazy) run() {
	defer close(l.done)
	for {
		select {
		case <-l.wake:
		case <-l.stop:
			return
		}
		pause := time.NewTimer(lazyPause)
		select {
		case <-pause.C:
		case <-l.full:
		case <-l.stop:
		}
		pause.Stop()
		if err := l.flush(); err != nil {
			l.s.log.Error("deliveries are not noted; they will be repeated after a restart", "err", err)
		}
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (l *lazy) delivered(stream engine.StreamID, sequence uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.gone) >= maxGone && l.s.space.full() {
		return
	}
	at := len(l.gone)
	l.gone = append(l.gone, 0, 0, 0, 0)
	l.gone = appendSequence(streamKey(l.gone, prefixWait, stream), sequence)
	binary.BigEndian.PutUint32(l.gone[at:], uint32(len(l.gone)-at-4)) // #nosec G115 -- a key is short
	l.goneN++
	l.told()
}

func (l *lazy) attempt(a engine.Attempt) (taken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.attempts) >= maxAttempts {
		return false
	}
	l.attempts = append(l.attempts, a)
	l.told()
	return true
}

func (l *lazy) told() {
	signal(l.wake)
	if l.goneN+len(l.attempts) >= lazyFull {
		signal(l.full)
	}
}

// flush writes what was told so far, if there is room.
func (l *lazy) flush() error {
	if l.s.space.full() {
		return nil
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	gone, attempts := l.gone, l.attempts
	l.gone, l.goneN, l.attempts = nil, 0, nil
	l.mu.Unlock()
	if len(gone) == 0 && len(attempts) == 0 {
		return nil
	}
	if err := l.s.journal.failure(); err != nil {
		return err
	}
	batch := l.s.db.NewBatch()
	defer batch.Close()
	for len(gone) > 0 {
		n := 4 + binary.BigEndian.Uint32(gone)
		if err := batch.Delete(gone[4:n], nil); err != nil {
			return err
		}
		gone = gone[n:]
	}
	var key, value []byte
	for i := range attempts {
		a := &attempts[i]
		if a.Index == 0 {
			index, found, err := l.s.indexOf(a.Stream, a.Sequence)
			if err != nil {
				return err
			}
			if !found {
				continue // swept meanwhile
			}
			a.Index = index
		}
		key = attemptKey(key[:0], a.Stream.App, a.Index)
		key = binary.BigEndian.AppendUint64(key, uint64(max(a.At, 0)))
		key = binary.BigEndian.AppendUint32(key, a.Number)
		value = appendAttempt(value[:0], a)
		if err := batch.Set(key, value, nil); err != nil {
			return err
		}
	}
	return batch.Commit(pebble.NoSync)
}

// close writes what was told and takes no more.
func (l *lazy) close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	close(l.stop)
	<-l.done
	return l.flush()
}
