package operations

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/webhook"
)

// endpoint is what is told about: a webhook of an app.
type endpoint struct {
	app  string
	kind engine.StreamKind
}

var kinds = []engine.StreamKind{engine.StreamCalls, engine.StreamSubscriber}

// condition is how an endpoint is. Those that were always well have none.
type condition struct {
	what    webhook.What // failing, disabled or recovered
	reason  string
	since   int64     // ms since the epoch
	learned time.Time // when what became true, for waiting
	version uint64    // of the Sender's knowledge: grows with whatever is told of the endpoint
}

// Sender tells. Make it with New, begin with Start, end with Stop.
type Sender struct {
	cfg Config
	log *slog.Logger

	wake   chan struct{}
	change chan struct{} // apps changed
	stop   chan struct{}
	ended  chan struct{} // the loop has
	work   sync.WaitGroup

	mu         sync.Mutex
	version    uint64
	conditions map[endpoint]condition
	desks      map[string]*desk // by app; "" for the operator's
	flying     int
	stopped    bool
	aborting   bool
}

// New makes a sender. Nothing is sent before Start; what is told until then is
// kept.
func New(cfg Config) *Sender {
	cfg = cfg.fill()
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.Uint64
	}
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Sender{
		cfg: cfg, log: log,
		wake: make(chan struct{}, 1), change: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{}),
		conditions: map[endpoint]condition{}, desks: map[string]*desk{},
	}
	if cfg.Operator.Set() {
		s.desks[""] = newDesk("")
	}
	return s
}

// Start begins to send, and looks for webhooks that are disabled already.
func (s *Sender) Start() {
	s.cfg.Tenants.OnChange(func() { signal(s.change) })
	go s.loop()
}

// Stop sends nothing more. It lets POSTs under way finish, aborts them when ctx
// ends, and leaves no goroutine. What nobody took is found again after the
// next start, if it is still true then. Tell does nothing any more.
func (s *Sender) Stop(ctx context.Context) error {
	s.mu.Lock()
	first := !s.stopped
	s.stopped = true
	s.mu.Unlock()
	if !first {
		return nil
	}
	close(s.stop)
	<-s.ended
	done := make(chan struct{})
	go func() { s.work.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	s.aborting = true
	for _, d := range s.desks {
		if d.target != nil {
			d.target.Abort()
		}
	}
	s.mu.Unlock()
	<-done
	return ctx.Err()
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Tell takes note of something. It does no I/O and waits for nobody.
func (s *Sender) Tell(n webhook.Notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	e := endpoint{n.App, n.Kind}
	if n.What == webhook.StreamParked {
		for _, d := range []*desk{s.deskOf(n.App), s.desks[""]} {
			if d != nil {
				d.park(e, n, time.Now())
			}
		}
	} else {
		s.learn(e, n.What, n.Reason, n.At)
	}
	signal(s.wake)
}

// learn notes how an endpoint is. mu is held.
func (s *Sender) learn(e endpoint, what webhook.What, reason string, at int64) {
	s.version++
	c, known := s.conditions[e]
	if !known && what == webhook.EndpointRecovered {
		return
	}
	if c.version = s.version; c.what != what {
		c.what, c.reason, c.since, c.learned = what, reason, at, time.Now()
	}
	s.conditions[e] = c
	s.deskOf(e.app)
}

// deskOf is the desk of an app; nil if the app does not want to be told. mu is
// held.
func (s *Sender) deskOf(app string) *desk {
	if a, ok := s.cfg.Tenants.App(app); !ok || !a.Operations.Set() {
		return nil
	}
	d := s.desks[app]
	if d == nil {
		d = newDesk(app)
		s.desks[app] = d
	}
	return d
}

// receiver is where a desk's letters go now.
func (s *Sender) receiver(d *desk) tenant.Receiver {
	if d.app == "" {
		return s.cfg.Operator
	}
	a, ok := s.cfg.Tenants.App(d.app)
	if !ok {
		return tenant.Receiver{}
	}
	return a.Operations
}

// loop sends what is due until the Sender is stopped.
func (s *Sender) loop() {
	defer close(s.ended)
	s.look()
	look := time.NewTicker(s.cfg.LookEvery)
	defer look.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-look.C:
			s.look()
		case <-s.change:
			s.look()
		case <-s.wake:
		case <-timer.C:
		}
		if next := s.dispatch(); !next.IsZero() {
			timer.Reset(time.Until(next))
		}
	}
}

// dispatch sends what is due, and returns when something else will be; zero
// for never.
func (s *Sender) dispatch() (next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, d := range s.desks {
		r := s.receiver(d)
		d.follow(r)
		if d.flying || d.gone || !r.Set() || r.Paused || r.Disabled != "" {
			continue
		}
		l, at := s.choose(d, now)
		if l != nil && s.flying == s.cfg.Slots {
			continue // whoever ends wakes us
		}
		if l != nil {
			d.flying = true
			s.flying++
			s.work.Add(1)
			go s.post(d, l, r)
		} else if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// post makes one attempt.
func (s *Sender) post(d *desk, l *letter, r tenant.Receiver) {
	defer s.work.Done()
	poster := s.cfg.Poster
	if d.app == "" {
		poster = s.cfg.OperatorPoster
	}
	var out webhook.Outcome
	// Letters are rare: a connection is not kept for the next.
	target, err := poster.Aim(d.app, r)
	if err != nil {
		out = webhook.Outcome{Class: webhook.Blocked, Err: err}
	} else if s.aims(d, target) {
		out = target.Post(l.parcel(d.app))
	} else {
		out.Class = webhook.Canceled
	}
	s.mu.Lock()
	d.target, d.flying = nil, false
	s.flying--
	s.settle(d, l, r.URL, out)
	s.mu.Unlock()
	if target != nil {
		target.Close()
	}
	signal(s.wake)
}

// aims notes where an attempt goes, so that Stop can abort it; false if it is
// too late for one.
func (s *Sender) aims(d *desk, target webhook.Target) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.target = target
	return !s.aborting
}
