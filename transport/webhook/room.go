package webhook

import (
	"container/heap"
	"hash/maphash"
	"slices"
	"time"
)

// Which streams of an endpoint are in memory. All of these are called with the
// endpoint's lock held.

const (
	// probeLanes are kept for an endpoint that is out: enough to probe with.
	probeLanes = 64
	// maxResting bounds what is remembered of streams that made room.
	maxResting = 16384
)

// admit makes a lane, if there is room for one and the stream is not resting.
func (ep *endpoint) admit(subscriber string) *lane {
	if ep.standing != serving {
		return nil
	}
	if len(ep.resting) > 0 {
		h := maphash.String(ep.d.seed, subscriber)
		if until, ok := ep.resting[h]; ok {
			if until > time.Since(ep.d.born) {
				return nil
			}
			delete(ep.resting, h)
		}
	}
	if len(ep.lanes) >= ep.room() && !ep.evict() {
		return nil
	}
	l := &lane{subscriber: subscriber}
	ep.lanes[subscriber] = l
	ep.idle.add(l)
	return l
}

// room is how many lanes the endpoint may have.
func (ep *endpoint) room() int {
	if ep.breaker.state != closed {
		return min(probeLanes, ep.d.cfg.Lanes)
	}
	return ep.d.cfg.Lanes
}

// evict makes room for a lane: it takes the longest idle one or, since what
// failed must not keep others out, one that waits. The scan finds it again.
func (ep *endpoint) evict() bool {
	now := time.Now()
	if l := ep.idle.first; l != nil && l.forgettable(now) {
		ep.idle.remove(l)
		delete(ep.lanes, l.subscriber)
		return true
	}
	if ep.breaker.state != closed {
		if ep.breaker.cause == causeSilent {
			return false // what is there is as good for a probe
		}
		if ep.evictReady(now) {
			return true
		}
	}
	if len(ep.waiting) == 0 {
		return false
	}
	l := ep.waiting[len(ep.waiting)-1] // a leaf: due later than most
	if !l.forgettable(now) {
		return false
	}
	ep.restOn(l)
	return true
}

// restOn takes a lane that waits out of memory, and remembers until when.
func (ep *endpoint) restOn(l *lane) {
	ep.waiting.remove(l)
	delete(ep.lanes, l.subscriber)
	if ep.resting == nil {
		ep.resting = map[uint64]time.Duration{}
	}
	if len(ep.resting) >= maxResting {
		for h := range ep.resting {
			delete(ep.resting, h)
			break
		}
	}
	ep.resting[maphash.String(ep.d.seed, l.subscriber)] = l.due.Sub(ep.d.born)
	ep.more = ep.d.pass.Load()
}

// evictReady makes room for a new event at a receiver that refuses those it
// is sent: the lane that would be tried last goes.
func (ep *endpoint) evictReady(now time.Time) bool {
	for i := len(ep.ready.lanes) - 1; i >= ep.ready.head; i-- {
		if l := ep.ready.lanes[i]; l.forgettable(now) {
			ep.ready.lanes = slices.Delete(ep.ready.lanes, i, i+1)
			delete(ep.lanes, l.subscriber)
			ep.more = ep.d.pass.Load()
			return true
		}
	}
	return false
}

// shed keeps the lanes an endpoint that is out needs for probes and leaves the
// rest to the outbox, where they are anyway.
func (ep *endpoint) shed() {
	ep.trim(0)
	if len(ep.lanes) <= ep.room() {
		return
	}
	now := time.Now()
	excess := func(l *lane) bool {
		if len(ep.lanes) <= ep.room() || !l.forgettable(now) {
			return false
		}
		delete(ep.lanes, l.subscriber)
		ep.more = ep.d.pass.Load()
		return true
	}
	slices.SortFunc(ep.waiting, func(a, b *lane) int { return b.due.Compare(a.due) })
	ep.waiting = slices.DeleteFunc(ep.waiting, excess) // the latest due first
	for i, l := range ep.waiting {
		l.place = i
	}
	heap.Init(&ep.waiting)
	ep.ready.drop(excess)
}

// trim forgets lanes that were idle for some time.
func (ep *endpoint) trim(idle time.Duration) {
	now := time.Now()
	for l := ep.idle.first; l != nil && l.forgettable(now.Add(-idle)); l = ep.idle.first {
		ep.idle.remove(l)
		delete(ep.lanes, l.subscriber)
	}
}
