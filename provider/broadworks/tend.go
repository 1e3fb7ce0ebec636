package broadworks

import (
	"context"
	"net/http"
	"time"

	"offhook/engine"
	"offhook/engine/maybe"
)

// tend brings one standing order to what is wanted of it: made, renewed or
// deleted. A worker holds it as busy.
func (p *Provider) tend(ctx context.Context, s *standing) {
	p.mu.Lock()
	followed, sub, user := s.followed, s.sub, s.user
	s.due = 0
	if followed && sub != "" && p.now()-s.expires > time.Minute.Milliseconds() {
		p.drop(s) // too late to renew
		sub = ""
	}
	p.mu.Unlock()
	switch {
	case !p.perUser() && user != "":
		if followed {
			p.cfg.Sink.Resync(user) // its calls are polled
		}
	case !followed:
		p.unsubscribe(ctx, s, sub)
	case sub == "":
		p.makeSubscription(ctx, s)
	default:
		if a, err := p.renewSubscription(ctx, s, sub); err == nil && unknownSubscription(a) {
			p.makeSubscription(ctx, s)
		}
	}
}

// unknownSubscription reads the answers to a renewal that mean that there is
// nothing to renew (dossier §1.8).
func unknownSubscription(a answer) bool {
	return a.status == http.StatusForbidden || a.status == http.StatusNotFound
}

// renewSubscription asks for a longer life. The platform answers with an
// exact snapshot on the event stream, besides.
func (p *Provider) renewSubscription(ctx context.Context, s *standing, sub string) (answer, error) {
	asked := time.Now()
	r := request{
		op: opRenew, method: http.MethodPut, class: classPoll, repeatable: true,
		path: p.cfg.Network.EventsPath + "/v2.0/subscription/" + escape(sub), body: p.renewalBody(),
	}
	a, err := p.anyXSP(ctx, r)
	if err == nil && maybe.Now("broadworks: renewed twice") { // it says how long from now, and a snapshot more is as true
		a, err = p.anyXSP(ctx, r)
	}
	life := p.life(a)
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.sub != sub {
		return a, err // another hand was faster
	}
	switch {
	case err == nil && a.status/100 == 2:
		s.fails, s.ended = 0, 0
		delete(p.refused, s)
		s.expires = p.now() + life.Milliseconds()
		p.remember(s)
		s.compare = s.compare || s.user == "" // a user's renewal brings a snapshot, a group's does not
		p.stands(s, asked)
		p.plan(s, p.halfLife(life))
	case err == nil && unknownSubscription(a):
		p.drop(s)
		p.unremember(s)
	case err == nil && a.final():
		p.refuse(s, a) // it stands until it expires
	default:
		p.retry(s)
	}
	return a, err
}

// stands is called when a subscription was made or renewed. That of a group
// brings no snapshot (dossier §3.6), so its users are compared one by one.
// p.mu is held.
func (p *Provider) stands(s *standing, asked time.Time) {
	p.expect(s, asked)
	if s.compare {
		s.compare = false
		p.compareEveryone()
	}
}

// life is how long a subscription was granted.
func (p *Provider) life(a answer) (life time.Duration) {
	life = p.cfg.Expires
	p.understand(a.body, func(d *document) {
		if d.kind == docSubscription && d.expires > 0 {
			life = granted(d.expires)
		}
	})
	return life
}

// subscribeLasts is how much longer than everything else a subscription that is
// being made goes on when we are stopped: one whose answer nobody read is nobody's
// until it expires, and counts towards what the platform allows us.
const subscribeLasts = 2 * time.Second

// outlasting returns a context that ends d after ctx does.
func outlasting(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return longer, func() { stop(); cancel() }
}

// makeSubscription subscribes. Its snapshot may come before the answer does.
func (p *Provider) makeSubscription(ctx context.Context, s *standing) {
	p.mu.Lock()
	p.posting++
	mark := p.mark()
	p.mu.Unlock()
	asked := time.Now()
	ctx, done := outlasting(ctx, subscribeLasts)
	defer done()
	a, err := p.anyXSP(ctx, request{
		op: opSubscribe, method: http.MethodPost, class: classPoll,
		path: p.cfg.Network.EventsPath + "/v2.0" + s.path(), body: p.subscriptionBody(),
	})
	id := ""
	if err == nil && a.status/100 == 2 {
		p.understand(a.body, func(d *document) {
			if d.kind == docSubscription {
				id = d.text(d.subID)
			}
		})
	}
	if id != "" {
		life := p.life(a)
		p.claim(s, id, life)
		p.mu.Lock()
		s.fails = 0
		p.stands(s, asked)
		p.outdated(s, mark)
		p.plan(s, p.halfLife(life))
		p.posting--
		p.mu.Unlock()
		p.touch()
		return
	}
	if err == nil && a.code == codeUnknownChannelSet {
		p.endChannels(errRebuild)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.posting--
	switch {
	case s.sub != "": // its events came, and it was adopted
		p.plan(s, 0)
	case err == nil && a.code == codeUnknownChannelSet:
		p.retry(s)
	case err == nil && a.final():
		p.refuse(s, a)
	default:
		p.retry(s)
	}
}

// plan says when a busy standing order is tended next. p.mu is held.
func (p *Provider) plan(s *standing, in time.Duration) {
	s.due = p.now() + in.Milliseconds()
	if !s.busy && !s.queued {
		p.work.later.put(s)
		p.work.wake()
	}
}

// retry plans the next try after a failure. p.mu is held.
func (p *Provider) retry(s *standing) {
	p.plan(s, p.backoff(int(s.fails))+p.cfg.BackoffMin/4)
	if s.fails < 16 {
		s.fails++
	}
}

// unsubscribe deletes a subscription nobody wants.
func (p *Provider) unsubscribe(ctx context.Context, s *standing, sub string) {
	if sub == "" {
		return
	}
	a, err := p.anyXSP(ctx, request{
		op: opUnsubscribe, method: http.MethodDelete, class: classPoll, repeatable: true,
		path: p.cfg.Network.EventsPath + "/v2.0/subscription/" + escape(sub),
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	if (err != nil || a.status >= 500) && s.fails < 8 {
		p.retry(s)
		return
	}
	if s.sub == sub {
		p.drop(s)
		p.unremember(s)
	}
}

// renewFor has an exact snapshot of a user sent. done is false when none
// would come, and the calls are to be read instead.
func (p *Provider) renewFor(ctx context.Context, user string) (out engine.Outcome, done bool) {
	coming := engine.Outcome{Kind: engine.OutcomeAccepted, Snapshot: &engine.Snapshot{Coming: true}}
	p.mu.Lock()
	s := p.users[engine.Fold(user)]
	if s == nil || !s.followed || !p.perUser() || !p.ready() || s.sub == "" || s.unread {
		if s != nil {
			s.unread = false
		}
		p.mu.Unlock()
		return out, false
	}
	sub, busy := s.sub, s.busy
	if busy {
		s.again = true // renewed once more when the worker is done
	}
	p.mu.Unlock()
	if busy {
		return coming, true
	}
	if !p.work.pace.wait(ctx) {
		return engine.Outcome{Kind: engine.OutcomeNotSent, Detail: "no answer in time"}, true
	}
	a, err := p.renewSubscription(ctx, s, sub)
	if err == nil && unknownSubscription(a) {
		// Making it again brings the snapshot just as well.
		p.mu.Lock()
		p.enqueue(s)
		p.mu.Unlock()
		return coming, true
	}
	if out, bad := failed(a, err, true); bad {
		return out, true
	}
	return coming, true
}
