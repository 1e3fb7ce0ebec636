package broadworks

import (
	"strings"
	"time"

	"offhook/engine"
	"offhook/engine/tenant"
)

// standing is a standing order for events: of one user, or of a group or an
// enterprise as one. Provider.mu guards it.
type standing struct {
	target   string // Memory's name for it
	user     string // the user id as it was followed; empty for a group or an enterprise
	followed bool   // wanted
	sub      string // subscription id; empty while there is none
	expires  int64  // by Provider.now
	sequence uint32 // last number, of a group, an enterprise, or a user with an HTTP contact
	fresh    bool   // just made: its numbers begin at 1

	queued  bool  // waits for a worker
	busy    bool  // a worker has it
	again   bool  // wanted once more, after the worker
	compare bool  // of a group: its users are compared once it stands
	unread  bool  // its last snapshot was not understood: its calls are read instead
	fails   uint8 // in a row
	ended   uint8 // how often in a row the platform ended it, before it was renewed once
	due     int64 // when it is next tended, ms since the epoch; 0 for never
	heapPos int   // in work.later; -1 when not there
}

// path is where a subscription is made (dossier §3.3).
func (s *standing) path() string {
	switch kind, id, _ := strings.Cut(s.target, "/"); kind + "/" {
	case targetEnterprise:
		return "/enterprise/" + escape(id)
	case targetGroup:
		sp, group, grouped := strings.Cut(id, "/")
		if !grouped {
			return "/serviceprovider/" + escape(sp)
		}
		return "/serviceprovider/" + escape(sp) + "/group/" + escape(group)
	}
	return "/user/" + escape(s.user)
}

func targetOf(t tenant.Target) string {
	switch {
	case t.Enterprise != "":
		return targetEnterprise + t.Enterprise
	case t.Group != "":
		return targetGroup + t.ServiceProvider + "/" + t.Group
	}
	return targetGroup + t.ServiceProvider
}

func (p *Provider) addTargets() {
	for _, t := range p.cfg.Network.Targets {
		p.targets = append(p.targets, &standing{target: targetOf(t), followed: true, heapPos: -1})
	}
}

// perUser reports whether each user has a subscription of its own.
func (p *Provider) perUser() bool { return len(p.targets) == 0 }

// Follow implements provider.Provider.
func (p *Provider) Follow(user string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.userOf(user)
	s.user = user
	if s.followed {
		return
	}
	s.followed = true
	p.counts.followed++
	if s.sub != "" {
		p.counts.subscribed++
	}
	s.fails = 0
	if p.perUser() || p.ready() {
		p.enqueue(s)
	}
}

// Unfollow implements provider.Provider.
func (p *Provider) Unfollow(user string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.users[engine.Fold(user)]
	if s == nil || !s.followed {
		return
	}
	s.followed = false
	p.counts.followed--
	if s.sub != "" {
		p.counts.subscribed--
	}
	delete(p.refused, s)
	p.work.later.remove(s)
	if s.sub == "" && !s.busy {
		p.forgetUser(s)
		return
	}
	s.fails = 0
	p.enqueue(s)
}

func (p *Provider) userOf(user string) *standing {
	key := engine.Fold(user)
	s := p.users[key]
	if s == nil {
		s = &standing{target: targetUser + key, user: user, heapPos: -1}
		p.users[key] = s
	}
	return s
}

func (p *Provider) forgetUser(s *standing) {
	delete(p.contact.discarded, s.target)
	if p.users[engine.Fold(s.user)] == s {
		delete(p.users, engine.Fold(s.user))
	}
}

// take notes the subscription of a standing order. p.mu is held.
func (p *Provider) take(s *standing, id string, life time.Duration) {
	p.drop(s)
	s.sub = strings.Clone(id)
	s.expires = p.now() + life.Milliseconds()
	s.sequence, s.fresh = 0, false
	s.compare = s.user == ""
	p.subs[s.sub] = s
	delete(p.refused, s)
	if s.followed && s.user != "" {
		p.counts.subscribed++
	}
	p.remember(s)
	if life == 0 { // adopted: a renewal tells how long it lives
		p.enqueue(s)
	}
}

// drop forgets a subscription. p.mu is held.
func (p *Provider) drop(s *standing) {
	if s.sub == "" {
		return
	}
	if p.subs[s.sub] == s {
		delete(p.subs, s.sub)
	}
	s.sub = ""
	if s.followed && s.user != "" {
		p.counts.subscribed--
	}
}

