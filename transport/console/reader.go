package console

import (
	"io"
	"sync"
	"time"
)

// Reader is the text of one client's feed: server-sent events without an end.
// It belongs to the connection that reads it.
//
//	event: begin     the rows that follow are all there are
//	event: rows      subscribers as they are now, each whole
//	event: complete  that was all; from here on rows are changes
//	event: beat      nothing to tell
//
// Each has data with "at", the time here. A row without calls is of a
// subscriber who has none any more.
type Reader struct {
	board  *Board
	extend func() // called when a piece is about to be written
	wake   chan struct{}
	ticker *time.Ticker
	leave  sync.Once

	mu    sync.Mutex
	dirty map[string]struct{} // changed since they were read
	again bool                // too many did: the whole board is told anew

	// What follows is the reader's.
	part     int // of the board, that is told next; actor.BoardParts when all are
	begun    bool
	last     time.Time // a piece was made
	ended    bool
	buf, out []byte // out is what is left of buf
}

// piece is how many bytes a piece may have before it is sent.
const piece = 64 << 10

// Open begins a feed. It must be closed. extend is called when a piece is
// about to be written: the client has from now on to take it.
//
// Errors: ErrFull, ErrEnding.
func (b *Board) Open(extend func()) (*Reader, error) {
	r := &Reader{board: b, extend: extend, wake: make(chan struct{}, 1), dirty: map[string]struct{}{}}
	if err := b.join(r); err != nil {
		return nil, err
	}
	r.ticker = time.NewTicker(b.config.Beat)
	return r, nil
}

// note remembers that a subscriber changed.
func (r *Reader) note(subscriber string) {
	r.mu.Lock()
	if !r.again {
		r.dirty[subscriber] = struct{}{}
		if len(r.dirty) > r.board.config.Most {
			r.again, r.dirty = true, map[string]struct{}{}
		}
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Read waits until there is something to send.
func (r *Reader) Read(p []byte) (int, error) {
	for len(r.out) == 0 {
		if r.ended {
			return 0, io.EOF
		}
		r.next()
	}
	r.extend()
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

// Close implements io.Closer.
func (r *Reader) Close() error {
	r.leave.Do(func() {
		r.ticker.Stop()
		r.board.leave(r)
	})
	return nil
}

// next makes the next piece, or none and waits for it.
func (r *Reader) next() {
	r.buf = r.buf[:0]
	defer func() { r.out = r.buf }()
	select {
	case <-r.board.done:
		r.ended = true
		return
	default:
	}
	if r.telling() {
		r.tellPart()
		return
	}
	select {
	case <-r.wake:
		if !r.pause() {
			return
		}
		r.tellChanges()
	case <-r.ticker.C:
		r.buf = appendEvent(r.buf, "beat")
	case <-r.board.done:
		r.ended = true
	}
	r.last = time.Now()
}

// pause lets changes collect; false when the board closes meanwhile.
func (r *Reader) pause() bool {
	wait := r.board.config.Every - time.Since(r.last)
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.board.done:
		r.ended = true
		return false
	}
}
