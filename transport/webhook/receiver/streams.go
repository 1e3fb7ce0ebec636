package receiver

import "container/list"

// streamKey names a stream. Events without a number are kept apart.
type streamKey struct {
	app, subscriber string
	numbered        bool
}

// streams is a bounded memory: whoever was silent for longest makes room.
type streams struct {
	most      int
	byKey     map[streamKey]*list.Element
	recent    *list.List // of *entry, the latest in front
	forgotten int
}

type entry struct {
	key streamKey
	stream
}

func newStreams(most int) streams {
	return streams{most: most, byKey: map[streamKey]*list.Element{}, recent: list.New()}
}

func (m *streams) len() int { return len(m.byKey) }

// get finds a stream, or begins it; known says which.
func (m *streams) get(key streamKey) (s *stream, known bool) {
	if at, ok := m.byKey[key]; ok {
		m.recent.MoveToFront(at)
		return &at.Value.(*entry).stream, true
	}
	if len(m.byKey) >= m.most {
		last := m.recent.Back()
		delete(m.byKey, m.recent.Remove(last).(*entry).key)
		m.forgotten++
	}
	e := &entry{key: key}
	m.byKey[key] = m.recent.PushFront(e)
	return &e.stream, false
}
