package webhook

import (
	"sync"
	"sync/atomic"
)

// slots bounds the attempts under way in all. When they run out, endpoints
// queue for them and take turns: a worker that sees somebody waiting gives its
// slot up after the attempt it is in.
type slots struct {
	mu     sync.Mutex
	free   int
	queue  []*endpoint  // each at most once; not empty only while free is 0
	queued atomic.Int32 // its length, to be read without the lock
}

// take takes a slot for ep, or puts ep in the queue. ep.mu is held.
func (s *slots) take(ep *endpoint) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free > 0 {
		s.free--
		return true
	}
	if !ep.queued {
		ep.queued = true
		s.queue = append(s.queue, ep)
		s.queued.Add(1)
	}
	return false
}

// give returns a slot, or hands it to the first endpoint in the queue that can
// use it. No endpoint's lock is held.
func (s *slots) give() {
	for {
		s.mu.Lock()
		if len(s.queue) == 0 {
			s.free++
			s.mu.Unlock()
			return
		}
		ep := s.queue[0]
		s.queue[0] = nil
		s.queue = s.queue[1:]
		s.queued.Add(-1)
		s.mu.Unlock()
		if ep.granted() {
			return
		}
	}
}

// wanted reports whether anybody waits for a slot.
func (s *slots) wanted() bool { return s.queued.Load() > 0 }
