package actor

import (
	"time"

	"offhook/engine"
	"offhook/engine/maybe"
)

// deadlines are the ticks that the subscribers of a shard wish for: a heap, and
// one timer for the earliest. A timer for each would be more than half of what a
// call takes. It belongs to the shard's lock.
type deadlines struct {
	heap  []*entry // by due; entry.place is where it is, and 1
	timer *time.Timer
	armed bool
	at    time.Duration // when the timer goes off, if armed: perhaps for somebody who has another wish by now
}

// schedule arranges the Tick the last step wished for. The owner calls it.
func (e *entry) schedule() {
	if e.wish == e.wakeAt {
		return
	}
	e.wakeAt = e.wish
	s := e.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.wakeAt == 0 {
		s.deadlines.drop(e)
		return
	}
	in := max(time.Duration(e.wakeAt-e.now)*time.Millisecond, 0)
	in = maybe.Early("actor: a tick comes early", in) // a step acts on what is due and wishes for the rest again
	e.due = time.Since(e.dir.born) + in
	s.deadlines.put(e)
	s.arm()
}

// arm sets the timer for whoever comes first. It is not set to later: to go off
// once for nobody costs less than to be set at each step. s.mu is held.
func (s *shard) arm() {
	q := &s.deadlines
	if len(q.heap) == 0 || s.closed {
		return
	}
	first := q.heap[0]
	if q.armed && q.at <= first.due {
		return
	}
	q.armed, q.at = true, first.due
	in := first.due - time.Since(first.dir.born)
	if q.timer == nil {
		q.timer = time.AfterFunc(in, s.ticks)
		return
	}
	q.timer.Reset(in)
}

// ticks tells those whose time has come.
func (s *shard) ticks() {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := &s.deadlines
	for len(q.heap) > 0 {
		e := q.heap[0]
		if e.due > time.Since(e.dir.born) {
			break
		}
		q.drop(e)
		e.must(control{in: engine.Input{Tick: true}})
	}
	q.armed = false
	s.arm()
}

// put takes an entry in, or to where it belongs now.
func (q *deadlines) put(e *entry) {
	if e.place == 0 {
		q.heap = append(q.heap, e)
		e.place = int32(len(q.heap)) // #nosec G115 -- of one shard
	}
	q.settle(int(e.place) - 1)
}

// drop takes an entry out, if it is in.
func (q *deadlines) drop(e *entry) {
	if e.place == 0 {
		return
	}
	at, last := int(e.place)-1, len(q.heap)-1
	moved := q.heap[last]
	q.heap[last] = nil
	q.heap = q.heap[:last]
	e.place = 0
	if at < last {
		q.set(at, moved)
		q.settle(at)
	}
}

// settle moves what is at a place up or down to where it belongs.
func (q *deadlines) settle(at int) {
	e := q.heap[at]
	for at > 0 {
		up := (at - 1) / 2
		if q.heap[up].due <= e.due {
			break
		}
		q.set(at, q.heap[up])
		at = up
	}
	for {
		down := 2*at + 1
		if down+1 < len(q.heap) && q.heap[down+1].due < q.heap[down].due {
			down++
		}
		if down >= len(q.heap) || q.heap[down].due >= e.due {
			break
		}
		q.set(at, q.heap[down])
		at = down
	}
	q.set(at, e)
}

func (q *deadlines) set(at int, e *entry) {
	q.heap[at] = e
	e.place = int32(at + 1) // #nosec G115 -- of one shard
}
