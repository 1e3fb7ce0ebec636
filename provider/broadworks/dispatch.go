package broadworks

import (
	"strings"
	"time"

	"offhook/engine"
	"offhook/provider"
)

// Events of a subscription whose id nobody knows yet: its first one may come
// before the answer to the request that made it (dossier §3.6). They wait, but
// not so long that the platform thinks us dead.
const (
	holdEvents = time.Second
	maxHeld    = 1024
)

type held struct {
	by    map[string]*heldEvents // by subscription id
	count int
	lost  map[string]struct{} // subscriptions whose events could not wait
}

type heldEvents struct {
	since  time.Time
	events []heldEvent
}

type heldEvent struct {
	ev       *engine.Event
	delivery *delivery
	receipt  provider.Receipt
	target   string // these two of a POSTed event; see arrival
	ended    bool
}

func (h *held) init() { h.by, h.lost = map[string]*heldEvents{}, map[string]struct{}{} }

// misread deals with an event that was not understood to its end. If it was
// only acknowledged, a change would be lost; if not, the platform would end
// the channel. So both: acknowledged, and its user compared.
func (p *Provider) misread(from asker, doc *document, err error) {
	p.cfg.Metrics.event(p.cfg.NetworkID, "not_understood")
	name := doc.text(doc.payloadAs)
	if name == "" {
		name = doc.payload.kind().String()
	}
	p.cfg.Log.Warn("event not understood", "type", logWord(name), "reason", err)
	if doc.kind != docEvent {
		return
	}
	p.mu.Lock()
	s := p.subs[doc.text(doc.subID)]
	if s != nil && doc.sequence > 0 && doc.sequence < 1<<31 && s.sequence != 0 && s.ahead(uint32(doc.sequence)) == 1 {
		s.sequence = uint32(doc.sequence) // what follows it need not wait for it
	}
	if t := doc.text(doc.target); t != "" {
		s = p.users[engine.Fold(t)]
	} else if s != nil && s.user == "" {
		p.compareEveryone() // it was about one of them
	}
	user := ""
	if s != nil && s.followed {
		user = s.user
		// Another one would be as long, or as strange, as this.
		s.unread = s.unread || doc.payload == payloadSnapshot
	}
	p.mu.Unlock()
	if user != "" {
		p.cfg.Sink.Resync(user)
	} else if s == nil && !doc.subID.empty() {
		p.handing.Lock()
		p.giveUp(strings.Clone(doc.text(doc.subID)), nil)
		p.handing.Unlock()
	}
	if d, fresh := p.recent.see(strings.Clone(doc.text(doc.eventID)), from); fresh {
		d.Settle()
	}
}

// logWord is a name from the wire that may be written into a log.
func logWord(name string) string {
	for i := 0; i < len(name); i++ {
		if !nameByte[name[i]] || name[i] >= 0x80 || i == 64 {
			return "unreadable"
		}
	}
	return name
}

// dispatch hands one event over, once.
func (p *Provider) dispatch(from asker, doc *document) {
	d, fresh := p.recent.see(strings.Clone(doc.text(doc.eventID)), from)
	if !fresh {
		p.cfg.Metrics.event(p.cfg.NetworkID, "duplicate")
		return
	}
	p.learn(doc)
	ev := doc.translate()
	var receipt provider.Receipt = d
	if doc.payload == payloadUnknown {
		// Newer than we are. Nothing depends on it, so it is acknowledged at
		// once; it is handed over all the same, for its sequence number.
		p.cfg.Metrics.event(p.cfg.NetworkID, "unknown")
		p.cfg.Log.Debug("unknown event", "type", logWord(doc.text(doc.payloadAs)))
		d.Settle()
		receipt = noReceipt{}
	}
	p.handing.Lock()
	defer p.handing.Unlock()
	p.arrived(arrival{
		ev: ev, sequence: ev.Sequence, target: doc.text(doc.target), delivery: d, receipt: receipt, ended: doc.payload == payloadTerminated,
	})
}

// route finds whom an event is about. handing is held.
func (p *Provider) route(ev *engine.Event, target string, d *delivery, receipt provider.Receipt) {
	id := ev.Subscription
	user, verdict := p.resolve(ev, target)
	switch verdict {
	case "delivered":
		p.cfg.Sink.Deliver(user, ev, receipt)
	case "buffered":
		p.holdBack(heldEvent{ev: ev, delivery: d, receipt: receipt, target: target})
	case "late":
		// It was given up, and what followed it was handed over. Without a
		// number of the user's own the core could not tell.
		d.Settle()
		p.cfg.Sink.Resync(user)
	case "foreign":
		// A subscription of ours that we lost track of: its request timed out,
		// and was made again. The platform may delete it.
		d.settle(ackUnknownSubscription)
		if p.contact.on { // whether it does, over HTTP, is unknown
			p.mu.Lock()
			p.discard(id)
			p.mu.Unlock()
		}
	default:
		d.Settle()
	}
	p.cfg.Metrics.event(p.cfg.NetworkID, verdict)
}

