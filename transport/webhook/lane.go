package webhook

import (
	"container/heap"
	"slices"
	"time"

	"offhook/engine"
)

// lane stands for one stream while it is in memory. The events stay in the
// outbox; the lane knows how far the receiver got. The endpoint's lock guards
// it; while it is flying, acked, failures and headTime are its worker's to read.
type lane struct {
	subscriber string // folded
	state      laneState

	acked   uint64    // the last number the receiver took, as far as this lane knows; 0 for none
	ackedAt time.Time // when
	top     uint64    // the highest number known to wait. Invariant: top > acked unless idle
	blind   bool      // there may be more behind top: ask the outbox until it has none

	headTime int64 // when the head event was recorded, ms since the epoch; 0 if it was not read yet
	failures int   // attempts on the head event that failed in this process
	silent   bool  // the last one came to no answer
	due      time.Time
	parked   bool   // exhausted: due is never
	single   uint64 // up to here its events go by themselves: they were in a batch that failed

	guests []chan struct{} // who wants to borrow it, in turn; closed when it is theirs
	then   laneState       // where it goes after them

	place      int   // in the heap of waiting lanes
	prev, next *lane // in the list of idle lanes
}

type laneState uint8

const (
	laneIdle    laneState = iota // nothing waits, or its stream is paused; kept while there is room
	laneReady                    // in the queue for a worker
	laneFlying                   // a worker has it
	laneWaiting                  // failed; in the heap until due
)

// never is the due time of a parked lane; it sinks to the bottom of the heap.
var neverDue = time.Unix(1<<40, 0)

// ackMemory is how long a lane is kept after an acknowledgement. The outbox
// deletes lazily, so only the lane knows at first that the event is not to be
// sent again.
const ackMemory = 250 * time.Millisecond

// pass learns that everything up to a number is done with.
func (l *lane) pass(sequence uint64, now time.Time) {
	if sequence > l.acked {
		l.acked, l.ackedAt = sequence, now
	}
}

// alone reports whether the next event must not share a batch.
func (l *lane) alone() bool { return l.single > l.acked }

// forgettable reports whether the outbox alone knows enough of the stream.
func (l *lane) forgettable(now time.Time) bool { return now.Sub(l.ackedAt) >= ackMemory }

func (l *lane) stream(k endpointKey) engine.StreamID {
	return engine.StreamID{App: k.app, Subscriber: l.subscriber, Kind: k.kind}
}

// queue is a first-in-first-out of lanes that reuses its memory.
type queue struct {
	lanes []*lane
	head  int
}

func (q *queue) len() int { return len(q.lanes) - q.head }

func (q *queue) push(l *lane) {
	if q.head > len(q.lanes)/2 && q.head > 32 {
		n := copy(q.lanes, q.lanes[q.head:])
		clear(q.lanes[n:])
		q.lanes, q.head = q.lanes[:n], 0
	}
	l.state = laneReady
	q.lanes = append(q.lanes, l)
}

// jump puts a lane before all others.
func (q *queue) jump(l *lane) {
	l.state = laneReady
	if q.head == 0 {
		q.lanes = slices.Insert(q.lanes, 0, l)
		return
	}
	q.head--
	q.lanes[q.head] = l
}

func (q *queue) pop() *lane {
	if q.len() == 0 {
		return nil
	}
	l := q.lanes[q.head]
	q.lanes[q.head] = nil
	q.head++
	if q.head == len(q.lanes) {
		q.lanes, q.head = q.lanes[:0], 0
	}
	return l
}

func (q *queue) first() *lane { return q.lanes[q.head] }

// drop removes the lanes that which says, and keeps the order of the others.
func (q *queue) drop(which func(*lane) bool) {
	q.lanes = slices.DeleteFunc(q.lanes[q.head:], which)
	q.head = 0
}

// dues is a heap of waiting lanes, the next due first.
type dues []*lane

func (h dues) Len() int           { return len(h) }
func (h dues) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dues) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].place, h[j].place = i, j }
func (h *dues) Push(x any)        { l := x.(*lane); l.place = len(*h); *h = append(*h, l) }
func (h *dues) Pop() any {
	old := *h
	n := len(old) - 1
	l := old[n]
	old[n] = nil
	*h = old[:n]
	return l
}

func (h *dues) add(l *lane)    { l.state = laneWaiting; heap.Push(h, l) }
func (h *dues) remove(l *lane) { heap.Remove(h, l.place) }

// idles is a list of idle lanes, the longest idle first.
type idles struct {
	first, last *lane
	n           int
}

func (s *idles) add(l *lane) {
	l.state = laneIdle
	l.prev, l.next = s.last, nil
	if s.last != nil {
		s.last.next = l
	} else {
		s.first = l
	}
	s.last = l
	s.n++
}

func (s *idles) remove(l *lane) {
	if l.prev != nil {
		l.prev.next = l.next
	} else {
		s.first = l.next
	}
	if l.next != nil {
		l.next.prev = l.prev
	} else {
		s.last = l.prev
	}
	l.prev, l.next = nil, nil
	s.n--
}
