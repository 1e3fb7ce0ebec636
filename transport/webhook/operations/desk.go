package operations

import (
	"slices"
	"time"

	"offhook/engine/tenant"
	"offhook/transport/webhook"
)

const (
	minPause, maxPause = time.Second, 5 * time.Minute
	// gather is how long parked streams are counted before they are told: what
	// parks one often parks many.
	gather = 10 * time.Second
	// maxNamed is how many parked streams are named; the others are counted.
	maxNamed = 20
)

// desk is one receiver of letters, and what it knows. The Sender's lock guards
// it.
type desk struct {
	app string // empty for the operator's
	url string // of the receiver that knows; another one knows nothing

	known  map[endpoint]*known
	parked map[endpoint]*parked

	gone     bool // it answered 410
	flying   bool
	target   webhook.Target // of the attempt under way
	failures int            // in a row
	due      time.Time      // not before; zero for at once
}

// known is what the receiver was told of an endpoint.
type known struct {
	told  webhook.What // what it took last; empty for nothing, and for recovered
	ill   bool         // it was told that the endpoint is not well, or may have been
	draft *letter      // on its way or to be tried again
}

// parked is what the receiver was not told of the parked streams of an endpoint.
type parked struct {
	streams int
	named   []string // subscriber ids
	reason  string   // of the first
	since   int64
	first   time.Time
	draft   *letter // what was there before
}

func newDesk(app string) *desk {
	return &desk{app: app, known: map[endpoint]*known{}, parked: map[endpoint]*parked{}}
}

// follow forgets everything when the URL is another one.
func (d *desk) follow(r tenant.Receiver) {
	if d.url != r.URL {
		if d.url != "" {
			clear(d.known)
		}
		d.url, d.gone, d.failures, d.due = r.URL, false, 0, time.Time{}
	}
}

func (d *desk) park(e endpoint, n webhook.Notice, now time.Time) {
	p := d.parked[e]
	if p == nil {
		p = &parked{}
		d.parked[e] = p
	}
	if p.streams == 0 {
		p.reason, p.since, p.first = n.Reason, n.At, now
	}
	if slices.Contains(p.named, n.Subscriber) {
		return
	}
	p.streams++
	if len(p.named) < maxNamed {
		p.named = append(p.named, n.Subscriber)
	}
}

// choice is something a desk could tell.
type choice struct {
	of    endpoint
	cond  condition
	park  *parked // of streams; nil for a condition
	tries int
	since int64
}

// before reports whether a choice comes first: what was tried least, then what
// is true for longest, so that a letter its receiver cannot digest does not
// hold up the others.
func (c *choice) before(other *choice) bool {
	return other.of.app == "" || c.tries < other.tries || c.tries == other.tries && c.since < other.since
}

// choose returns the letter a desk sends now. If there is none, it returns
// when there will be; zero for never. mu is held.
func (s *Sender) choose(d *desk, now time.Time) (l *letter, next time.Time) {
	var best choice
	offer := func(c choice, draft *letter, at time.Time) {
		if draft != nil {
			c.tries, c.since = draft.tries, draft.since
		} else if at.After(now) {
			if next.IsZero() || at.Before(next) {
				next = at
			}
			return
		}
		if c.before(&best) {
			best = c
		}
	}
	s.ofDesk(d, func(e endpoint, c condition) {
		if draft, at, wanted := d.wants(e, c, s.cfg.FailingAfter); wanted {
			offer(choice{of: e, cond: c, since: c.since}, draft, at)
		}
	})
	for e, p := range d.parked {
		offer(choice{of: e, park: p, since: p.since}, p.draft, p.first.Add(gather))
	}
	found := best.of.app != ""
	switch {
	case d.due.After(now) && (found || next.Before(d.due) && !next.IsZero()):
		return nil, d.due
	case !found:
		return nil, next
	case best.park != nil:
		return s.draftParked(d, best.of, best.park), next
	}
	return s.draft(d, best.of, best.cond), next
}

