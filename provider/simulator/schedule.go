package simulator

import (
	"container/heap"
	"time"
)

// schedule is what is planned, by the moment it is due and, at one moment, in
// the order it was planned. A timer for each task would run those of one
// moment in any order, and no seed could bring that back. Guarded by
// Simulator.mu.
type schedule struct {
	tasks   byDue
	count   uint64
	timer   *time.Timer // for the first task; nil until there was one
	running bool        // what is due is being done: the timer is set when it is
}

// task is something planned. It runs with mu held.
type task struct {
	due     time.Time
	number  uint64
	at      int // in schedule.tasks
	fn      func()
	stopped bool // or done
	stays   bool // also when the switch restarts
}

// after plans fn; mu must be held. A task of a closed or restarted switch never runs.
func (s *Simulator) after(d duration, fn func()) *task {
	p := &s.planned
	p.count++
	t := &task{due: time.Now().Add(d), number: p.count, fn: fn, stopped: s.closed}
	if !s.closed {
		heap.Push(&p.tasks, t)
		if t.at == 0 {
			s.setTimer()
		}
	}
	return t
}

func (s *Simulator) stop(t *task) {
	if t != nil && !t.stopped {
		t.stopped = true
		heap.Remove(&s.planned.tasks, t.at)
	}
}

// stopAll forgets what was planned, but for what stays.
func (s *Simulator) stopAll() {
	var kept byDue
	for _, t := range s.planned.tasks {
		if t.stays && !s.closed {
			kept = append(kept, t)
			continue
		}
		t.stopped = true
	}
	for i, t := range kept {
		t.at = i
	}
	heap.Init(&kept)
	s.planned.tasks = kept
	if s.closed && s.planned.timer != nil {
		s.planned.timer.Stop()
	}
}

// setTimer waits for the first task. One that is stopped meanwhile leaves a
// timer that finds nothing to do, and is set again.
func (s *Simulator) setTimer() {
	p := &s.planned
	if p.running || s.closed || len(p.tasks) == 0 {
		return
	}
	wait := time.Until(p.tasks[0].due)
	if p.timer == nil {
		p.timer = time.AfterFunc(wait, s.runDue)
		return
	}
	p.timer.Reset(wait)
}

// runDue does what is due, one task after the other. Between two of them mu is
// free for whoever waits.
func (s *Simulator) runDue() {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &s.planned
	if p.running {
		return
	}
	p.running = true
	for now := time.Now(); !s.closed && len(p.tasks) > 0; {
		t := p.tasks[0]
		if t.due.After(now) {
			if now = time.Now(); t.due.After(now) {
				break
			}
		}
		heap.Pop(&p.tasks)
		t.stopped = true
		t.fn()
		s.mu.Unlock()
		s.mu.Lock()
	}
	p.running = false
	s.setTimer()
}

// byDue is a heap of tasks (container/heap).
type byDue []*task

func (h byDue) Len() int { return len(h) }

func (h byDue) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].number < h[j].number
	}
	return h[i].due.Before(h[j].due)
}

func (h byDue) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

// Push and Pop are for package heap alone.
func (h *byDue) Push(x any) {
	t := x.(*task)
	t.at = len(*h)
	*h = append(*h, t)
}

func (h *byDue) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return t
}
