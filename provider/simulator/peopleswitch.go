package simulator

import (
	"slices"
	"strings"
)

// enterprise is an organisation with its sites. Guarded by Simulator.mu.
type enterprise struct {
	id     string
	groups []*group
	subs   []*subscription // those whose target is the enterprise
}

// group is a site of an enterprise. Guarded by Simulator.mu.
type group struct {
	name   string
	of     *enterprise
	phones []*phone
	subs   []*subscription
}

// enterprise finds one by id; nil for none.
func (s *Simulator) enterprise(id string) *enterprise {
	for _, e := range s.enterprises {
		if is(e.id, id) {
			return e
		}
	}
	return nil
}

// group finds a site; nil for none, of no enterprise too.
func (e *enterprise) group(name string) *group {
	if e != nil {
		for _, g := range e.groups {
			if is(g.name, name) {
				return g
			}
		}
	}
	return nil
}

// phones is everybody, by site.
func (e *enterprise) phones() []*phone {
	if len(e.groups) == 1 {
		return e.groups[0].phones
	}
	var all []*phone
	for _, g := range e.groups {
		all = append(all, g.phones...)
	}
	return all
}

// reachBy makes a phone ring for its number and its extension.
func (s *Simulator) reachBy(p *phone) {
	p.digits = strings.TrimPrefix(p.SubscriberNumber, "+")
	for _, d := range []string{p.digits, p.Extension} {
		if d != "" {
			s.byDigits[d] = p
		}
	}
}

func (s *Simulator) unreach(p *phone) {
	for _, d := range []string{p.digits, p.Extension} {
		if s.byDigits[d] == p {
			delete(s.byDigits, d)
		}
	}
}

// remove takes phones off the switch: their calls end, then their
// subscriptions, then the channels opened in their names, each with a word
// (dossier §3.7).
func (s *Simulator) remove(phones ...*phone) {
	for _, p := range phones {
		for len(p.calls) > 0 {
			s.release(p.calls[0], localRelease, "")
		}
		s.endParkedBy(p)
		s.endAll(p.subs)
		p.gone = true
		delete(s.byUser, p.key)
		s.unreach(p)
		if p.dials > 0 {
			s.stats.DialsByUser[p.SubscriberID] = p.dials
		}
	}
	for _, ch := range s.channelsInOrder() {
		if ch.owner != nil && ch.owner.gone {
			s.endChannel(ch, reasonUserDeleted)
		}
	}
	s.phones = slices.DeleteFunc(s.phones, func(o *phone) bool { return o.gone })
}

// endAll ends subscriptions, and says so.
func (s *Simulator) endAll(subs []*subscription) {
	for _, sub := range slices.Clone(subs) {
		s.endSubscription(sub, true)
	}
}

func (s *Simulator) leave(p *phone) {
	p.group.phones = slices.DeleteFunc(p.group.phones, func(o *phone) bool { return o == p })
}

// moveTo brings a phone to another group: who follows that hears of it from now
// on. Its calls go on.
func (s *Simulator) moveTo(p *phone, g *group) {
	s.leave(p)
	p.group = g
	g.phones = append(g.phones, p)
	p.Enterprise, p.Group = g.of.id, g.name
	p.SubscriberAccountID = p.Enterprise + "/" + p.Group
}

// rename gives a user another id. Calls go on; what becomes of subscriptions
// is unknown, so a Config says it.
func (s *Simulator) rename(p *phone, id string) {
	if !s.cfg.RenameKeepsSubscriptions {
		s.endAll(p.subs)
	}
	for _, sub := range p.subs {
		if sub.owner == p.SubscriberID {
			sub.owner = id
		}
	}
	if p.dials > 0 {
		s.stats.DialsByUser[p.SubscriberID] = p.dials
		p.dials = 0
	}
	delete(s.byUser, p.key)
	p.SubscriberID, p.key = id, strings.ToLower(id)
	s.byUser[p.key] = p
}

// removeGroup takes a site away, and everybody in it.
func (s *Simulator) removeGroup(g *group) {
	s.remove(g.phones...)
	s.endAll(g.subs)
	g.phones = nil
	g.of.groups = slices.DeleteFunc(g.of.groups, func(o *group) bool { return o == g })
}

func (s *Simulator) removeEnterprise(e *enterprise) {
	s.remove(e.phones()...)
	for _, g := range e.groups {
		s.endAll(g.subs)
		g.phones = nil
	}
	s.endAll(e.subs)
	e.groups = nil
	s.enterprises = slices.DeleteFunc(s.enterprises, func(o *enterprise) bool { return o == e })
}
