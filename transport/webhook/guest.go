package webhook

import (
	"context"
	"slices"
	"time"

	"offhook/engine"
)

// A lane can be borrowed: whoever has it knows that nothing else of its stream
// is on its way. Redelivery and the making of gaps need that.

// borrow waits until the lane of a subscriber is free, and takes it. The
// caller gives it back. new says that there was none.
func (ep *endpoint) borrow(ctx context.Context, subscriber string) (l *lane, err error) {
	ep.mu.Lock()
	if ep.standing == absent || !ep.d.running.Load() {
		ep.mu.Unlock()
		return nil, ErrStopped
	}
	if l = ep.lanes[subscriber]; l == nil {
		l = &lane{subscriber: subscriber, blind: true, then: laneReady}
		ep.lanes[subscriber] = l
	} else if ep.unqueue(l) {
		l.then = l.state
	} else {
		mine := make(chan struct{})
		l.guests = append(l.guests, mine)
		ep.mu.Unlock()
		return l, ep.turn(ctx, l, mine)
	}
	l.state = laneFlying
	ep.d.workers.Add(1)
	ep.arm()
	ep.mu.Unlock()
	return l, nil
}

// turn waits for a lane that somebody else has.
func (ep *endpoint) turn(ctx context.Context, l *lane, mine chan struct{}) error {
	select {
	case <-mine:
	case <-ctx.Done():
	}
	ep.mu.Lock()
	defer ep.mu.Unlock()
	i := slices.Index(l.guests, mine)
	switch {
	case i >= 0: // not ours yet, and nobody waits for it any more
		l.guests = slices.Delete(l.guests, i, i+1)
		return ctx.Err()
	case ctx.Err() != nil || !ep.d.running.Load() || ep.standing == absent:
		ep.put(l, l.then)
		ep.pump()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return ErrStopped
	}
	ep.d.workers.Add(1)
	return nil
}

// giveBack ends a loan. The endpoint's lock is held.
func (ep *endpoint) giveBack(l *lane) {
	defer ep.d.workers.Done()
	if l.then == laneIdle && l.top > l.acked {
		l.then = laneReady
	}
	crowded := ep.standing != serving || len(ep.lanes) > ep.room()
	if ep.standing != absent && crowded && len(l.guests) == 0 && l.forgettable(time.Now()) {
		delete(ep.lanes, l.subscriber) // the outbox has it all
		ep.more = ep.d.pass.Load()
	} else {
		ep.put(l, l.then)
	}
	ep.pump()
	ep.hunger()
}

func (d *Dispatcher) lookup(id engine.StreamID) *endpoint {
	return (*d.table.Load())[endpointKey{id.App, id.Kind}]
}
