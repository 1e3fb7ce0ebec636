package eventlog

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"offhook/engine"
)

// Ask is what a stream is wanted for.
type Ask struct {
	App        string
	Subscriber string // id; empty for all
	Resume     bool   // go on behind After; else begin with a snapshot
	After      Place

	// Alive reports whether the reader may still read. It is asked with each
	// heartbeat.
	Alive func() bool
	// Extend is called when a piece is about to be written: the reader has
	// from now on to take it.
	Extend func()
}

// Stream is the text of server-sent events, without an end of its own. It
// belongs to the connection that reads it.
type Stream struct {
	hub     *Hub
	ask     Ask
	cursors Cursors
	wanted  string        // folded id of the one subscriber it is for; empty for all
	wake    chan struct{} // one token: there is something to read
	ticker  *time.Ticker
	leave   sync.Once

	// What follows is the reader's.
	at       uint64    // the log was read up to here
	told     uint64    // the last index that was given as an id
	begun    bool      // the first piece was made
	atEnd    bool      // the log had no more when it was read last
	gap      Gap       // to be told before the next snapshot
	needs    bool      // a snapshot comes next
	snapshot *snapshot // being written
	buf, out []byte    // out is what is left of buf
	ending   string    // why it ends, once it does
}

// The reasons a stream ends.
const (
	endLeft    = "left"    // the client is gone
	endSlow    = "slow"    // it did not take what it asked for
	endDrain   = "drain"   // we are shutting down
	endRevoked = "revoked" // the key or the app is no more
	endFailed  = "failed"  // the store did not answer
)

const (
	retryAfter = "retry: 2000\n\n" // ms until a client that was cut off comes back
	readStep   = 64                // events read at a time
)

// Buffers of these sizes are used again, by whichever stream has something to
// send.
const (
	minBuffer = 4 << 10
	maxBuffer = 256 << 10
)

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// Open begins a stream. It must be closed, by CloseWithError.
//
// Errors: ErrAppFull, ErrFull, ErrEnding.
func (h *Hub) Open(ask Ask) (*Stream, error) {
	s := &Stream{
		hub: h, ask: ask, cursors: h.Cursors(ask.App), wanted: engine.Fold(ask.Subscriber),
		wake: make(chan struct{}, 1), at: ask.After.Behind, told: ask.After.Behind, needs: !ask.Resume,
	}
	if ask.Resume && ask.After.Lost {
		s.needs, s.gap = true, GapUnknown
	}
	if err := h.join(s); err != nil {
		return nil, err
	}
	s.ticker = time.NewTicker(h.config.Heartbeat)
	return s, nil
}

// Read waits until there is something to send.
func (s *Stream) Read(p []byte) (int, error) {
	for len(s.out) == 0 {
		if s.ending != "" {
			return 0, io.EOF
		}
		if err := s.next(); err != nil {
			s.ending = endFailed
			s.hub.config.Logger.Error("event stream", "app", s.ask.App, "err", err)
			return 0, err
		}
	}
	s.ask.Extend()
	n := copy(p, s.out)
	s.out = s.out[n:]
	return n, nil
}

// CloseWithError ends the stream, because of the error its reader met or nil.
// There is no Close: fasthttp would call it first, and nobody would learn why.
func (s *Stream) CloseWithError(err error) error {
	s.leave.Do(func() {
		s.ticker.Stop()
		s.free()
		var timeout net.Error
		switch {
		case s.ending != "":
		case errors.As(err, &timeout) && timeout.Timeout():
			s.ending = endSlow
		default:
			s.ending = endLeft
		}
		s.hub.leave(s, s.ending)
		s.hub.config.Logger.Debug("event stream ended", "app", s.ask.App, "reason", s.ending)
	})
	return nil
}

// next makes the next piece. It waits if there is nothing to tell.
func (s *Stream) next() error {
	b := s.buffer()
	if !s.begun {
		s.begun = true
		s.send(append(b, retryAfter...))
		return nil
	}
	select {
	case <-s.hub.done:
		s.end(b, endDrain)
		return nil
	case <-s.ticker.C:
		s.beat(b)
		return nil
	default:
	}
	switch {
	case s.snapshot != nil:
		s.sendSnapshot(b)
	case s.needs:
		s.needs = false
		s.snapshot = s.takeSnapshot()
		if s.gap != GapNone {
			b = appendGap(b, s.gap)
			s.gap = GapNone
		}
		s.sendSnapshot(b)
	case s.atEnd:
		// An event that came meanwhile has left a token.
		s.atEnd = false
		s.wait()
	default:
		return s.read(b)
	}
	return nil
}

func (s *Stream) sendSnapshot(b []byte) {
	b, last := s.snapshot.append(b, s.cursors)
	if last {
		s.at, s.told = s.snapshot.index, s.snapshot.index
		s.snapshot = nil
	}
	s.send(b)
}

// read sends what the log has.
func (s *Stream) read(b []byte) error {
	n, events, full := 0, 0, false
	at, told := s.at, s.told
	oldest, err := s.hub.config.Log.Events(s.ask.App, at, readStep, func(ev engine.StoredEvent) error {
		if full = full || len(b) >= maxBuffer; full {
			return nil // it is read again
		}
		n++
		at = ev.Index
		if s.wanted == "" || engine.Fold(ev.Subscriber) == s.wanted {
			b = appendEvent(b, s.cursors, ev.Index, ev.Body)
			told = ev.Index
			events++
		}
		return nil
	})
	if err != nil {
		return err
	}
	if s.at+1 < oldest { // what was read is behind the gap: the snapshot tells it
		s.needs, s.gap = true, GapRetention
		return nil
	}
	s.at, s.told, s.atEnd = at, told, n < readStep && !full
	s.hub.config.Metrics.sent(events)
	s.send(b)
	return nil
}

// wait holds nothing but the stream itself.
func (s *Stream) wait() {
	s.free()
	select {
	case <-s.wake:
	case <-s.hub.done:
		s.end(nil, endDrain)
	case <-s.ticker.C:
		s.beat(nil)
	}
}

// beat shows that the stream lives, and moves the id along where what was
// skipped had none to give. Nothing fits into the middle of a snapshot, which
// is a sign of life by itself.
func (s *Stream) beat(b []byte) {
	switch {
	case !s.ask.Alive():
		s.end(b, endRevoked)
	case s.snapshot == nil:
		b = append(b, ": heartbeat\n"...)
		if s.at > s.told {
			b = appendID(b, s.cursors, s.at)
			s.told = s.at
		}
		s.send(append(b, '\n'))
	}
}

// end is told as a comment, for people who look.
func (s *Stream) end(b []byte, reason string) {
	s.ending = reason
	if s.snapshot == nil {
		b = append(append(append(b, ": "...), reason...), "\n\n"...)
	}
	s.send(b)
}

// buffer is where the next piece is written.
func (s *Stream) buffer() []byte {
	if s.buf == nil {
		s.buf = *buffers.Get().(*[]byte)
	}
	return s.buf[:0]
}

func (s *Stream) send(b []byte) {
	if b != nil {
		s.buf = b
	}
	s.out = b
}

func (s *Stream) free() {
	if b := s.buf; cap(b) >= minBuffer && cap(b) <= maxBuffer {
		buffers.Put(&b)
	}
	s.buf, s.out = nil, nil
}
