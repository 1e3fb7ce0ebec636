package actor

import (
	"hash/maphash"
	"sync"

	"offhook/engine"
)

// userIndex finds subscribers in memory by what the provider calls them, so
// that a fact about a busy subscriber costs no read.
type userIndex struct {
	seed   maphash.Seed
	shards [64]userShard
}

type userShard struct {
	mu sync.RWMutex
	of map[engine.User]*entry // by the provider's user, folded
}

func (u *userIndex) init() {
	u.seed = maphash.MakeSeed()
	for i := range u.shards {
		u.shards[i].of = map[engine.User]*entry{}
	}
}

func (u *userIndex) shard(of engine.User) *userShard {
	return &u.shards[maphash.String(u.seed, of.ID)%uint64(len(u.shards))]
}

func (u *userIndex) remember(e *entry) {
	p := &e.sub.Profile
	if p.ProviderUser == "" || e.sub.Deleted {
		return
	}
	of := user(p.Network, p.ProviderUser)
	s := u.shard(of)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of[of] = e
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
	of := user(network, id)
	s := u.shard(of)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[of] == e {
		delete(s.of, of)
	}
}

// find returns an entry, which may be forgotten by now: lock it.
func (u *userIndex) find(network, id string) *entry {
	of := user(network, id)
	s := u.shard(of)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.of[of]
}

func user(network, id string) engine.User {
	return engine.User{Network: network, ID: engine.Fold(id)}
}
