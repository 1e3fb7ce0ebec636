package broadworks

import (
	"net/http"
	"slices"
	"time"

	"offhook/engine"
	"offhook/provider"
)

// refused is the platform's no to one subscription: that user's trouble, or
// that group's, and not the network's. It is asked again, seldom; nothing else
// that happens meanwhile brings it forward.
type refused struct {
	state  provider.UserState
	detail string
	since  int64 // ms since the epoch
	until  int64 // not asked again before; by Provider.now
}

// refuse notes that a subscription was refused. p.mu is held.
func (p *Provider) refuse(s *standing, a answer) {
	wait := p.cfg.RefusedWait + time.Duration(p.cfg.Random()*float64(p.cfg.RefusedWait))
	r := refused{state: p.refusalState(a), detail: refusal(a), since: p.cfg.Now(), until: p.now() + wait.Milliseconds()}
	before, again := p.refused[s]
	if again && before.state == r.state {
		r.since = before.since
	}
	p.refused[s] = r
	p.cfg.Metrics.subscriptionRefused(p.cfg.NetworkID)
	if !again || before.detail != r.detail {
		p.cfg.Log.Warn("subscription refused", "user", s.user, "state", r.state, "reason", r.detail, "retry_in", wait)
	}
	p.plan(s, wait)
}

// refusalState reads a no (dossier §1.8). Why BroadWorks says 409 is not known
// for sure; the quota of an Xsi policy profile is the likely cause (§1.9).
func (p *Provider) refusalState(a answer) provider.UserState {
	switch {
	case a.status == http.StatusConflict, a.code != 0 && slices.Contains(p.cfg.QuotaCodes, a.code):
		return provider.UserOverQuota
	case a.status == http.StatusNotFound:
		return provider.UserUnknown
	case a.status == http.StatusForbidden:
		return provider.UserNotAllowed
	}
	return provider.UserRefused
}

// User implements provider.Provider.
func (p *Provider) User(user string) provider.UserStatus {
	p.mu.RLock()
	defer p.mu.RUnlock()
	s := p.users[engine.Fold(user)]
	if s == nil || !s.followed {
		return provider.UserStatus{State: provider.UserNotFollowed}
	}
	if p.perUser() {
		return p.standingOf(s)
	}
	// The subscription of a group is everybody's; which of several it is that
	// covers a user nobody says, so the worst of them counts.
	worst := provider.UserStatus{State: provider.UserSubscribed}
	for _, t := range p.targets {
		st := p.standingOf(t)
		if st.Since != 0 || st.State == provider.UserPending && worst.Since == 0 {
			worst = st
		}
	}
	return worst
}

// standingOf is the condition of one standing order. p.mu is held.
func (p *Provider) standingOf(s *standing) provider.UserStatus {
	r, no := p.refused[s]
	switch {
	case s.sub != "":
		return provider.UserStatus{State: provider.UserSubscribed}
	case !no:
		return provider.UserStatus{State: provider.UserPending}
	case s.user == "":
		r.detail = "the subscription of the whole group or enterprise is refused: " + r.detail
	}
	return provider.UserStatus{State: r.state, Detail: r.detail, Since: r.since, RetryAt: p.wall(r.until)}
}
