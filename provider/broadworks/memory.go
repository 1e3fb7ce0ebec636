package broadworks

import (
	"encoding/json"
	"sync"
)

// Memory is what is remembered of one network across restarts: the channel set
// and the subscriptions. Losing it costs time at the next start and loses no
// event: subscriptions are made again and bring exact snapshots. So a Put
// need not be on disk when it returns.
//
// Targets are the channel set and each thing subscribed to.
type Memory interface {
	// Get returns what is remembered of a target, or nil.
	Get(target string) ([]byte, error)
	// Put remembers value, which may be used again when it returns.
	Put(target string, value []byte) error
	Delete(target string) error
	// Each calls fn for everything remembered, until it returns an error.
	Each(fn func(target string, value []byte) error) error
}

// remembered is one thing remembered: the provider's id of it, and until when
// it was granted, in ms since the epoch.
type remembered struct {
	ID      string `json:"id"`
	Expires int64  `json:"expires,omitempty"`
	Contact string `json:"contact,omitempty"` // mark of where its events go; see Provider.mark
}

// The targets of a Memory. Users follow their prefix, case-folded.
const (
	targetSet        = "set"
	targetUser       = "user/"
	targetEnterprise = "enterprise/"
	targetGroup      = "group/" // then the service provider, "/" and the group
)

func (r remembered) encode() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		return nil // never: a string and a number
	}
	return b
}

// decodeRemembered reads what encode wrote; anything else is as good as
// nothing remembered.
func decodeRemembered(b []byte) (r remembered) {
	if json.Unmarshal(b, &r) != nil {
		return remembered{}
	}
	return r
}

// NewMemory returns a Memory that forgets when the process ends.
func NewMemory() Memory { return &memory{all: map[string][]byte{}} }

type memory struct {
	mu  sync.Mutex
	all map[string][]byte
}

func (m *memory) Get(target string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all[target], nil
}

func (m *memory) Put(target string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all[target] = append([]byte(nil), value...)
	return nil
}

func (m *memory) Delete(target string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.all, target)
	return nil
}

func (m *memory) Each(fn func(string, []byte) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for target, value := range m.all {
		if err := fn(target, value); err != nil {
			return err
		}
	}
	return nil
}
