package provision

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/provider"
)

// sub is a subscriber as the core keeps it.
type sub struct {
	profile engine.Profile
	apps    []string
	deleted bool
}

// state is all that is on disk.
type state struct {
	subs   map[string]sub // by folded id
	memory map[string]string
}

func (s *state) clone() *state { return &state{maps.Clone(s.subs), maps.Clone(s.memory)} }

// world stands for the core and the disk. Changes of subscribers are synced;
// what is remembered reaches the disk in its order, but when it likes.
type world struct {
	mu      sync.Mutex
	now     *state
	since   []*state // the disk could be any of these after a crash
	apps    map[string]bool
	told    map[string]int // subscriber webhooks by subscriber and app
	users   map[string]provider.Entry
	hands   sync.Mutex
	dead    bool
	deletes []string

	// trouble decides before each call: nil for none.
	trouble func(what string) *fault
	// watchers check each change of the reconciler.
	onDelete func(p engine.Profile)
	onUnlink func(p engine.Profile, app string)
	onPut    func(was *sub, p engine.Profile)
}

// fault is what goes wrong with one call.
type fault struct{ before, after, crash bool }

var errFault = errors.New("it went wrong")

func newWorld() *world {
	s := &state{map[string]sub{}, map[string]string{}}
	return &world{now: s, since: []*state{s.clone()}, apps: map[string]bool{}, told: map[string]int{}, users: map[string]provider.Entry{}}
}

// call does one thing to the world, or not, and reports whether the caller
// hears that it went well.
func (w *world) call(what string, synced bool, do func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	var f fault
	if w.trouble != nil && !w.dead {
		if trouble := w.trouble(what); trouble != nil {
			f = *trouble
		}
	}
	if f.crash && f.before {
		w.dead = true
	}
	if w.dead || f.before {
		return false
	}
	do()
	if synced {
		w.since = nil
	}
	w.since = append(w.since, w.now.clone())
	if f.crash {
		w.dead = true
	}
	return !w.dead && !f.after
}

// crash goes on with what the disk had at some moment since the last sync.
func (w *world) crash(pick func(n int) int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.since[pick(len(w.since))].clone()
	w.since = []*state{w.now.clone()}
	w.dead = false
}

func (w *world) Hold(string) func() { w.hands.Lock(); return w.hands.Unlock }

func (w *world) PutProfile(_ context.Context, p engine.Profile) (created bool, err *engine.Error) {
	ok := w.call("put", true, func() {
		for _, s := range w.now.subs {
			if !s.deleted && engine.Fold(s.profile.ID) != engine.Fold(p.ID) && s.profile.Network == p.Network && engine.Fold(s.profile.ProviderUser) == engine.Fold(p.ProviderUser) {
				err = &engine.Error{Code: engine.CodeConflict}
				return
			}
		}
		was, there := w.now.subs[engine.Fold(p.ID)]
		created = !there || was.deleted
		if w.onPut != nil {
			if created {
				w.onPut(nil, p)
			} else {
				w.onPut(&was, p)
			}
		}
		if there {
			p.ID = was.profile.ID
		}
		s := sub{profile: p, apps: was.apps}
		if created {
			s.apps = nil
		}
		w.now.subs[engine.Fold(p.ID)] = s
	})
	if !ok {
		return false, &engine.Error{Code: engine.CodeUnconfirmed}
	}
	return created, err
}

func (w *world) change(what, id string, do func(s *sub)) (err *engine.Error) {
	ok := w.call(what, true, func() {
		s, there := w.now.subs[engine.Fold(id)]
		if !there || s.deleted {
			err = &engine.Error{Code: engine.CodeNotFound}
			return
		}
		s.apps = slices.Clone(s.apps)
		do(&s)
		w.now.subs[engine.Fold(id)] = s
	})
	if !ok {
		return &engine.Error{Code: engine.CodeBusy}
	}
	return err
}

func (w *world) Link(_ context.Context, app, id string) *engine.Error {
	return w.change("link", id, func(s *sub) {
		if !slices.Contains(s.apps, app) {
			s.apps = append(s.apps, app)
			w.told[engine.Fold(id)+" "+app]++
		}
	})
}

func (w *world) Unlink(_ context.Context, app, id string) *engine.Error {
	return w.change("unlink", id, func(s *sub) {
		if w.onUnlink != nil {
			w.onUnlink(s.profile, app)
		}
		s.apps = slices.DeleteFunc(s.apps, func(a string) bool { return a == app })
	})
}

func (w *world) Delete(_ context.Context, id string) *engine.Error {
	return w.change("delete", id, func(s *sub) {
		if w.onDelete != nil {
			w.onDelete(s.profile)
		}
		s.deleted, s.apps = true, nil
		w.deletes = append(w.deletes, id)
	})
}

func (w *world) App(id string) (*tenant.App, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &tenant.App{ID: id}, w.apps[id]
}

func (w *world) Subscriber(id string) (*tenant.SubscriberInfo, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, there := w.now.subs[engine.Fold(id)]
	if w.dead {
		return nil, false, errFault
	}
	return &tenant.SubscriberInfo{Profile: s.profile, Apps: s.apps}, there && !s.deleted, nil
}

func (w *world) UserOf(network, user string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.now.subs {
		if !s.deleted && s.profile.Network == network && engine.Fold(s.profile.ProviderUser) == engine.Fold(user) {
			return s.profile.ID, nil
		}
	}
	return "", nil
}

// Memory.

func (w *world) Get(target string) (b []byte, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return nil, errFault
	}
	if v, there := w.now.memory[target]; there {
		b = []byte(v)
	}
	return b, nil
}

func (w *world) Put(target string, value []byte) error {
	if !w.call("remember", false, func() { w.now.memory[target] = string(value) }) {
		return errFault
	}
	return nil
}

// forgetful is the Memory of a world: its Delete is not the subscribers'.
type forgetful struct{ *world }

func (f forgetful) Delete(target string) error {
	if !f.call("forget", false, func() { delete(f.now.memory, target) }) {
		return errFault
	}
	return nil
}

func (f forgetful) Each(fn func(string, []byte) error) error {
	f.mu.Lock()
	all := maps.Clone(f.now.memory)
	f.mu.Unlock()
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if err := fn(k, []byte(all[k])); err != nil {
			return err
		}
	}
	return nil
}

// platform is the source: what the world's users are, and what goes wrong with
// asking for them.
type platform struct {
	*world
	list    func(all []provider.Entry) ([]provider.Entry, error) // nil tells all
	changes chan string
	reads   int
}

func (p *platform) List(_ context.Context, fn func(provider.Entry) error) error {
	p.mu.Lock()
	var all []provider.Entry
	for _, u := range slices.Sorted(maps.Keys(p.users)) {
		all = append(all, p.users[u])
	}
	list := p.list
	p.mu.Unlock()
	var failed error
	if list != nil {
		all, failed = list(all)
	}
	for _, e := range all {
		if err := fn(e); err != nil {
			return err
		}
	}
	return failed
}

func (p *platform) Read(_ context.Context, user string) (e provider.Entry, there bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads++
	if p.dead {
		return e, false, errFault
	}
	if p.trouble != nil && p.trouble("read") != nil {
		return e, false, errFault
	}
	e, there = p.users[engine.Fold(user)]
	return e, there, nil
}

func (p *platform) Watch(ctx context.Context, changed func(string)) error {
	for {
		select {
		case u := <-p.changes:
			changed(u)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *world) hire(e provider.Entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.users[engine.Fold(e.User)] = e
}

func (w *world) leave(user string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.users, engine.Fold(user))
}