// ofDesk calls fn for the conditions that concern a desk.
func (s *Sender) ofDesk(d *desk, fn func(endpoint, condition)) {
	if d.app == "" {
		for e, c := range s.conditions {
			fn(e, c)
		}
		return
	}
	for _, kind := range kinds {
		e := endpoint{d.app, kind}
		if c, ok := s.conditions[e]; ok {
			fn(e, c)
		}
	}
}

// wants reports whether the receiver is to be told of a condition, when, and
// what was drafted already. A draft about what is not true any more is thrown
// away.
func (d *desk) wants(e endpoint, c condition, failingAfter time.Duration) (draft *letter, at time.Time, wanted bool) {
	k := d.known[e]
	if k == nil {
		k = &known{}
	}
	switch c.what {
	case webhook.EndpointRecovered:
		wanted = k.ill
	case webhook.EndpointFailing:
		at, wanted = c.learned.Add(failingAfter), k.told != c.what
	default:
		wanted = k.told != c.what
	}
	if k.draft != nil && (!wanted || k.draft.what != c.what || k.draft.since != c.since) {
		k.draft = nil
	}
	return k.draft, at, wanted
}

// draft is the letter about a condition.
func (s *Sender) draft(d *desk, e endpoint, c condition) *letter {
	k := d.of(e)
	if k.draft == nil {
		k.draft = s.write(d, e, message{Type: c.what, Since: c.since, Reason: c.reason})
	}
	return k.draft
}

// draftParked is the letter about parked streams. Those that park from now on
// are counted for the next.
func (s *Sender) draftParked(d *desk, e endpoint, p *parked) *letter {
	if p.draft == nil {
		p.draft = s.write(d, e, message{Type: webhook.StreamParked, Since: p.since, Reason: p.reason, Streams: p.streams, SubscriberIDs: p.named})
		p.streams, p.named = 0, nil
	}
	return p.draft
}

// of is what the receiver knows of an endpoint.
func (d *desk) of(e endpoint) *known {
	k := d.known[e]
	if k == nil {
		k = &known{}
		d.known[e] = k
	}
	return k
}

// settle takes note of what became of an attempt on a URL. mu is held.
func (s *Sender) settle(d *desk, l *letter, url string, out webhook.Outcome) {
	if out.Class == webhook.Canceled || url != d.url {
		return // it says nothing about the receiver there is now
	}
	switch out.Class {
	case webhook.Delivered:
		d.failures, d.due = 0, time.Time{}
		d.took(l)
		s.cfg.Metrics.delivered(d.app, l.what)
		return
	case webhook.Gone:
		d.gone = true
		clear(d.known)
		clear(d.parked)
		s.log.Error("receiver of operational webhooks answered 410 Gone; it is told nothing until its URL changes", "app", d.app)
		return
	}
	s.cfg.Metrics.failed(d.app)
	l.tries++
	if d.failures++; d.failures == 1 {
		s.log.Warn("operational webhook failed; it is tried again", "app", d.app, "outcome", string(out.Class), "status", out.Status, "error", out.Err)
	}
	d.due = time.Now().Add(s.pause(d.failures, out.RetryAfter))
	if k := d.known[l.of]; k != nil && out.Status == 0 && l.what != webhook.EndpointRecovered && l.what != webhook.StreamParked {
		k.ill = true // without an answer nobody knows whether it was read
	}
}

// took notes that the receiver knows what a letter says.
func (d *desk) took(l *letter) {
	if l.what == webhook.StreamParked {
		p := d.parked[l.of]
		if p == nil {
			return
		}
		if p.draft = nil; p.streams == 0 {
			delete(d.parked, l.of)
		}
		return
	}
	if l.what == webhook.EndpointRecovered {
		delete(d.known, l.of)
		return
	}
	k := d.of(l.of)
	k.told, k.ill = l.what, true
	if k.draft == l {
		k.draft = nil
	}
}

// pause is how long to wait after a failure: doubled each time, spread over
// [d/2, d], and no less than the receiver asked for.
func (s *Sender) pause(failures int, asked time.Duration) time.Duration {
	d := min(minPause<<min(failures-1, 16), maxPause)
	d -= time.Duration(s.cfg.Random() % uint64(d/2+1)) // #nosec G115 -- a wait is not negative
	return max(d, min(asked, 2*maxPause))
}
