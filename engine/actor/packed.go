package actor

import "offhook/engine"

// A subscriber with a live call stays in memory, but mostly nothing happens to
// him: a call is answered, and then people talk. Once nothing has for a while he
// is packed. His calls and his profile are in memory once, where readers find
// them, and all else takes a few bytes. What readers see is the same before and
// after: he is packed when all of him is durable, and unpacked into calls of his
// own, so that what is shown never changes. An input finds him as it finds anybody;
// nothing is read for it.

const (
	tidied     = 4   // shards each time the janitor comes by: to all of them in 16 s
	mostPacked = 512 // subscribers of a shard each time: its lock is held
)

// tidy packs those of the shard to whom nothing has happened since it was last
// here.
func (s *shard) tidy() {
	s.mu.Lock()
	defer s.mu.Unlock()
	packed := 0
	for id, e := range s.calls {
		switch {
		case e.running || e.sub == nil || e.view.calls[0].ID != id: // once for each subscriber
		case e.busy:
			e.busy = false
		case e.pack():
			if packed++; packed == mostPacked {
				return
			}
		}
	}
}

// pack packs a subscriber with live calls whom nobody runs, if nothing speaks
// against it. shard.mu is held.
func (e *entry) pack() bool {
	v, sub := e.view, e.sub
	if v == nil || len(v.calls) == 0 || e.unsynced > 0 || len(e.replies) > 0 || !v.agrees(sub) {
		return false
	}
	if e.dir.failed.Load() { // his last step may be one that was not stored
		return false
	}
	packed, ok := sub.Pack(v.apps)
	if !ok {
		return false
	}
	is := *v
	is.calls, is.able = sub.Calls, e.able // with what only the owner looks at, which is newer than what is shown
	if len(is.calls) < cap(is.calls) {
		is.calls = append([]engine.Call(nil), is.calls...)
	}
	if is.able != v.able { // which calls are shown with, and a conference is not yet
		is.conference = sub.ViewConference()
	}
	e.view, e.packed, e.sub, e.replies = &is, packed, nil, nil
	return true
}

// agrees reports whether the view is what is to be shown of a subscriber of whom
// all is durable. It may not be where a step of his failed.
func (v *view) agrees(sub *engine.Subscriber) bool {
	if v.profile != sub.Shown() || len(v.calls) != len(sub.Calls) || (v.conference == nil) != (sub.Conference == nil) {
		return false
	}
	for i := range v.calls {
		if v.calls[i].ID != sub.Calls[i].ID {
			return false
		}
	}
	return v.conference == nil || v.conference.Conference == *sub.Conference
}

// unpack makes the subscriber what he was. Whoever runs him calls it: nobody
// changes what is shown of somebody who is packed.
func (e *entry) unpack() {
	v := e.view
	var c *engine.Conference
	if v.conference != nil {
		c = &v.conference.Conference
	}
	e.sub, e.packed = e.packed.Unpack(v.profile, v.apps, v.calls, c), engine.Packed{}
	e.sub.Configure(&e.dir.cfg.Rules)
	e.sub.Refresh(v.able)
}

// rise brings a subscriber who is packed, or not in memory, to where he can be
// stepped. Whoever runs him calls it.
func (e *entry) rise() bool {
	if e.packed.None() {
		return e.load()
	}
	e.unpack()
	return true
}

// share has what many subscribers have in common in memory once, and whatever
// the subscriber himself is called. shard.mu is held.
func (e *entry) share() {
	p := &e.sub.Profile
	if p.ID == e.key {
		p.ID = e.key
	}
	if p.ProviderUser == p.ID {
		p.ProviderUser = p.ID
	}
	p.Network = e.shard.same(p.Network)
	for i := range e.sub.Streams {
		t := &e.sub.Streams[i]
		t.App = e.shard.same(t.App)
	}
}

// mostNames bounds the apps and networks whose names a shard keeps: a few, mostly.
const mostNames = 64

// same is a string equal to name, and mostly the one that others have. s.mu is held.
func (s *shard) same(name string) string {
	if is, ok := s.names[name]; ok {
		return is
	}
	if len(s.names) < mostNames {
		s.names[name] = name
	}
	return name
}
