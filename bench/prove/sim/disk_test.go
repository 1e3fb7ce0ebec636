package sim

import (
	"sync"
	"sync/atomic"
	"time"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/store"
)

// slowly is the store behind a disk whose syncs return late: nobody is told
// before. The wait cannot be in the file system, since Pebble waits for that
// with locks held, and whoever waits for a lock stops a virtual clock.
type slowly struct {
	*store.Store
	latency *atomic.Int64 // ns; the world's
	over    chan struct{} // the life ends: nobody waits any more
	ended   chan struct{}

	mu    sync.Mutex
	queue []late
	wake  chan struct{}
}

// late is a completion on its way, in the order of submission.
type late struct {
	at    time.Time
	done  actor.Completion
	index uint64
	err   error
}

func newSlowly(s *store.Store, latency *atomic.Int64) *slowly {
	j := &slowly{Store: s, latency: latency, over: make(chan struct{}), ended: make(chan struct{}), wake: make(chan struct{}, 1)}
	go j.run()
	return j
}

// Submit implements actor.Journal.
func (j *slowly) Submit(group uint32, fence uint64, put []engine.Record, emit []engine.Notification, done actor.Completion) {
	j.Store.Submit(group, fence, put, emit, waits{j, done})
}

// Mark implements actor.Journal.
func (j *slowly) Mark(group uint32, fence uint64, subscriber string, done actor.Completion) {
	j.Store.Mark(group, fence, subscriber, waits{j, done})
}

type waits struct {
	j    *slowly
	done actor.Completion
}

// Done implements actor.Completion.
func (w waits) Done(index uint64, err error) {
	w.j.mu.Lock()
	w.j.queue = append(w.j.queue, late{time.Now().Add(time.Duration(w.j.latency.Load())), w.done, index, err})
	w.j.mu.Unlock()
	select {
	case w.j.wake <- struct{}{}:
	default:
	}
}

func (j *slowly) run() {
	defer close(j.ended)
	for {
		j.mu.Lock()
		queue := j.queue
		j.queue = nil
		j.mu.Unlock()
		for _, l := range queue {
			select {
			case <-time.After(time.Until(l.at)):
			case <-j.over:
			}
			l.done.Done(l.index, l.err)
		}
		if len(queue) > 0 {
			continue
		}
		select {
		case <-j.wake:
		case <-j.over:
			return
		}
	}
}

// end lets everything go that waits.
func (j *slowly) end() {
	close(j.over)
	<-j.ended
}
