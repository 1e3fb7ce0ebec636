package simulator

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Contacts is how events are POSTed to the HTTP contact of a subscription, and
// what becomes of those that are not taken. The dossier (§3.9) knows only that
// they are POSTed and that a 200 is wanted; the rest is set here.
type Contacts struct {
	Timeout time.Duration // of one POST; zero means 5 s
	Retries int           // how often an event is POSTed again; zero means 2, negative never
	// RetryAfter is the wait before the first retry, twice that before the
	// next; what follows in the subscription waits too. Zero means 500 ms.
	RetryAfter      time.Duration
	AtOnce          int  // POSTs at a time; zero means 64
	PerSubscription int  // of these, of one subscription: more than one overtake each other; zero means 1
	GiveUpAfter     int  // so many events in a row given up end the subscription; zero means never
	UnknownEnds     bool // a 404 ends the subscription, as a 481 does on a channel

	// Dial and TLS replace the network and its trust; nil means the real ones.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	TLS  *tls.Config
}

func (c *Contacts) fill() {
	orElse(&c.Timeout, 5*time.Second)
	orElse(&c.Retries, 2)
	c.Retries = max(c.Retries, 0)
	orElse(&c.RetryAfter, 500*time.Millisecond)
	orElse(&c.AtOnce, 64)
	orElse(&c.PerSubscription, 1)
}

// contact is where the events of one subscription are POSTed. Guarded by
// Simulator.mu.
type contact struct {
	uri     string // as given, and told in the events
	url     string // with its scheme
	queue   []*delivery
	posting int  // under way
	listed  bool // in posts.ready
	paused  bool // a retry is due later
	failed  int  // events given up in a row
	gone    bool // the switch forgot it
}

// posts is what is to be POSTed, and by how many at once. Guarded by
// Simulator.mu but for the client.
type posts struct {
	client  *http.Client
	ctx     context.Context // ends with the simulator
	cancel  context.CancelFunc
	ready   []*subscription // with something to be POSTed now
	postmen int
	pending int // events that are not settled
}