// resolve decides by the target, else by the subscription (dossier §3.4), and
// takes the numbers off events that are not numbered per user.
func (p *Provider) resolve(ev *engine.Event, target string) (user, verdict string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.subs[ev.Subscription]
	u := s
	late := s != nil && s.user == "" && p.countShared(s, ev) // those about others are numbered too
	if target != "" {
		u = p.users[engine.Fold(target)]
		if u == nil || !u.followed {
			return "", "nobody"
		}
	}
	switch {
	case s != nil && s.user == "":
		if u == nil || u == s {
			return "", "nobody" // about the group as a whole
		}
		if late {
			return u.user, "late"
		}
		return u.user, "delivered"
	case s != nil:
		if !u.followed {
			return "", "nobody"
		}
		return u.user, "delivered"
	case ev.Subscription == "": // no order can tell whose it is, or in which order it comes
		ev.Sequence = 0
		if u == nil {
			return "", "nobody"
		}
		return u.user, "delivered"
	case p.unwanted(ev.Subscription):
		return "", "foreign"
	case u == nil && p.posting > 0:
		return "", "buffered"
	case u == nil:
		return "", "foreign"
	case len(p.targets) > 0:
		ev.Subscription, ev.Sequence = "", 0
		if p.posting == 0 {
			return "", "foreign"
		}
		return u.user, "delivered"
	case u.sub == "":
		if !u.busy {
			// Made by a request whose answer was lost: it is ours.
			p.take(u, ev.Subscription, 0)
		}
		return u.user, "delivered"
	}
	return "", "foreign"
}

// countShared watches the numbers of a subscription that many users share: a
// gap may have been about any of them. It reports whether the event is one that
// was missing before.
func (p *Provider) countShared(s *standing, ev *engine.Event) (late bool) {
	seq := ev.Sequence
	ev.Subscription, ev.Sequence = "", 0
	if seq == 0 {
		return false
	}
	ahead := s.ahead(seq)
	if ahead > 1 {
		p.compareEveryone()
	}
	if ahead > 0 {
		s.sequence = seq
	}
	return ahead <= 0
}

// holdBack keeps an event until its subscription is known. handing is held.
func (p *Provider) holdBack(e heldEvent) {
	e.ev.Subscription = strings.Clone(e.ev.Subscription)
	id := e.ev.Subscription
	if _, gone := p.held.lost[id]; gone || p.held.count >= maxHeld {
		p.giveUp(id, []heldEvent{e})
		return
	}
	h := p.held.by[id]
	if h == nil {
		h = &heldEvents{since: time.Now()}
		p.held.by[id] = h
		time.AfterFunc(holdEvents, func() { p.expireHeld(id, h) })
	}
	h.events = append(h.events, e)
	p.held.count++
}

func (p *Provider) expireHeld(id string, h *heldEvents) {
	p.handing.Lock()
	defer p.handing.Unlock()
	if p.held.by[id] == h {
		delete(p.held.by, id)
		p.held.count -= len(h.events)
		p.giveUp(id, h.events)
	}
}

// giveUp acknowledges events that waited long enough. If their subscription
// turns out to be ours after all, its user is compared.
func (p *Provider) giveUp(id string, events []heldEvent) {
	if len(p.held.lost) >= maxHeld {
		clear(p.held.lost)
	}
	p.held.lost[id] = struct{}{}
	for _, e := range events {
		e.delivery.Settle()
	}
}

// claim says that a subscription is a user's, and hands over what waited for
// it before anything that follows.
func (p *Provider) claim(s *standing, id string, life time.Duration) {
	p.handing.Lock()
	defer p.handing.Unlock()
	p.mu.Lock()
	p.take(s, id, life)
	// Its snapshot may be on its way already; on one channel nothing overtakes it.
	s.fresh = s.user != "" && p.contact.on
	followed, user := s.followed, s.user
	p.mu.Unlock()
	h := p.held.by[id]
	if h != nil {
		delete(p.held.by, id)
		p.held.count -= len(h.events)
		for _, e := range h.events {
			if !followed || user == "" {
				e.delivery.Settle()
				continue
			}
			p.arrived(arrival{ev: e.ev, sequence: e.ev.Sequence, target: e.target, delivery: e.delivery, receipt: e.receipt, ended: e.ended})
		}
	}
	if _, gone := p.held.lost[id]; gone {
		delete(p.held.lost, id)
		if followed && user != "" {
			p.cfg.Sink.Resync(user)
		}
	}
}
