package simulator

import (
	"slices"
	"strings"
	"time"
)

// subscription is a standing order for events. Guarded by Simulator.mu.
type subscription struct {
	id, owner, appID, event string
	setID                   string
	contact                 *contact // instead of a channel set; nil for one
	user                    *phone   // the target, or
	site                    *group   // the target, or
	org                     *enterprise
	rnd                     random // its event ids, its channel, the faults that strike it
	seq                     int64  // sequence number of the last event
	ready                   bool   // false until its first snapshot: what happens meanwhile is in that
	expires                 time.Duration
	expiry                  *task
	on                      *channel    // where its events travel while that lives
	delayed                 []*delivery // held back by a fault, in order
	lost                    bool        // events of it were lost since its last snapshot
	resyncing               bool        // a resync is planned
}

// packages are the event packages a client may name (dossier §3.3).
var packages = []string{
	"Advanced Call", "Basic Call", "Standard Call", "Do Not Disturb", "Call Forwarding Always",
	"Call Forwarding Busy", "Call Forwarding No Answer", "Remote Office", "Call Center Agent",
	"Call Center Queue", "Call Center Monitoring", "Voice Mail Message Summary", "Meet Me Conference",
}

func knownPackage(name string) (string, bool) {
	for _, p := range packages {
		if strings.EqualFold(p, name) {
			return p, true
		}
	}
	return "", false
}

// aboutCalls reports whether the package carries calls at all; the others are
// accepted, and quiet here.
func (sub *subscription) aboutCalls() bool { return strings.HasSuffix(sub.event, " Call") }

func (sub *subscription) wants(ev eventKind) bool {
	return sub.aboutCalls() && (ev.standard || sub.event != "Standard Call")
}

// targets is where the subscription is listed.
func (s *Simulator) targets(sub *subscription) *[]*subscription {
	switch {
	case sub.user != nil:
		return &sub.user.subs
	case sub.site != nil:
		return &sub.site.subs
	}
	return &sub.org.subs
}

// subscribe registers sub, unless the target has too many of its package: an
// operator sets such a quota (dossier §1.9).
func (s *Simulator) subscribe(sub *subscription) bool {
	list := s.targets(sub)
	same := 0
	for _, o := range *list {
		if o.event == sub.event {
			same++
		}
	}
	if same >= s.cfg.MaxSubscriptions {
		return false
	}
	sub.rnd = newRandom(s.rnd.Uint64())
	*list = append(*list, sub)
	s.subs[sub.id] = sub
	s.stats.Subscribed++
	s.expireLater(sub)
	return true
}

func (s *Simulator) expireLater(sub *subscription) {
	s.stop(sub.expiry)
	sub.expiry = nil
	if sub.expires > 0 {
		sub.expiry = s.after(sub.expires, func() { s.endSubscription(sub, true) })
	}
}

// endSubscription forgets sub; told says whether its owner hears of it
// (SubscriptionTerminatedEvent, dossier §3.7).
func (s *Simulator) endSubscription(sub *subscription, told bool) {
	if s.subs[sub.id] != sub {
		return
	}
	if told {
		s.publish(sub, sub.user, eventData(evTerminated))
	}
	s.stop(sub.expiry)
	delete(s.subs, sub.id)
	list := s.targets(sub)
	*list = slices.DeleteFunc(*list, func(o *subscription) bool { return o == sub })
}

// snapshot starts the subscription's events, for a user with all its calls
// (dossier §3.6); groups and enterprises get none.
func (s *Simulator) snapshot(sub *subscription) {
	if s.subs[sub.id] != sub {
		return
	}
	sub.ready = true
	if sub.user == nil || !sub.aboutCalls() {
		return
	}
	s.stats.Snapshots++
	sub.lost = false
	s.publish(sub, sub.user, eventData(evSnapshot, s.snapshotNodes(sub.user)...))
}

// snapshotNodes is all there is to know of a user: calls and a conference, if
// any, and the hook.
func (s *Simulator) snapshotNodes(p *phone) (kids []*node) {
	if len(p.calls) > 0 {
		calls := el("calls")
		for _, h := range p.calls {
			calls.add(callNode(h))
		}
		kids = append(kids, calls)
	}
	if p.conf != nil {
		kids = append(kids, p.conf.node("conference"))
	}
	return append(kids, hookNode(p))
}

// maxExpires is for ever (dossier §3.1).
const (
	minExpires = 3600
	maxExpires = 2147483647
)

// grant is what the server gives for the seconds asked, 0 for none asked.
func (s *Simulator) grant(asked int64) (seconds int64, lasts time.Duration) {
	seconds = min(max(asked, minExpires), maxExpires)
	if s.cfg.GrantedExpires > 0 {
		seconds = max(1, int64(s.cfg.GrantedExpires/time.Second))
	}
	if part := s.cfg.GrantedSpread; part > 0 && seconds != maxExpires {
		seconds = max(1, int64(float64(seconds)*(1+part*(2*s.rnd.Float64()-1))))
	}
	if seconds >= maxExpires {
		return maxExpires, 0
	}
	return seconds, time.Duration(seconds) * time.Second
}

func (sub *subscription) nextSeq() int64 {
	if sub.seq == 1<<31-1 {
		sub.seq = 0 // wraps to 1 (dossier §3.6)
	}
	sub.seq++
	return sub.seq
}
