package actor

import "offhook/engine"

// Shown is what is durable of a subscriber with live calls, for those who may
// see everything. Nothing in it is ever changed.
type Shown struct {
	Profile *engine.Profile
	Apps    []string // linked ones
	Calls   []engine.Call
}

// BoardParts is how many parts Board has.
const BoardParts = shards

// Board are the subscribers with live calls of one part of the directory, from
// 0 to BoardParts-1, in no particular order.
func (d *Directory) Board(part int) []Shown {
	s := &d.shards[part]
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Shown
	for id, e := range s.calls {
		if e.view.calls[0].ID == id { // once for each subscriber
			all = append(all, e.view.shown())
		}
	}
	return all
}

// ShownOf is what is shown of a subscriber, by his folded id; false when he has
// no live call.
func (d *Directory) ShownOf(subscriber string) (Shown, bool) {
	v := d.shown(subscriber)
	if v == nil || len(v.calls) == 0 {
		return Shown{}, false
	}
	return v.shown(), true
}

func (v *view) shown() Shown { return Shown{Profile: v.profile, Apps: v.apps, Calls: v.calls} }

// changed tells whoever watches that a subscriber is shown otherwise. shard.mu
// is held.
func (e *entry) changed(old, v *view) {
	if fn := e.dir.cfg.Changed; fn != nil && (len(v.calls) > 0 || old != nil && len(old.calls) > 0) {
		fn(e.key)
	}
}
