package broadworks

import "sync"

// Memory is what is remembered of one network across restarts: the channel set
// and the subscriptions. Losing it costs time at the next start and loses no
// event: subscriptions are made again and bring exact snapshots. So a Put
// need not be on disk when it returns.
//
// Targets are the channel set and each thing subscribed to.
type Memory interface {
	Get(target string) (Remembered, bool, error)
	Put(target string, r Remembered) error
	Delete(target string) error
	// Each calls fn for everything remembered, until it returns an error.
	Each(fn func(target string, r Remembered) error) error
}

// Remembered is one thing remembered: the provider's id of it, and until when
// it was granted, in ms since the epoch.
type Remembered struct {
	ID      string
	Expires int64
}

// The targets of a Memory. Users follow their prefix, case-folded.
const (
	targetSet        = "set"
	targetUser       = "user/"
	targetEnterprise = "enterprise/"
	targetGroup      = "group/" // then the service provider, "/" and the group
)

// NewMemory returns a Memory that forgets when the process ends.
func NewMemory() Memory { return &memory{all: map[string]Remembered{}} }

type memory struct {
	mu  sync.Mutex
	all map[string]Remembered
}

func (m *memory) Get(target string) (Remembered, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.all[target]
	return r, ok, nil
}

func (m *memory) Put(target string, r Remembered) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all[target] = r
	return nil
}

func (m *memory) Delete(target string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.all, target)
	return nil
}

func (m *memory) Each(fn func(string, Remembered) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for target, r := range m.all {
		if err := fn(target, r); err != nil {
			return err
		}
	}
	return nil
}
