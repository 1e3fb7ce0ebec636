package store

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Memory is what the provider of one network remembers across restarts: which
// subscriptions it holds, for example. It is lazily durable: the last seconds
// before a crash may be missing, so it is for what can be asked for again.
type Memory struct {
	s       *Store
	network string
}

// Memory returns the memory of a network's provider.
func (s *Store) Memory(network string) *Memory { return &Memory{s: s, network: network} }

// Get returns what is remembered of a target, or nil.
func (m *Memory) Get(target string) (value []byte, err error) {
	if err := m.s.use(); err != nil {
		return nil, err
	}
	defer m.s.done()
	row := pairKey(nil, prefixXsi, m.network, target)
	_, err = m.s.get(row, func(v []byte) (err error) {
		value, err = m.s.openBlob(row, v)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("remember of network %s: %w", m.network, err)
	}
	return value, nil
}

// Put remembers value, which may be used again when it returns.
func (m *Memory) Put(target string, value []byte) error {
	if err := m.s.use(); err != nil {
		return err
	}
	defer m.s.done()
	if err := m.s.journal.failure(); err != nil {
		return err
	}
	row := pairKey(nil, prefixXsi, m.network, target)
	return m.s.db.Set(row, m.s.sealer.seal(row, appendBlob(nil, value)), pebble.NoSync)
}

// Delete forgets a target.
func (m *Memory) Delete(target string) error {
	if err := m.s.use(); err != nil {
		return err
	}
	defer m.s.done()
	if err := m.s.journal.failure(); err != nil {
		return err
	}
	return m.s.db.Delete(pairKey(nil, prefixXsi, m.network, target), pebble.NoSync)
}

// Each calls fn for all targets, in their order.
func (m *Memory) Each(fn func(target string, value []byte) error) error {
	if err := m.s.use(); err != nil {
		return err
	}
	defer m.s.done()
	prefix := plainKey(nil, prefixXsi, m.network)
	return m.s.scan(prefix, nil, func(k, v []byte) (bool, error) {
		target, _, err := text(k[len(prefix):])
		if err != nil {
			return false, fmt.Errorf("remember of network %s: %w", m.network, err)
		}
		value, err := m.s.openBlob(k, v)
		if err != nil {
			return false, fmt.Errorf("remember of network %s: %w", m.network, err)
		}
		return true, fn(target, value)
	})
}
