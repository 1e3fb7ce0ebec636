package webhook

import (
	"context"
	"time"

	"offhook/engine"
)

// What waits for longer than the retention is given up, and never in silence:
// a gap takes its place, which is sent like any event or, to receivers that
// take none without a call, told of by a header of the next event. Only what
// goes nowhere is given up: a receiver that works its way through an old
// backlog gets all of it.

// expireEvery is how often the backlog is looked through, at most.
const expireEvery = time.Hour

// expirer runs until the dispatcher stops.
func (d *Dispatcher) expirer() {
	defer close(d.expired)
	if !d.sleep(d.cfg.Grace) {
		return
	}
	for {
		if err := d.expire(); err != nil {
			d.log.Error("outbox cannot be looked through for what is too old", "error", err)
		}
		if !d.sleep(min(expireEvery, d.cfg.Retention/8)) {
			return
		}
	}
}

// expire makes one pass over all streams that wait.
func (d *Dispatcher) expire() error {
	tooOld := func(at int64) bool { return d.age(at) > d.cfg.Retention }
	young := ^uint64(0) // from this index on nothing is old
	var after engine.StreamID
	for {
		var page []engine.Waiting
		began := time.Now()
		err := d.cfg.Outbox.Waiting(after, scanChunk, func(w engine.Waiting) error {
			page = append(page, w)
			return nil
		})
		if err != nil {
			return err
		}
		for _, w := range page {
			after = w.Stream
			if w.Index >= young {
				continue
			}
			old, err := d.giveUp(w, tooOld)
			if err != nil {
				return err
			}
			if !old {
				young = w.Index
			}
		}
		if len(page) < scanChunk {
			return nil
		}
		if !d.sleep(max(time.Millisecond, (scanShare-1)*time.Since(began))) {
			return nil
		}
	}
}

// giveUp lets a stream give up what is too old, if its endpoint is stuck. It
// reports false if what waits first is not old.
func (d *Dispatcher) giveUp(w engine.Waiting, tooOld func(at int64) bool) (old bool, err error) {
	ep := d.lookup(w.Stream)
	if ep == nil || !ep.stuck(w.Stream.Subscriber) {
		return true, nil
	}
	head, ok, err := d.cfg.Outbox.Next(w.Stream, w.Sequence-1)
	if err != nil || !ok {
		return true, err
	}
	if !tooOld(head.Time) && head.GapFrom == 0 {
		return false, nil
	}
	l := ep.borrowNow(w.Stream.Subscriber)
	if l == nil {
		return true, nil // something of it is on its way: another time
	}
	ep.mu.Lock()
	since := ep.terms.since
	ep.mu.Unlock()
	gaps := 0
	for found := true; found && err == nil; {
		found, err = d.cfg.Outbox.Expire(w.Stream, since, tooOld, d.cfg.Clock.Now(), engine.NewEventID(d.cfg.Random(), d.cfg.Random()))
		if found {
			gaps++
		}
	}
	if gaps > 0 {
		d.log.Error("events given up: nobody took them for as long as they are kept", "app", ep.key.app, "kind", ep.key.kind.String(), "sub", w.Stream.Subscriber, "from", head.Sequence)
		d.cfg.Metrics.gaps(ep.key, gaps)
	}
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if gaps > 0 {
		l.parked, l.failures, l.headTime = false, 0, d.cfg.Clock.Now()
		l.then = laneReady // the gap has a schedule of its own, from now on
	}
	ep.giveBack(l)
	return true, err
}

// stuck reports whether nothing goes to the endpoint now, or nothing of the
// stream.
func (ep *endpoint) stuck(subscriber string) bool {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if ep.standing == absent {
		return false // whoever removed the webhook drops what waits
	}
	if ep.standing != serving || ep.breaker.state != closed || ep.holds(subscriber) {
		return true
	}
	l := ep.lanes[subscriber]
	return l != nil && l.parked
}

// borrowNow is borrow for those who do not wait: nil if the lane is taken.
func (ep *endpoint) borrowNow(subscriber string) *lane {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l, err := ep.borrow(ctx, subscriber)
	if err != nil {
		return nil
	}
	return l
}
