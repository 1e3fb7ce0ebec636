package store

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"offhook/engine"
	"offhook/engine/tenant"
)

// tenants are few and asked for with each request, so all of them are in
// memory. A table is never changed: a change makes a new one.
type tenants struct {
	mu       sync.Mutex // one change at a time
	table    atomic.Pointer[table]
	onChange []func()
}

type table struct {
	apps     map[string]*tenant.App
	keys     map[string]*tenant.App // by key id
	sorted   []*tenant.App
	networks map[string]*tenant.Network
	ordered  []*tenant.Network
}

func newTable(apps map[string]*tenant.App, networks map[string]*tenant.Network) *table {
	t := &table{apps: apps, networks: networks, keys: map[string]*tenant.App{}}
	for _, a := range apps {
		t.sorted = append(t.sorted, a)
		for _, k := range a.Keys {
			t.keys[k.ID] = a
		}
	}
	slices.SortFunc(t.sorted, func(a, b *tenant.App) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	for _, n := range networks {
		t.ordered = append(t.ordered, n)
	}
	slices.SortFunc(t.ordered, func(a, b *tenant.Network) int { return cmp.Compare(a.ID, b.ID) })
	return t
}

func (s *Store) loadTenants() error {
	apps, networks := map[string]*tenant.App{}, map[string]*tenant.Network{}
	err := s.scan([]byte(prefixApp), nil, func(k, v []byte) (bool, error) {
		record, err := s.sealer.open(k, v)
		if err != nil {
			return false, err
		}
		a, err := decodeApp(record)
		if err == nil {
			apps[a.ID] = a
		}
		return true, err
	})
	if err != nil {
		return err
	}
	err = s.scan([]byte(prefixNet), nil, func(k, v []byte) (bool, error) {
		record, err := s.sealer.open(k, v)
		if err != nil {
			return false, err
		}
		n, err := decodeNetwork(record)
		if err == nil {
			networks[n.ID] = n
		}
		return true, err
	})
	if err != nil {
		return err
	}
	s.tenants.table.Store(newTable(apps, networks))
	return nil
}

// App returns an app. What is returned is never changed by anyone.
func (s *Store) App(id string) (*tenant.App, bool) {
	a, ok := s.tenants.table.Load().apps[id]
	return a, ok
}

// Apps returns all apps, oldest first.
func (s *Store) Apps() []*tenant.App { return slices.Clone(s.tenants.table.Load().sorted) }

// Key returns an API key and the app that owns it.
func (s *Store) Key(keyID string) (*tenant.App, tenant.Key, bool) {
	a, ok := s.tenants.table.Load().keys[keyID]
	if !ok {
		return nil, tenant.Key{}, false
	}
	i := slices.IndexFunc(a.Keys, func(k tenant.Key) bool { return k.ID == keyID })
	return a, a.Keys[i], true
}

// Network returns a network. What is returned is never changed by anyone.
func (s *Store) Network(id string) (*tenant.Network, bool) {
	n, ok := s.tenants.table.Load().networks[id]
	return n, ok
}

// Networks returns all networks in the order of their ids.
func (s *Store) Networks() []*tenant.Network { return slices.Clone(s.tenants.table.Load().ordered) }

// PutApp stores an app. The caller must not change it afterwards.
func (s *Store) PutApp(a *tenant.App) error {
	return s.change("put app "+a.ID, func(t *table) *change { return s.putApp(t.apps[a.ID], a) })
}

// putApp notes on a webhook that is new from where on the log is for it:
// whatever an earlier one left waiting is not.
func (s *Store) putApp(was, is *tenant.App) *change {
	a := *is
	if was == nil {
		was = &tenant.App{}
	}
	for _, r := range []struct{ was, is *tenant.Receiver }{
		{&was.Calls, &a.Calls}, {&was.Subscriber, &a.Subscriber}, {&was.Operations, &a.Operations},
	} {
		if !r.is.Set() {
			continue
		}
		if r.is.Since = r.was.Since; !r.was.Set() {
			r.is.Since = s.Durable()
		}
	}
	return putApp(&a)
}

func putApp(a *tenant.App) *change {
	return &change{key: plainKey(nil, prefixApp, a.ID), value: appendApp(nil, a), apply: func(t *table) *table {
		apps := maps.Clone(t.apps)
		apps[a.ID] = a
		return newTable(apps, t.networks)
	}}
}

// ChangeApp replaces an app by what fn makes of it, and nobody else changes it
// in between: who changes one part leaves the others as they are. It reports
// false, and does not call fn, if there is no such app. fn must not change
// what it gets nor wait for anything; if it returns an error, or what it got,
// nothing is stored.
func (s *Store) ChangeApp(id string, fn func(*tenant.App) (*tenant.App, error)) (found bool, err error) {
	var refused error
	err = s.change("change app "+id, func(t *table) *change {
		var was, is *tenant.App
		if was, found = t.apps[id]; !found {
			return nil
		}
		if is, refused = fn(was); refused != nil || is == was {
			return nil
		}
		return s.putApp(was, is)
	})
	return found, cmp.Or(refused, err)
}

// DeleteApp forgets an app, its history and what it asked for once. Its events
// stay until they are old; who followed it must be unlinked first.
func (s *Store) DeleteApp(id string) error {
	return s.change("delete app "+id, func(*table) *change {
		wipe := [][]byte{appendText(appendGroup(nil, prefixPast), id), plainKey(nil, prefixOnce, id)}
		return &change{key: plainKey(nil, prefixApp, id), wipe: wipe, apply: func(t *table) *table {
			apps := maps.Clone(t.apps)
			delete(apps, id)
			return newTable(apps, t.networks)
		}}
	})
}

// PutNetwork stores a network. The caller must not change it afterwards.
func (s *Store) PutNetwork(n *tenant.Network) error {
	return s.change("put network "+n.ID, func(*table) *change {
		return &change{key: plainKey(nil, prefixNet, n.ID), value: appendNetwork(nil, n), apply: func(t *table) *table {
			networks := maps.Clone(t.networks)
			networks[n.ID] = n
			return newTable(t.apps, networks)
		}}
	})
}

// DeleteNetwork forgets a network.
func (s *Store) DeleteNetwork(id string) error {
	return s.change("delete network "+id, func(*table) *change {
		return &change{key: plainKey(nil, prefixNet, id), apply: func(t *table) *table {
			networks := maps.Clone(t.networks)
			delete(networks, id)
			return newTable(t.apps, networks)
		}}
	})
}

// change is one row of tenants to write (no value for its removal), and the
// table with it.
type change struct {
	key, value []byte
	wipe       [][]byte // what the keys of rows begin with that go with it
	apply      func(*table) *table
}

func (c *change) write(s *Store) (err error) {
	batch := s.db.NewBatch()
	defer func() { err = errors.Join(err, batch.Close()) }()
	if c.value == nil {
		err = batch.Delete(c.key, nil)
	} else {
		err = batch.Set(c.key, s.sealer.seal(c.key, c.value), nil)
	}
	for _, prefix := range c.wipe {
		err = errors.Join(err, batch.DeleteRange(prefix, after(prefix), nil))
	}
	if err != nil {
		return err
	}
	return errors.Join(batch.Commit(pebble.Sync), s.journal.failure())
}

// change syncs what make comes up with and then shows the new table; nothing
// if that is nil.
func (s *Store) change(what string, make func(*table) *change) error {
	if err := s.use(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer s.done()
	told, err := s.changeTable(make)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	for _, f := range told {
		f()
	}
	return nil
}

func (s *Store) changeTable(make func(*table) *change) (told []func(), err error) {
	s.tenants.mu.Lock()
	defer s.tenants.mu.Unlock()
	t := s.tenants.table.Load()
	c := make(t)
	if c == nil {
		return nil, nil
	}
	if err := c.write(s); err != nil {
		return nil, err
	}
	s.tenants.table.Store(c.apply(t))
	return slices.Clone(s.tenants.onChange), nil
}

// OnChange has fn called after each change of apps or networks.
func (s *Store) OnChange(fn func()) {
	s.tenants.mu.Lock()
	defer s.tenants.mu.Unlock()
	s.tenants.onChange = append(s.tenants.onChange, fn)
}

// Subscriber returns a provisioned subscriber as it is stored.
func (s *Store) Subscriber(id string) (*tenant.SubscriberInfo, bool, error) {
	if err := s.use(); err != nil {
		return nil, false, err
	}
	defer s.done()
	sub, err := s.load(id)
	if err == nil {
		err = s.journal.settled()
	}
	if err != nil || sub == nil || sub.Deleted {
		return nil, false, err
	}
	return info(sub), true, nil
}

func info(sub *engine.Subscriber) *tenant.SubscriberInfo {
	i := &tenant.SubscriberInfo{Profile: sub.Profile}
	for _, t := range sub.Streams {
		if t.Linked {
			i.Apps = append(i.Apps, t.App)
		}
	}
	return i
}

// Subscribers calls fn for the provisioned subscribers behind an id, in the
// order of their folded ids; at most limit of them, 0 for all.
func (s *Store) Subscribers(behind string, limit int, fn func(*tenant.SubscriberInfo) error) error {
	return s.list([]byte(prefixID), behind, limit, fn)
}

// Linked is Subscribers for those an app follows.
func (s *Store) Linked(app, behind string, limit int, fn func(*tenant.SubscriberInfo) error) error {
	return s.list(plainKey(nil, prefixLink, app), behind, limit, fn)
}

// list walks keys that are prefix and a folded id.
func (s *Store) list(prefix []byte, behind string, limit int, fn func(*tenant.SubscriberInfo) error) (err error) {
	if err := s.use(); err != nil {
		return err
	}
	defer s.done()
	// One view for all rows, waited for: what is shown is durable and fits
	// together.
	view := s.db.NewSnapshot()
	defer func() { err = errors.Join(err, view.Close()) }()
	if err := s.journal.settled(); err != nil {
		return err
	}
	from := prefix
	if behind != "" {
		from = after(appendText(slices.Clone(prefix), engine.Fold(behind)))
	}
	it, err := view.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: after(prefix)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	n := 0
	for ok := it.First(); ok && (limit <= 0 || n < limit); ok = it.Next() {
		id, _, err := text(it.Key()[len(prefix):])
		if err != nil {
			return fmt.Errorf("list subscribers: %w", err)
		}
		sub, err := loadFrom(view, id)
		if err != nil {
			return fmt.Errorf("list subscribers: load one: %w", err)
		}
		if sub == nil || sub.Deleted {
			continue
		}
		if err := fn(info(sub)); err != nil {
			return err
		}
		n++
	}
	return it.Error()
}

func loadFrom(view *pebble.Snapshot, folded string) (*engine.Subscriber, error) {
	value, closer, err := view.Get(ofSubscriber(nil, prefixSub, engine.SlotOf(folded), folded))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sub, err := decodeSubscriber(value)
	return sub, errors.Join(err, closer.Close())
}
