package webhook

import (
	"container/heap"
	"time"

	"offhook/engine"
)

// job is one attempt to make, with what its lane knew when it was taken.
type job struct {
	lane   *lane
	target Target
	acked  uint64
	top    uint64
	try    uint32
	epoch  uint32 // of the window
}

// work is a worker: it takes one lane after another and makes one attempt for
// each, until there is none it may take.
func (ep *endpoint) work() {
	defer ep.d.workers.Done()
	for worked := false; ; worked = true {
		j, ok := ep.take(worked)
		if !ok {
			break
		}
		ep.deliver(j)
	}
	ep.d.slots.give()
}

// take gives a worker its next job, or ends it. A worker that has worked makes
// room for endpoints that queue for a slot.
func (ep *endpoint) take(worked bool) (job, bool) {
	yield := worked && ep.d.slots.wanted()
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if yield || ep.ready.len() == 0 || ep.inflight > ep.allows() {
		ep.inflight--
		ep.pump() // may queue for a slot again, behind the others
		ep.hunger()
		return job{}, false
	}
	l := ep.ready.pop()
	l.state = laneFlying
	ep.pump()
	ep.hunger()
	return job{lane: l, target: ep.target, acked: l.acked, top: l.top, try: uint32(l.failures) + 1, epoch: ep.window.epoch}, true
}

// deliver makes one attempt on the head of a lane.
func (ep *endpoint) deliver(j job) {
	d, l := ep.d, j.lane
	stream := l.stream(ep.key)
	ev, ok, err := d.cfg.Outbox.Next(stream, j.acked)
	if err != nil {
		d.log.Error("outbox cannot be read", "app", stream.App, "kind", stream.Kind.String(), "subscriber", stream.Subscriber, "error", err)
		ep.stumble(l)
		return
	}
	if !ok {
		ep.drained(l, j.top)
		return
	}
	n := &ev.Notification
	began := d.now()
	d.flying.Add(1)
	out := j.target.Post(parcel(n))
	d.flying.Add(-1)
	if out.Class == Delivered {
		d.cfg.Outbox.Delivered(stream, n.Sequence)
	}
	next := ep.settle(j, n, out)
	if out.Class == Canceled {
		return
	}
	d.cfg.Metrics.attempt(ep.key, out)
	if out.Class == Delivered {
		d.cfg.Metrics.delivered(d.now().Sub(time.UnixMilli(n.Time)))
	}
	a := engine.Attempt{
		Stream: stream, Sequence: n.Sequence, Index: ev.Index, Number: j.try,
		At: began.UnixMilli(), Took: out.Took.Milliseconds(), Status: out.Status, Error: out.reason(),
	}
	if !next.IsZero() {
		a.NextAt = d.now().Add(time.Until(next)).UnixMilli()
	}
	d.cfg.Outbox.Attempt(a)
}

// settle moves the lane, the window and the breaker on after an attempt. It
// returns when the event is tried again; zero if it is not.
func (ep *endpoint) settle(j job, n *engine.Notification, out Outcome) time.Time {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	l := j.lane
	l.headTime = n.Time
	if out.Class == Delivered {
		l.acked, l.ackedAt = n.Sequence, time.Now()
		l.failures, l.silent = 0, false
	}
	if ep.standing == absent { // removed while this one was flying
		delete(ep.lanes, l.subscriber)
		return time.Time{}
	}
	switch {
	case out.Class == Canceled:
		ep.ready.push(l)
		return time.Time{}
	case out.Class == Delivered:
		ep.window.good(ep.inflight)
		if ep.breaker.good() {
			ep.recovered()
		}
		ep.onward(l)
		return time.Time{}
	}
	return ep.failed(j, n, out)
}

// onward queues a lane again if more of its stream waits.
func (ep *endpoint) onward(l *lane) {
	if l.top > l.acked || l.blind {
		ep.ready.push(l)
		return
	}
	l.top = l.acked
	ep.rest(l)
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

// drained ends a lane whose stream has nothing waiting behind acked. top is
// what was known before the outbox was asked: what came since is not judged.
func (ep *endpoint) drained(l *lane, top uint64) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if ep.standing == absent {
		delete(ep.lanes, l.subscriber)
		return
	}
	ep.breaker.unsure(time.Now())
	l.blind = false
	if l.top == top {
		l.top = l.acked
	}
	ep.onward(l)
}

// stumble waits a moment after the outbox could not be read.
func (ep *endpoint) stumble(l *lane) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if ep.standing == absent {
		delete(ep.lanes, l.subscriber)
		return
	}
	now := time.Now()
	ep.breaker.unsure(now)
	l.due = now.Add(steps[0])
	ep.waiting.add(l)
}

// failed decides when a lane is tried again, and whether the endpoint is.
func (ep *endpoint) failed(j job, n *engine.Notification, out Outcome) time.Time {
	l, now := j.lane, time.Now()
	age := max(0, ep.d.now().Sub(time.UnixMilli(n.Time)))
	l.failures++
	l.silent = out.transport()
	if out.throttles() {
		ep.window.bad(j.epoch)
	}
	if exhausted(age, l.failures) {
		// The stream stops here and nothing of it is skipped. A gap event that
		// names the range will be stored and sent from here once retention has
		// passed (issue 3).
		l.parked, l.due = true, neverDue
		ep.d.log.Error("stream parked", "app", ep.key.app, "kind", ep.key.kind.String(), "subscriber", l.subscriber, "sequence", n.Sequence, "reason", out.reason())
		ep.d.cfg.Metrics.parked(ep.key)
	} else {
		l.due = now.Add(delay(age, l.failures, out.RetryAfter, ep.d.cfg.Random()))
	}
	ep.waiting.add(l)
	if out.Class == Gone {
		ep.disable()
		return time.Time{}
	}
	ep.judge(age, out, now)
	if l.parked {
		return time.Time{}
	}
	return l.due
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
	}
}

// recovered lets everything go that waited only because the endpoint was out.
func (ep *endpoint) recovered() {
	ep.d.log.Info("webhook endpoint is back", "app", ep.key.app, "kind", ep.key.kind.String())
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

// disable stops an endpoint that answered 410. Its events keep waiting; a
// change of the webhook starts it again.
func (ep *endpoint) disable() {
	ep.standing = disabled
	ep.d.log.Error("webhook endpoint answered 410 Gone and is disabled", "app", ep.key.app, "kind", ep.key.kind.String())
	ep.d.cfg.Metrics.disabled(ep.key)
}