func (p *Provider) remember(s *standing) {
	if err := p.cfg.Memory.Put(s.target, remembered{ID: s.sub, Expires: p.wall(s.expires), Contact: p.mark()}.encode()); err != nil {
		p.cfg.Log.Error("subscription not remembered", "err", err)
	}
}

func (p *Provider) unremember(s *standing) {
	if err := p.cfg.Memory.Delete(s.target); err != nil {
		p.cfg.Log.Error("subscription not forgotten", "err", err)
	}
}

// recall reads what was remembered from before. A subscription of a user
// nobody follows any more is deleted some time after the start: until then
// the one who follows may still be waking up.
func (p *Provider) recall() {
	now := p.now()
	unwanted := now + p.cfg.RefusedWait.Milliseconds()
	mark := p.currentMark()
	var stale []string
	err := p.cfg.Memory.Each(func(target string, value []byte) error {
		r := decodeRemembered(value)
		switch {
		case target == targetSet, target == targetContact:
			return nil
		case r.ID == "" || p.own(r.Expires) <= now:
			stale = append(stale, target)
			return nil
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		var s *standing
		user, ofUser := strings.CutPrefix(target, targetUser)
		for _, t := range p.targets {
			if t.target == target {
				s = t
			}
		}
		if r.Contact != mark || !ofUser && s == nil || ofUser && !p.perUser() {
			// Its events go where nobody is any more, or it is of before the
			// targets were changed.
			p.discard(r.ID)
			stale = append(stale, target)
			return nil
		}
		if ofUser {
			s = p.userOf(user)
			if !s.followed {
				s.due = unwanted
				p.work.later.put(s)
			}
		}
		if s.sub != "" {
			return nil
		}
		s.sub, s.expires = r.ID, p.own(r.Expires)
		p.subs[s.sub] = s
		if s.followed && s.user != "" {
			p.counts.subscribed++
		}
		return nil
	})
	if err != nil {
		p.cfg.Log.Error("subscriptions of before not read; they are made again", "err", err)
	}
	for _, target := range stale {
		p.unremember(&standing{target: target})
	}
}

// lostSubscription makes a subscription again that the platform ended.
func (p *Provider) lostSubscription(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.subs[id]
	if s == nil {
		return
	}
	p.drop(s)
	p.unremember(s)
	switch {
	case s.followed && s.ended == 0:
		s.ended++
		p.enqueue(s)
	case s.followed: // whatever the platform has against it, it is no loop
		p.plan(s, p.backoff(int(s.ended))+p.cfg.BackoffMin/4)
		s.ended = min(s.ended+1, 16)
	case !s.busy:
		p.work.later.remove(s)
		p.forgetUser(s)
	}
}

// up registers a channel. Whatever happened while there was none, or on the
// one before, is made up for: every followed user is compared. It reports false
// when the set was left to another client while the channel was being opened.
func (p *Provider) up(ch *channel) bool {
	p.mu.Lock()
	if time.Now().Before(p.duplicate) {
		p.mu.Unlock()
		return false
	}
	p.channels[ch] = struct{}{}
	ch.x.trouble = ""
	p.compareAll()
	ch.x.streams++
	p.rank(p.xsps.Load().all, nil)
	p.mu.Unlock()
	p.cfg.Log.Info("event stream up", "xsp", ch.x.base.Host)
	p.touch()
	return true
}

// trouble notes why an XSP has no channel of ours, for people.
func (p *Provider) trouble(x *xsp, err error) {
	p.mu.Lock()
	x.trouble = reasonOf(err)
	p.mu.Unlock()
	p.touch()
}

func (p *Provider) down(ch *channel) {
	p.mu.Lock()
	delete(p.channels, ch)
	ch.x.streams--
	p.rank(p.xsps.Load().all, ch.x)
	if len(p.channels) > 0 {
		// Events go on at once on the others of the set; what was on its way
		// here may not (dossier §3.7).
		p.compareAll()
	}
	p.mu.Unlock()
	p.touch()
}

// compareAll makes up for events that may be lost: of users by renewing their
// subscriptions, of groups by reading the calls of their users. p.mu is held.
func (p *Provider) compareAll() {
	for _, s := range p.targets {
		s.fails, s.compare = 0, true
		p.enqueue(s)
	}
	if p.perUser() {
		p.compareEveryone()
	}
	p.work.wake()
}

// compareEveryone compares all followed users, at the pace of the work queue.
// p.mu is held.
func (p *Provider) compareEveryone() {
	now := p.now()
	for _, s := range p.users {
		if s.followed && p.refused[s].until <= now {
			p.enqueue(s)
		}
	}
}
