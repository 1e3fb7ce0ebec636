package webhook

import (
	"container/heap"
	"time"

	"offhook/engine/maybe"
)

// When workers start: as many as the window, the breaker and the slots allow.

// pump starts workers while there is something to do and room to do it.
func (ep *endpoint) pump() {
	for ep.startable() {
		if !ep.d.slots.take(ep) {
			break // granted calls again
		}
		ep.launch()
	}
	ep.arm()
}

// launch has a worker work for the endpoint: one that rests, or a new one.
func (ep *endpoint) launch() {
	ep.inflight++
	ep.d.workers.Add(1)
	select {
	case ep.d.resting <- ep:
	default:
		ep.d.crew.Go(func() { ep.d.toil(ep) })
	}
}

func (ep *endpoint) startable() bool {
	return ep.ready.len() > 0 && ep.inflight < ep.allows()
}

// allows is how many attempts may be under way now.
func (ep *endpoint) allows() int {
	switch {
	case ep.standing != serving || !ep.d.running.Load() || ep.breaker.state == open:
		return 0
	case ep.breaker.state == halfOpen:
		return 1
	}
	return ep.window.allows()
}

// granted is called with a slot that was queued for. It reports whether the
// endpoint took it.
func (ep *endpoint) granted() bool {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	ep.queued = false
	if !ep.startable() {
		return false
	}
	ep.launch()
	ep.pump()
	return true
}

// arm sets the timer to whatever comes first.
func (ep *endpoint) arm() {
	var at time.Time
	switch {
	case ep.standing != serving || !ep.d.running.Load():
	case ep.breaker.state == open:
		at = ep.breaker.until
	case ep.breaker.state == closed && len(ep.waiting) > 0 && !ep.waiting[0].parked:
		at = ep.waiting[0].due
	}
	if at.Equal(ep.timerAt) {
		return
	}
	ep.timerAt = at
	switch {
	case at.IsZero():
		ep.timer.Stop()
	case ep.timer == nil:
		ep.timer = time.AfterFunc(maybe.Early("webhook: a timer fires early", time.Until(at)), ep.tick) // tick looks at what is due, and arms again
	default:
		ep.timer.Reset(maybe.Early("webhook: a timer fires early", time.Until(at)))
	}
}

// tick is the timer: lanes are due, or it is time for a probe.
func (ep *endpoint) tick() {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	ep.timerAt = time.Time{}
	now := time.Now()
	if ep.breaker.state == open && !now.Before(ep.breaker.until) {
		ep.breaker.state = halfOpen
		if ep.ready.len() == 0 && len(ep.waiting) > 0 && !ep.waiting[0].parked {
			ep.ready.push(heap.Pop(&ep.waiting).(*lane)) // the probe
		}
		if ep.ready.len() == 0 {
			ep.hunger()
		}
	}
	if ep.breaker.state == closed {
		for len(ep.waiting) > 0 && !ep.waiting[0].due.After(now) {
			ep.ready.push(heap.Pop(&ep.waiting).(*lane))
		}
	}
	ep.pump()
}
