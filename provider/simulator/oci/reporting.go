package oci

import (
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// feed is one listener of the changes. It only reads; we only write.
type feed struct {
	s        *Server
	conn     net.Conn
	requests []string // it may hear of; nil for all

	// Guarded by Server.mu.
	queue  []report
	silent bool // says nothing more, and lives on

	wake chan struct{}
}

// report is one document on its way to one listener.
type report struct {
	doc   []byte
	due   time.Time // not before; the zero time is now
	split bool      // in many pieces
}

func newFeed(s *Server, conn net.Conn, requests []string) *feed {
	return &feed{s: s, conn: conn, requests: requests, wake: make(chan struct{}, 1)}
}

// allowed looks an address up in the access list (dossier §4.2).
func (s *Server) allowed(from net.Addr) (requests []string, ok bool) {
	list := s.cfg.Reporting.Access
	if list == nil {
		return nil, true
	}
	at, err := netip.ParseAddrPort(from.String())
	if err != nil {
		return nil, false
	}
	for _, a := range list {
		if a.Prefix.Contains(at.Addr().Unmap()) {
			return a.Requests, true
		}
	}
	return nil, false
}

// How is what a fault makes of a report. The zero value loses it.
type How struct {
	Copies  int           // 1 is as it should be
	Delay   time.Duration // of it, and of all behind it
	Split   bool
	Garbage bool
}

// Report tells every listener of an accepted write. It only queues, and is
// called in the same step as the change: the feed has the order of the changes.
func (s *Server) Report(w Write, how How) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Writes++
	// There are gaps: other listeners' filters, and what is nobody's business.
	s.lastID++
	if s.rnd.IntN(3) == 0 {
		s.lastID += s.rnd.Int64N(7)
	}
	if len(s.feeds) == 0 || s.closed {
		return
	}
	doc := s.notification(&w, s.lastID)
	base, _ := cutSuffix(w.command.kind)
	for _, f := range s.feeds {
		if f.requests != nil && !slices.ContainsFunc(f.requests, func(r string) bool { return strings.EqualFold(r, base) }) {
			continue
		}
		r := report{doc: doc, split: how.Split}
		if how.Delay > 0 {
			r.due = time.Now().Add(how.Delay)
		}
		if how.Garbage {
			f.add(report{doc: s.garbage(), due: r.due})
		}
		for range how.Copies {
			f.add(r)
		}
	}
}

// add queues a document. A listener that does not read loses its connection,
// since a gap it is not told of would be worse.
func (f *feed) add(r report) {
	if f.silent {
		return
	}
	if len(f.queue) >= f.s.cfg.Reporting.MaxWaiting {
		f.s.stats.Overflowed++
		f.silent, f.queue = true, nil
		_ = f.conn.Close()
		return
	}
	f.queue = append(f.queue, r)
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Silence makes the feed's connections say nothing more; they stay.
func (s *Server) Silence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.feeds {
		f.silent, f.queue = true, nil
	}
}

// DropFeeds breaks the feed's connections.
func (s *Server) DropFeeds() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.feeds {
		_ = f.conn.Close()
	}
}

// next is what to write now, or how long until the first is due; zero for
// nothing in sight.
func (f *feed) next() (r report, ready bool, wait time.Duration) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if len(f.queue) == 0 {
		f.queue = nil
		return r, false, 0
	}
	r = f.queue[0]
	if left := time.Until(r.due); !r.due.IsZero() && left > 0 {
		return r, false, left
	}
	f.queue[0] = report{}
	f.queue = f.queue[1:]
	f.s.stats.Reported++
	return r, true, 0
}

// run writes to one listener until it leaves.
func (f *feed) run() {
	defer f.s.dropFeed(f)
	if _, dropped := f.s.people.Struck(DropFeed); dropped {
		return
	}
	if _, mute := f.s.people.Struck(SilentFeed); mute {
		f.s.mu.Lock()
		f.silent, f.queue = true, nil
		f.s.mu.Unlock()
	}
	left := make(chan struct{})
	f.s.wg.Add(1)
	go func() {
		defer f.s.wg.Done()
		defer close(left)
		// A listener has nothing to say; one that talks all the same is not heard.
		_, _ = io.Copy(io.Discard, io.LimitReader(f.conn, 64<<10))
	}()
	defer func() { _ = f.conn.Close(); <-left }()
	ping, due := time.NewTimer(f.s.cfg.Reporting.PingEvery), time.NewTimer(0)
	defer ping.Stop()
	defer due.Stop()
	if f.s.cfg.Reporting.PingEvery < 0 {
		ping.Stop()
	}
	for {
		r, ready, wait := f.next()
		if ready {
			if !f.write(r) {
				return
			}
			continue
		}
		due.Stop()
		if wait > 0 {
			due.Reset(wait)
		}
		select {
		case <-f.wake:
		case <-due.C:
		case <-ping.C:
			ping.Reset(f.s.cfg.Reporting.PingEvery)
			if !f.mute() && !f.write(report{doc: f.s.status()}) {
				return
			}
		case <-left:
			return
		case <-f.s.done:
			return
		}
	}
}

func (f *feed) mute() bool {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	return f.silent
}

// write sends a document, in pieces if it is to be split.
func (f *feed) write(r report) bool {
	pieces := 1
	if r.split {
		pieces = 16
	}
	for i := range pieces {
		if i > 0 && !f.s.pause(time.Millisecond) {
			return false
		}
		from, to := i*len(r.doc)/pieces, (i+1)*len(r.doc)/pieces
		_ = f.conn.SetWriteDeadline(time.Now().Add(f.s.cfg.MessageTimeout))
		if _, err := f.conn.Write(r.doc[from:to]); err != nil {
			return false
		}
	}
	return true
}
