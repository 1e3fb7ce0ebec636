package simulator

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"offhook/provider/simulator/oci"
)

type duration = time.Duration

// Simulator is a switch with its phones and its Xsi server.
type Simulator struct {
	cfg  Config
	done chan struct{} // closed by Close
	xsps []*xsp        // the ways in, fixed after New

	// mu guards everything below. It is never held while bytes are read or
	// written, so that no peer can hold up the switch.
	mu           sync.Mutex
	closed       bool
	rnd          random // of what clients make: channels, subscriptions, what is granted
	asked        random // of requests, which clients send in any order
	fate         random // of the traffic: the same calls whatever clients do
	phones       []*phone
	enterprises  []*enterprise
	byUser       map[string]*phone
	byDigits     map[string]*phone
	calls        map[string]*half
	parked       []*parked // oldest first
	lastHalf     int64
	lastTracking int64
	sets         map[string]*channelSet
	channels     map[string]*channel
	subs         map[string]*subscription
	waiting      map[string]*delivery // by event id: sent, not acknowledged
	posts        posts
	faults       []*fault
	lastFault    int
	downUntil    time.Time // a restart takes this long
	planned      schedule
	rate         *task // the next tick of rate traffic
	stats        Stats
	servers      []*http.Server
	streams      sync.WaitGroup // handlers that block: open channels, stalled answers

	oci *oci.Server // how users are provisioned; fixed after New
}

// New makes a simulator. Traffic starts at once; Close ends it.
func New(cfg Config) *Simulator {
	s := &Simulator{
		cfg:  cfg.withDefaults(),
		done: make(chan struct{}),
	}
	for i := range s.cfg.XSPs {
		s.xsps = append(s.xsps, &xsp{sim: s, name: "xsp" + itoa(int64(i+1)), base: s.cfg.base(i)})
	}
	s.rnd, s.fate, s.asked = newRandom(s.cfg.Seed), newRandom(s.cfg.Seed^fateSeed), newRandom(s.cfg.Seed^askedSeed)
	s.cfg.Log.Info("simulator", "seed", s.cfg.Seed, "subscribers", s.cfg.Subscribers, "xsps", s.cfg.XSPs)
	s.makePhones()
	s.stats = newStats()
	s.posts.init(&s.cfg.Contacts)
	s.oci = oci.New(s.cfg.OCI, provisioning{s})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.boot()
	return s
}

// boot gives the switch an empty memory: no calls, channels, subscriptions,
// and counters that start elsewhere than the last time.
func (s *Simulator) boot() {
	s.calls = make(map[string]*half)
	s.parked = nil
	s.sets = make(map[string]*channelSet)
	s.channels = make(map[string]*channel)
	s.dropContacts()
	s.subs = make(map[string]*subscription)
	s.waiting = make(map[string]*delivery)
	for _, e := range s.enterprises {
		e.subs = nil
		for _, g := range e.groups {
			g.subs = nil
		}
	}
	for _, p := range s.phones {
		p.calls, p.conf, p.subs, p.offHook = nil, nil, nil, false
	}
	s.lastHalf = s.fate.counterBase()
	s.lastTracking = s.fate.counterBase()
	s.startTraffic()
}

// Handler is the first XSP, with the control paths, for a server of one's own.
// That server must not limit how long an answer takes to be written.
func (s *Simulator) Handler() http.Handler { return s.xsps[0] }

// Serve answers for the first XSP on ln until Close. It returns nil then.
func (s *Simulator) Serve(ln net.Listener) error { return s.ServeXSP(0, ln) }

// ServeXSP answers for one of the XSPs, counted from 0, on ln until Close. It
// returns nil then. The control paths are there on every one.
func (s *Simulator) ServeXSP(i int, ln net.Listener) error {
	x := s.xsps[i]
	srv := &http.Server{
		Handler:           x,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		_ = ln.Close()
		return nil
	}
	s.servers = append(s.servers, srv)
	if a, ok := ln.Addr().(*net.TCPAddr); ok && x.base == "" {
		x.base = "http://" + a.String()
	}
	s.mu.Unlock()
	err := srv.Serve(ln)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Close ends traffic, calls, channels and listeners, and returns when no
// channel is open any more.
func (s *Simulator) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.done)
	s.posts.cancel()
	s.stopAll()
	for _, ch := range s.channels {
		ch.abort()
	}
	for _, f := range s.faults {
		f.lift()
	}
	servers := s.servers
	s.mu.Unlock()

	err := s.oci.Close()
	for _, srv := range servers {
		// A short grace lets answers in progress leave; open channels were aborted.
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		if srv.Shutdown(ctx) != nil {
			err = errors.Join(err, srv.Close())
		}
		cancel()
	}
	s.streams.Wait()
	s.posts.client.CloseIdleConnections()
	return err
}

// afterAction runs fn when a phone would do what an action asked of it.
func (s *Simulator) afterAction(fn func()) {
	if s.cfg.ActionDelay <= 0 {
		fn()
		return
	}
	s.after(s.cfg.ActionDelay, fn)
}

func (s *Simulator) now() int64 { return time.Now().UnixMilli() }
