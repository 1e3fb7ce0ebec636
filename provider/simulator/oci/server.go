package oci

import (
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"
)

// Server is both servers, OCI-P and OCI-Reporting, of one platform.
type Server struct {
	cfg    Config
	people People
	done   chan struct{} // closed by Close
	wg     sync.WaitGroup

	mu        sync.Mutex // never held while bytes move or People is asked
	closed    bool
	rnd       *rand.Rand
	listeners []net.Listener
	clients   map[net.Conn]struct{} // of OCI-P
	feeds     []*feed               // of OCI-Reporting, in the order they came
	lastID    int64                 // of the feed's documents
	failures  map[string]*lock      // by user id
	stats     Stats
}

// Stats counts what the servers did.
type Stats struct {
	Connections   int64 `json:"connections"` // of OCI-P
	Refused       int64 `json:"refused"`     // connections to either: too many, not allowed, or nobody there
	Logins        int64 `json:"logins"`      // that went well
	LoginFailures int64 `json:"login_failures"`
	Commands      int64 `json:"commands"` // of OCI-P
	Errors        int64 `json:"errors"`   // of these, answered with an ErrorResponse
	Writes        int64 `json:"writes"`   // accepted, by whoever asked
	Feeds         int64 `json:"feeds"`    // connections of the change feed
	Reported      int64 `json:"reported"` // documents written to them, without keep-alives
	Overflowed    int64 `json:"overflowed"`
}

// New makes the servers; they answer where Serve and ServeReporting are given
// a listener. people is who they are about.
func New(cfg Config, people People) *Server {
	cfg = cfg.withDefaults()
	return &Server{
		cfg: cfg, people: people, done: make(chan struct{}), lastID: 10000,
		rnd:     rand.New(rand.NewPCG(cfg.Seed, cfg.Seed^0x6f6369)), // #nosec G404 -- chance, and no secret
		clients: make(map[net.Conn]struct{}), failures: make(map[string]*lock),
	}
}

// Serve answers OCI-P on ln until Close. It returns nil then.
func (s *Server) Serve(ln net.Listener) error {
	if s.cfg.TLS != nil {
		ln = tls.NewListener(ln, s.cfg.TLS)
	}
	return s.accept(ln, func(c net.Conn) func() {
		if len(s.clients) >= s.cfg.MaxConnections {
			return nil
		}
		s.clients[c] = struct{}{}
		s.stats.Connections++
		return func() {
			defer s.forget(c)
			(&session{s: s, conn: c, since: time.Now()}).run()
		}
	})
}

// ServeReporting tells the changes to whoever connects to ln, until Close. It
// returns nil then.
func (s *Server) ServeReporting(ln net.Listener) error {
	if s.cfg.Reporting.TLS != nil {
		ln = tls.NewListener(ln, s.cfg.Reporting.TLS)
	}
	return s.accept(ln, func(c net.Conn) func() {
		access, allowed := s.allowed(c.RemoteAddr())
		if !allowed || len(s.feeds) >= s.cfg.MaxConnections {
			return nil
		}
		f := newFeed(s, c, access)
		s.feeds = append(s.feeds, f)
		s.stats.Feeds++
		return f.run
	})
}

// accept takes connections. admit runs with mu held and returns what to do with
// one, nil to close it.
func (s *Server) accept(ln net.Listener, admit func(net.Conn) func()) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		_ = ln.Close()
		return nil
	}
	s.listeners = append(s.listeners, ln)
	s.wg.Add(1)
	s.mu.Unlock()
	defer s.wg.Done()
	var wait time.Duration
	for {
		c, err := ln.Accept()
		if err != nil {
			select {
			case <-s.done:
				return nil
			default:
			}
			// Out of file descriptors, say: some will be given back.
			var passing interface{ Temporary() bool }
			if errors.Is(err, net.ErrClosed) || !errors.As(err, &passing) || !passing.Temporary() {
				return err
			}
			if wait = min(max(2*wait, 5*time.Millisecond), time.Second); !s.pause(wait) {
				return nil
			}
			continue
		}
		wait = 0
		_, down := s.people.Struck(Down)
		s.mu.Lock()
		var serve func()
		if !s.closed && !down {
			serve = admit(c)
		}
		if serve == nil {
			s.stats.Refused++
			s.mu.Unlock()
			_ = c.Close()
			continue
		}
		s.wg.Add(1)
		s.mu.Unlock()
		go func() {
			defer s.wg.Done()
			defer func() { _ = c.Close() }()
			serve()
		}()
	}
}

func (s *Server) forget(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, c)
}

// Drop breaks every connection, as a restart of the platform does.
func (s *Server) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop()
}

func (s *Server) drop() {
	for c := range s.clients {
		_ = c.Close()
	}
	for _, f := range s.feeds {
		_ = f.conn.Close()
	}
}

// Close ends both servers and returns when nobody is connected any more.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.done)
	var err error
	for _, ln := range s.listeners {
		err = errors.Join(err, ln.Close())
	}
	s.drop()
	s.mu.Unlock()
	s.wg.Wait()
	return err
}

// Stats is the count so far.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// count changes the statistics.
func (s *Server) count(change func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.stats)
}

// pause waits, and reports false when the server ended meanwhile.
func (s *Server) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.done:
		return false
	}
}

func (s *Server) dropFeed(f *feed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feeds = slices.DeleteFunc(s.feeds, func(o *feed) bool { return o == f })
}