func (p *posts) init(c *Contacts) {
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.client = &http.Client{
		Transport: &http.Transport{
			DialContext: c.Dial, TLSClientConfig: c.TLS, DisableCompression: true,
			MaxIdleConnsPerHost: c.AtOnce, IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

const maxContactURI = 2048

// newContact reads where events are to be POSTed; nil for nowhere one can. The
// scheme may be missing (dossier §3.9).
func newContact(uri string) *contact {
	uri = strings.TrimSpace(uri)
	full := uri
	if !strings.Contains(uri, "://") {
		full = "http://" + uri
	}
	u, err := url.Parse(full)
	if err != nil || len(uri) > maxContactURI || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil
	}
	return &contact{uri: uri, url: full}
}

// sendContact queues an event of a subscription with an HTTP contact.
func (s *Simulator) sendContact(d *delivery) {
	c := d.sub.contact
	if c.gone || len(c.queue) >= s.cfg.MaxWaitingPerStream {
		s.lose(d)
		return
	}
	c.queue = append(c.queue, d)
	s.posts.pending++
	s.stats.EventsSent++
	s.postNext(d.sub)
}

// postNext has the next event of a subscription POSTed, if one may be.
func (s *Simulator) postNext(sub *subscription) {
	c, p := sub.contact, &s.posts
	if c.listed || c.paused || c.gone || s.closed || len(c.queue) == 0 || c.posting >= s.cfg.Contacts.PerSubscription {
		return
	}
	c.listed = true
	p.ready = append(p.ready, sub)
	if p.postmen < s.cfg.Contacts.AtOnce {
		p.postmen++
		s.streams.Add(1)
		go s.postman()
	}
}

// postman POSTs what is ready until there is nothing more.
func (s *Simulator) postman() {
	defer s.streams.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &s.posts
	for len(p.ready) > 0 && !s.closed {
		sub := p.ready[0]
		p.ready[0] = nil
		p.ready = p.ready[1:]
		c := sub.contact
		c.listed = false
		if c.gone || len(c.queue) == 0 {
			continue
		}
		d := c.queue[0]
		c.queue[0] = nil
		c.queue = c.queue[1:]
		c.posting++
		s.postNext(sub)
		o := s.obstacles(d)
		s.mu.Unlock()
		status := s.post(d, o)
		s.mu.Lock()
		c.posting--
		s.posted(d, status)
		s.postNext(sub)
	}
	p.postmen--
}

// obstacles are what the faults in force do to a POST.
type obstacles struct {
	stalled <-chan struct{} // until it is closed
	wait    time.Duration   // others overtake it
	pause   time.Duration   // between the pieces of the body
}

func (s *Simulator) obstacles(d *delivery) (o obstacles) {
	s.stats.ContactPosts++
	for _, f := range s.faults {
		switch {
		case f.xsp != "" || f.phone != nil && f.phone != d.sub.user:
		case f.kind == faultStall && f.phone == nil:
			o.stalled = f.over
		case f.kind == faultSlowReader && f.phone == nil:
			o.pause = f.delay / 10
		}
	}
	if f := s.struckBy(d.sub.rnd, faultReorderEvents, nil, "", d.sub.user); f != nil {
		s.stats.EventsReordered++
		o.wait = d.sub.rnd.between(0, f.delay)
	}
	return o
}

// post POSTs one event and returns the status of the answer, 0 for none.
func (s *Simulator) post(d *delivery, o obstacles) int {
	wait := time.NewTimer(o.wait)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-s.posts.ctx.Done():
		return 0
	}
	if o.stalled != nil {
		select {
		case <-o.stalled:
		case <-s.posts.ctx.Done():
			return 0
		}
	}
	ctx, cancel := context.WithTimeout(s.posts.ctx, s.cfg.Contacts.Timeout)
	defer cancel()
	document := d.document("")
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.sub.contact.url, &slowBody{ctx, document, o.pause})
	if err != nil {
		return 0
	}
	req.ContentLength = int64(len(document))
	req.Header.Set("Content-Type", "application/xml; charset=UTF-8")
	res, err := s.posts.client.Do(req)
	if err != nil {
		return 0
	}
	drain(res)
	return res.StatusCode
}

// posted does what an answer asks for, or the lack of one.
func (s *Simulator) posted(d *delivery, status int) {
	c := d.sub.contact
	if c.gone {
		return // nobody waits for it any more
	}
	switch {
	case status/100 == 2:
		s.stats.EventsAcked++
	case status == http.StatusBadRequest:
		s.stats.EventsRefused++
	case status == http.StatusNotFound:
		s.stats.EventsRefused++
		if s.cfg.Contacts.UnknownEnds {
			s.posts.pending--
			s.endSubscription(d.sub, false)
			s.dropContact(d.sub)
			return
		}
	default:
		s.stats.ContactFailures++
		s.postAgain(d)
		return
	}
	c.failed = 0
	s.posts.pending--
}

// postAgain retries an event, before those that follow it, or gives it up.
func (s *Simulator) postAgain(d *delivery) {
	c := d.sub.contact
	if d.resent >= s.cfg.Contacts.Retries {
		s.posts.pending--
		s.lose(d)
		if c.failed++; c.failed == s.cfg.Contacts.GiveUpAfter {
			s.endSubscription(d.sub, false)
			s.dropContact(d.sub)
		}
		return
	}
	wait := s.cfg.Contacts.RetryAfter << d.resent
	d.resent++
	s.stats.EventsResent++
	c.queue = append([]*delivery{d}, c.queue...)
	if !c.paused {
		c.paused = true
		s.after(wait, func() {
			c.paused = false
			s.postNext(d.sub)
		})
	}
}

// dropContact forgets what is still to be POSTed of a subscription.
func (s *Simulator) dropContact(sub *subscription) {
	if c := sub.contact; c != nil && !c.gone {
		c.gone = true
		s.posts.pending -= len(c.queue) + c.posting
		c.queue = nil
	}
}

// dropContacts is part of the loss of all memory.
func (s *Simulator) dropContacts() {
	for _, sub := range s.subs {
		s.dropContact(sub)
	}
}
