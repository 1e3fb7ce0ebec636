package actor

import (
	"slices"

	"offhook/engine"
)

// CallView is one live call with whose it is, as it is durable.
type CallView struct {
	Profile *engine.Profile
	Call    engine.Call
}

// view is what is durable of a subscriber with live calls: what lists and
// reads show. It is made by the owner, published when its records are synced,
// and never changed.
type view struct {
	profile *engine.Profile
	apps    []string // linked ones
	calls   []engine.Call

	conference *engine.ConferenceView // nil for none
	able       *engine.Platform       // what the network could do
}

func (v *view) shows(app string) bool {
	for _, a := range v.apps {
		if a == app {
			return true
		}
	}
	return false
}

// makeView copies what may be shown. The owner calls it.
func (e *entry) makeView() *view {
	v := &view{profile: e.sub.Shown(), calls: append([]engine.Call(nil), e.sub.Calls...), conference: e.sub.ViewConference(), able: e.able}
	if !e.sub.Deleted {
		for i := range e.sub.Streams {
			if t := &e.sub.Streams[i]; t.Linked {
				v.apps = append(v.apps, t.App)
			}
		}
	}
	return v
}

// publish makes a view the one that is shown. shard.mu is held.
func (e *entry) publish(v *view) {
	old := e.view
	e.view = v
	if old == nil || !old.foundLike(v) {
		if old != nil {
			e.hide(old)
		}
		e.list(v)
	}
	e.changed(old, v)
}

// foundLike reports whether two views are found by the same names: mostly a call
// changes, and none comes or goes.
func (v *view) foundLike(w *view) bool {
	if len(v.calls) != len(w.calls) || v.hosts() != w.hosts() || !slices.Equal(v.apps, w.apps) {
		return false
	}
	for i := range v.calls {
		if v.calls[i].ID != w.calls[i].ID {
			return false
		}
	}
	return true
}

// hosts is the conference of the view, or 0.
func (v *view) hosts() engine.ConferenceID {
	if v.conference == nil {
		return 0
	}
	return v.conference.ID
}

// hide takes the entry from where it is found by what a view shows. shard.mu is held.
func (e *entry) hide(v *view) {
	s := e.shard
	e.dir.cfg.Metrics.live(-len(v.calls))
	for i := range v.calls {
		delete(s.calls, v.calls[i].ID)
	}
	if v.conference != nil {
		delete(s.conferences, v.conference.ID)
	}
	if len(v.calls) > 0 {
		for _, app := range v.apps {
			delete(s.apps[app], e)
			if len(s.apps[app]) == 0 {
				delete(s.apps, app)
			}
		}
	}
}

// list puts the entry to where it is found by what a view shows. shard.mu is held.
func (e *entry) list(v *view) {
	s := e.shard
	e.dir.cfg.Metrics.live(len(v.calls))
	for i := range v.calls {
		s.calls[v.calls[i].ID] = e
	}
	if v.conference != nil {
		s.conferences[v.conference.ID] = e
	}
	if len(v.calls) > 0 {
		for _, app := range v.apps {
			if s.apps[app] == nil {
				s.apps[app] = map[*entry]struct{}{}
			}
			s.apps[app][e] = struct{}{}
		}
	}
}

// Live returns the durable live calls of all subscribers linked to an app, in
// no particular order.
func (d *Directory) Live(app string) []CallView {
	var all []CallView
	for _, v := range d.views(app) {
		v = d.fresh(v)
		for j := range v.calls {
			all = append(all, CallView{Profile: v.profile, Call: v.calls[j]})
		}
	}
	return all
}

// views returns what is durable of all subscribers linked to an app that have
// live calls.
func (d *Directory) views(app string) (all []*view) {
	for i := range d.shards {
		s := &d.shards[i]
		s.mu.Lock()
		for e := range s.apps[app] {
			all = append(all, e.view)
		}
		s.mu.Unlock()
	}
	return all
}

// fresh is a view with what can be done now, where the platform can do more than
// when it was made, or less.
func (d *Directory) fresh(v *view) *view {
	able := d.platform(v.profile.Network)
	if able == v.able || len(v.calls) == 0 {
		return v
	}
	sub := engine.Subscriber{Profile: *v.profile, Calls: append([]engine.Call(nil), v.calls...)}
	if v.conference != nil {
		sub.Conference = &v.conference.Conference
	}
	sub.Refresh(able)
	is := *v
	is.calls, is.conference, is.able = sub.Calls, sub.ViewConference(), able
	return &is
}

func (d *Directory) platform(network string) *engine.Platform {
	if network == "" || d.cfg.Networks == nil {
		return nil
	}
	return d.cfg.Networks.Platform(network)
}

// Released is the index of an event up to which Live shows what the log tells:
// who reads it before Live misses no change between the two.
func (d *Directory) Released() uint64 { return d.released.Load() }

// shown returns what is durable of a subscriber that is in memory, or nil.
func (d *Directory) shown(subscriber string) *view {
	s, key := d.shard(subscriber)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[key]; e != nil {
		return e.view
	}
	return nil
}

// Whose is the subscriber of a live call, if the app may see it. Nobody is woken.
func (d *Directory) Whose(app string, call engine.CallID) (subscriber string, ok bool) {
	e, shown := d.owner(call)
	if e == nil || !shown.shows(app) {
		return "", false
	}
	return e.key, true
}

// owner returns the entry a live call belongs to, or nil, and what is durable of it.
func (d *Directory) owner(call engine.CallID) (*entry, *view) {
	s := &d.shards[call.Slot()%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.calls[call]
	if e == nil {
		return nil, nil
	}
	return e, e.view
}
