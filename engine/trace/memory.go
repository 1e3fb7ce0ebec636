package trace

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// Memory remembers for a while which events came of a traced request. It is
// bounded: the oldest make room, and are told of without a trace then.
type Memory struct {
	seed maphash.Seed
	any  atomic.Bool // something was ever remembered

	mu    sync.Mutex
	of    map[uint64]Context // by the hash of the event
	order []uint64           // a ring, once it is full
	next  int
	most  int
}

// NewMemory makes a memory of so many events; zero means 32,768, which take
// about 4 MB once they have come.
func NewMemory(most int) *Memory {
	if most == 0 {
		most = 32768
	}
	return &Memory{seed: maphash.MakeSeed(), of: map[uint64]Context{}, most: most}
}

// hash of an event: 64 bits under a seed that nobody knows, so that no two meet.
func (m *Memory) hash(app, subscriber string, kind uint8, sequence uint64) uint64 {
	h := maphash.String(m.seed, app)*0x9e3779b97f4a7c15 ^ maphash.String(m.seed, subscriber)
	return h*0xbf58476d1ce4e5b9 + (sequence<<8|uint64(kind))*0x94d049bb133111eb
}

// Put remembers what an event of a stream came from.
func (m *Memory) Put(app, subscriber string, kind uint8, sequence uint64, c Context) {
	if m == nil || !c.Set() {
		return
	}
	hash := m.hash(app, subscriber, kind, sequence)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.any.Store(true)
	if _, known := m.of[hash]; known {
		m.of[hash] = c
		return
	}
	if len(m.order) < m.most {
		m.order = append(m.order, hash)
	} else {
		delete(m.of, m.order[m.next])
		m.order[m.next] = hash
		m.next = (m.next + 1) % m.most
	}
	m.of[hash] = c
}

// Of is what an event came from, as far as that is known.
func (m *Memory) Of(app, subscriber string, kind uint8, sequence uint64) Context {
	if m == nil || !m.any.Load() {
		return Context{}
	}
	hash := m.hash(app, subscriber, kind, sequence)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of[hash]
}
