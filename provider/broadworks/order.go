package broadworks

import (
	"slices"
	"strings"
	"time"

	"offhook/engine"
	"offhook/provider"
)

// Events of one subscription may overtake each other: on two channels of a set
// while one of them ends, or POSTed on several connections (dossier §3.6,
// §3.9). The core takes a number that is ahead for a gap and one that is behind
// for a repeat, so the order is restored here: an event that is ahead waits for
// those before it, briefly. A snapshot does not: it says all they could say.

// The most events that wait for those before them.
const (
	maxEarly        = 4096
	maxEarlyPerLine = 256 // of one subscription
)

// arrival is one event as it came.
type arrival struct {
	ev       *engine.Event
	sequence uint32 // ev loses its own when many users share the numbers
	target   string
	delivery *delivery
	receipt  provider.Receipt
	ended    bool // the subscription ended with it
}

// early are the events of one subscription that came before their turn, in the
// order of their numbers.
type early struct{ events []arrival }

// arrived hands an event over when its turn is there. handing is held.
func (p *Provider) arrived(a arrival) {
	id := a.ev.Subscription
	p.mu.RLock()
	s := p.subs[id]
	wait := s == nil && p.beingMade(id, a.target)
	ahead := int64(1)
	if s != nil {
		ahead = s.ahead(a.sequence)
	}
	p.mu.RUnlock()
	switch {
	case wait:
		p.cfg.Metrics.event(p.cfg.NetworkID, "buffered")
		p.holdBack(heldEvent{ev: a.ev, delivery: a.delivery, receipt: a.receipt, target: strings.Clone(a.target), ended: a.ended})
	case ahead > 1 && a.ev.Kind != engine.EventSnapshot:
		p.waitTurn(a)
	default:
		p.handOver(a)
		p.catchUp(id)
	}
}

// beingMade reports whether an event of an unknown subscription may be the
// first of one whose request is not answered yet. p.mu is held.
func (p *Provider) beingMade(sub, target string) bool {
	if p.posting == 0 || sub == "" || p.unwanted(sub) {
		return false
	}
	if target == "" || !p.perUser() {
		return true
	}
	u := p.users[engine.Fold(target)]
	return u != nil && u.followed && u.sub == ""
}

// ahead is how far a number is ahead of the last that was handed over; 1 for
// the next one, and for one that cannot be judged. Provider.mu is held.
func (s *standing) ahead(sequence uint32) int64 {
	const wrap = 1<<31 - 1 // numbers wrap to 1 after it (dossier §3.6)
	if sequence == 0 || s.sequence == 0 && !s.fresh {
		return 1
	}
	d := int64(sequence) - int64(s.sequence)
	switch {
	case d > wrap/2:
		d -= wrap
	case d < -wrap/2:
		d += wrap
	}
	return d
}

// waitTurn keeps an event until those before it were handed over. When there
// is no room it waits no longer, and neither do those it would have waited with.
func (p *Provider) waitTurn(a arrival) {
	c := &p.contact
	id := strings.Clone(a.ev.Subscription)
	e := c.early[id]
	if e == nil {
		e = &early{}
		c.early[id] = e
		time.AfterFunc(p.cfg.GapWait, func() {
			p.handing.Lock()
			defer p.handing.Unlock()
			if c.early[id] == e {
				p.release(id, e)
			}
		})
	}
	at, _ := slices.BinarySearchFunc(e.events, a, func(x, y arrival) int { return int(apart(x.sequence, y.sequence)) })
	e.events = slices.Insert(e.events, at, a)
	c.earlyCount++
	p.cfg.Metrics.event(p.cfg.NetworkID, "early")
	if len(e.events) >= maxEarlyPerLine || c.earlyCount >= maxEarly {
		p.release(id, e)
	}
}

// apart is a-b on the wrapping line of numbers.
func apart(a, b uint32) int64 {
	s := standing{sequence: b, fresh: true}
	return s.ahead(a)
}

// catchUp hands over what waited for the event that was just handed over.
func (p *Provider) catchUp(id string) {
	e := p.contact.early[id]
	for e != nil && len(e.events) > 0 {
		p.mu.RLock()
		s := p.subs[id]
		turn := s == nil || s.ahead(e.events[0].sequence) <= 1
		p.mu.RUnlock()
		if !turn {
			return
		}
		p.pop(id, e)
	}
}

// release hands over what waited long enough, in order. The core sees the gap.
func (p *Provider) release(id string, e *early) {
	for len(e.events) > 0 {
		p.pop(id, e)
	}
}

func (p *Provider) pop(id string, e *early) {
	a := e.events[0]
	e.events[0] = arrival{}
	e.events = e.events[1:]
	p.contact.earlyCount--
	if len(e.events) == 0 {
		delete(p.contact.early, id)
	}
	p.handOver(a)
}

// handOver hands one event over and moves the line of its subscription on.
func (p *Provider) handOver(a arrival) {
	id := a.ev.Subscription
	if a.ended {
		p.cfg.Metrics.event(p.cfg.NetworkID, "control")
		p.lostSubscription(id)
		a.delivery.Settle()
		return
	}
	p.route(a.ev, a.target, a.delivery, a.receipt)
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.subs[id]
	if s == nil {
		return
	}
	if s.user != "" && a.sequence != 0 && (s.sequence == 0 || s.ahead(a.sequence) > 0) {
		s.sequence = a.sequence // that of a group: see countShared
	}
	if p.contact.on {
		p.heardOf(p.aboutWhom(s, a.target), a.ev)
	}
}

// aboutWhom is the user an event is about; nil for nobody we know. p.mu is held.
func (p *Provider) aboutWhom(s *standing, target string) *standing {
	if target != "" {
		return p.users[engine.Fold(target)]
	}
	if s.user == "" {
		return nil
	}
	return s
}
