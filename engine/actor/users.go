package actor

import (
	"sync"

	"offhook/engine"
)

// userIndex finds subscribers in memory by what the provider calls them, so
// that a fact about a busy subscriber costs no read.
type userIndex struct {
	mu sync.RWMutex
	of map[engine.User]*entry // by the provider's user, folded
}

func (u *userIndex) init() { u.of = map[engine.User]*entry{} }

func (u *userIndex) remember(e *entry) {
	p := &e.sub.Profile
	if p.ProviderUser == "" || e.sub.Deleted {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.of[user(p.Network, p.ProviderUser)] = e
}

// forget drops an entry that is parked. The owner is gone, so its subscriber
// may be read.
func (u *userIndex) forget(e *entry) {
	if e.sub == nil {
		return
	}
	u.drop(e.sub.Network, e.sub.ProviderUser, e)
}

func (u *userIndex) drop(network, id string, e *entry) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.of[user(network, id)] == e {
		delete(u.of, user(network, id))
	}
}

// find returns an entry, which may be forgotten by now: lock it.
func (u *userIndex) find(network, id string) *entry {
	u.mu.RLock()
	defer u.mu.RUnlock()
	return u.of[user(network, id)]
}

func user(network, id string) engine.User {
	return engine.User{Network: network, ID: engine.Fold(id)}
}
