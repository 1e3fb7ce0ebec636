package broadworks

import (
	"container/heap"
	"context"
	"time"
)

// work is what is to be done about subscriptions: a queue of what is due, and
// a heap of what will be. Few workers take from it at a bounded rate, so that
// following ten thousand users is no storm (dossier §1.9). Provider.mu guards
// it.
type work struct {
	ready []*standing
	first int // of ready
	later laterHeap
	idle  int           // workers that wait
	woken chan struct{} // closed to wake them
	pace  pacer         // of requests
}

func (w *work) init() { w.woken = make(chan struct{}) }

// wake tells waiting workers to look again.
func (w *work) wake() {
	if w.idle > 0 {
		close(w.woken)
		w.woken = make(chan struct{})
		w.idle = 0
	}
}

// enqueue has a standing order tended as soon as its turn comes. p.mu is held.
func (p *Provider) enqueue(s *standing) {
	switch {
	case s.busy:
		s.again = true
	case !s.queued:
		p.work.later.remove(s)
		s.queued = true
		p.work.ready = append(p.work.ready, s)
		p.work.wake()
	}
}

// subscribe is one worker.
func (p *Provider) subscribe(ctx context.Context) {
	for {
		s, wait, woken := p.takeWork()
		if s == nil {
			if !p.pause(ctx, wait, woken) {
				return
			}
			continue
		}
		if !p.work.pace.wait(ctx) || p.gate.wait(ctx) != nil {
			return
		}
		p.tend(ctx, s)
		p.doneWork(s)
	}
}

// takeWork returns what is due; else how long to wait for it. Without a
// channel nothing is due: a subscription needs its channel set. Nor without a
// listener where events are POSTed.
func (p *Provider) takeWork() (*standing, time.Duration, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := &p.work
	wait := time.Hour
	if p.ready() {
		now := p.now()
		for len(w.later) > 0 && w.later[0].due <= now {
			s := w.later[0]
			w.later.remove(s)
			s.queued = true
			w.ready = append(w.ready, s)
		}
		if w.first < len(w.ready) {
			s := w.ready[w.first]
			w.ready[w.first] = nil
			if w.first++; w.first == len(w.ready) {
				w.ready, w.first = w.ready[:0], 0
			}
			s.queued, s.busy = false, true
			return s, 0, nil
		}
		if len(w.later) > 0 {
			wait = time.Duration(w.later[0].due-now) * time.Millisecond
		}
	}
	w.idle++
	return nil, wait, w.woken
}

func (p *Provider) doneWork(s *standing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.busy = false
	switch {
	case s.again:
		s.again = false
		p.enqueue(s)
	case s.due > 0:
		p.work.later.put(s)
		p.work.wake()
	case !s.followed && s.sub == "":
		p.forgetUser(s)
	}
}

// laterHeap is a heap of standing orders by when they are due.
type laterHeap []*standing

func (h laterHeap) Len() int           { return len(h) }
func (h laterHeap) Less(i, j int) bool { return h[i].due < h[j].due }
func (h laterHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].heapPos, h[j].heapPos = i, j
}

// Push and Pop are for container/heap.
func (h *laterHeap) Push(x any) {
	s := x.(*standing)
	s.heapPos = len(*h)
	*h = append(*h, s)
}

func (h *laterHeap) Pop() any {
	old := *h
	s := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	s.heapPos = -1
	return s
}

func (h *laterHeap) put(s *standing) {
	if s.heapPos >= 0 {
		heap.Fix(h, s.heapPos)
		return
	}
	heap.Push(h, s)
}

func (h *laterHeap) remove(s *standing) {
	if s.heapPos >= 0 {
		heap.Remove(h, s.heapPos)
	}
}
