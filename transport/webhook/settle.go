package webhook

import (
	"container/heap"
	"time"
)

// What becomes of lanes, window and breaker after an attempt. But for those
// that say so, these are called with the endpoint's lock held.

// settle is called by the worker, without the lock.
func (ep *endpoint) settle(w *worker, out Outcome) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	now := time.Now()
	for i := range w.loads {
		l := &w.loads[i]
		l.lane.pass(l.passed, now)
		l.lane.headTime = l.events[0].Time
		if out.Class == Delivered {
			l.lane.pass(l.last(), now)
			l.lane.failures, l.lane.silent = 0, false
		}
	}
	switch {
	case ep.standing == absent: // removed while these were flying
		for i := range w.loads {
			ep.put(w.loads[i].lane, laneIdle)
		}
	case out.Class == Canceled:
		for i := range w.loads {
			ep.put(w.loads[i].lane, laneReady)
		}
	case out.Class == Delivered:
		ep.window.good(ep.inflight)
		if ep.breaker.good() {
			ep.recovered()
		}
		for i := range w.loads {
			ep.onward(w.loads[i].lane)
		}
	default:
		ep.failed(w, out, now)
	}
}

// settleByHand is settle for the head event of a borrowed lane that a person
// had sent. Success counts as ever; failure changes nothing, since nobody but
// that person is in a hurry.
func (ep *endpoint) settleByHand(l *lane, sequence uint64, out Outcome) {
	if out.Class != Delivered {
		return
	}
	l.pass(sequence, time.Now())
	l.failures, l.silent, l.parked, l.blind = 0, false, false, true
	l.then = laneReady
	if ep.breaker.good() {
		ep.recovered()
	}
}

// onward queues a lane again if more of its stream waits.
func (ep *endpoint) onward(l *lane) {
	if l.top > l.acked || l.blind {
		ep.put(l, laneReady)
		return
	}
	l.top = l.acked
	ep.put(l, laneIdle)
}

// put is where a lane goes that is no longer flying: to whoever borrows it
// next, or to where it belongs.
func (ep *endpoint) put(l *lane, at laneState) {
	if len(l.guests) > 0 {
		guest := l.guests[0]
		l.guests = l.guests[1:]
		l.then = at
		close(guest)
		return
	}
	switch {
	case ep.standing == absent:
		delete(ep.lanes, l.subscriber)
	case ep.holds(l.subscriber):
		ep.rest(l)
	case at == laneReady:
		ep.ready.push(l)
	case at == laneWaiting:
		ep.waiting.add(l)
	default:
		ep.rest(l)
	}
}

// rest keeps a lane that has nothing to do while there is room: what it knows
// of its stream makes the next delivery cheaper.
func (ep *endpoint) rest(l *lane) {
	l.headTime = 0
	ep.idle.add(l)
	if len(ep.lanes) > ep.room() {
		ep.evict()
	}
}

// drained ends a lane whose stream has nothing waiting. What came since the
// outbox was asked is not judged. The worker calls it, without the lock.
func (ep *endpoint) drained(l *load) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	now := time.Now()
	l.lane.pass(l.passed, now)
	ep.breaker.unsure(now)
	l.lane.blind = false
	if l.lane.top == l.top {
		l.lane.top = l.lane.acked
	}
	ep.onward(l.lane)
}

// leave queues a lane again that found no room in a batch. The worker calls
// it, without the lock.
func (ep *endpoint) leave(l *load) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	l.lane.pass(l.passed, time.Now())
	l.lane.single = max(l.lane.single, l.lone)
	ep.put(l.lane, laneReady)
}

// stumble waits a moment after the outbox could not be read. The worker calls
// it, without the lock.
func (ep *endpoint) stumble(l *load) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	now := time.Now()
	l.lane.pass(l.passed, now)
	ep.breaker.unsure(now)
	l.lane.due = now.Add(steps[0])
	ep.put(l.lane, laneWaiting)
}

// failed decides when the lanes are tried again, and whether the endpoint is.
func (ep *endpoint) failed(w *worker, out Outcome, now time.Time) {
	if out.throttles() {
		ep.window.bad(w.epoch)
	}
	var oldest time.Duration
	for i := range w.loads {
		l := &w.loads[i]
		age := ep.d.age(l.events[0].Time)
		oldest = max(oldest, age)
		if w.count > 1 { // whose fault it was nobody knows: each event by itself
			l.lane.single = l.last()
		}
		ep.stall(l, age, out, now)
	}
	if out.Class == Gone {
		ep.gone()
		for i := range w.loads {
			w.loads[i].due = time.Time{}
		}
		return
	}
	ep.judge(oldest, out, now)
}

// stall lets a lane wait for another try of its head event, or parks it.
func (ep *endpoint) stall(l *load, age time.Duration, out Outcome, now time.Time) {
	lane := l.lane
	lane.failures++
	lane.silent = out.transport()
	if exhausted(age, lane.failures) {
		// The stream stops here and nothing of it is skipped. Once retention has
		// passed, a gap names what is given up and takes its place.
		lane.parked, lane.due = true, neverDue
		ep.d.log.Error("stream parked", "app", ep.key.app, "kind", ep.key.kind.String(), "sub", lane.subscriber, "sequence", l.events[0].Sequence, "reason", out.reason())
		ep.d.cfg.Metrics.parked(ep.key)
		ep.d.notice(Notice{App: ep.key.app, Kind: ep.key.kind, Subscriber: lane.subscriber, What: StreamParked, Reason: out.reason()})
	} else {
		lane.due = now.Add(delay(age, lane.failures, out.RetryAfter, ep.d.cfg.Random()))
		l.due = lane.due
	}
	ep.put(lane, laneWaiting)
}

// judge moves the breaker after a failure.
func (ep *endpoint) judge(age time.Duration, out Outcome, now time.Time) {
	b := &ep.breaker
	if out.transport() {
		b.noAnswer(now)
	} else if b.answered(now) {
		ep.recovered()
	}
	cause, trip := b.cause, b.state == halfOpen
	if b.state == closed {
		cause, trip = b.tripped(len(ep.waiting), now)
	}
	if !trip {
		return
	}
	first := b.state == closed
	b.trip(cause, now, age, out.RetryAfter, ep.d.cfg.Random())
	ep.shed()
	if first {
		ep.d.log.Warn("webhook endpoint is out", "app", ep.key.app, "kind", ep.key.kind.String(), "reason", out.reason())
		ep.d.cfg.Metrics.opened(ep.key)
		ep.d.notice(Notice{App: ep.key.app, Kind: ep.key.kind, What: EndpointFailing, Reason: out.reason()})
	}
}

// recovered lets everything go that waited only because the endpoint was out.
func (ep *endpoint) recovered() {
	ep.d.log.Info("webhook endpoint is back", "app", ep.key.app, "kind", ep.key.kind.String())
	ep.d.notice(Notice{App: ep.key.app, Kind: ep.key.kind, What: EndpointRecovered})
	kept := ep.waiting[:0]
	for _, l := range ep.waiting {
		if l.silent && !l.parked {
			ep.ready.push(l)
			continue
		}
		l.place = len(kept)
		kept = append(kept, l)
	}
	clear(ep.waiting[len(kept):])
	ep.waiting = kept
	heap.Init(&ep.waiting)
	ep.hunger()
}
