package webhook

import (
	"time"

	"offhook/engine"
)

// The backlog is in the outbox. Ready tells of what is new; everything else
// (after a start, or what found no room in memory) is found by reading through
// the list of waiting streams, again and again, as long as an endpoint lacks
// something and has room for it. One goroutine does it for all endpoints: the
// list is in the order of keys, which mixes them.

const (
	scanChunk = 512
	// scanShare is the part of its time the scan may read, one in so many: a
	// long list of a dead endpoint's streams must not cost the others.
	scanShare = 4
	// idlePasses wait between passes that found nothing new.
	minIdlePass, maxIdlePass = 50 * time.Millisecond, 5 * time.Second
	// idleKept is how long lanes with nothing to do are kept for the next event.
	idleKept = time.Minute
)

// backlog is what the scan saw of one endpoint and left in the outbox.
type backlog struct {
	streams int            // in the last pass
	oldest  engine.Waiting // of those; zero Sequence for none
	since   int64          // when the oldest was recorded, ms since the epoch; 0 for unknown

	counting       int
	countingOldest engine.Waiting
}

// see counts a stream that was left.
func (b *backlog) see(w engine.Waiting) {
	b.counting++
	if b.countingOldest.Sequence == 0 || w.Index < b.countingOldest.Index {
		b.countingOldest = w
	}
}

// scan runs until the dispatcher stops.
func (d *Dispatcher) scan() {
	defer close(d.scanned)
	pause, all := minIdlePass, true
	for {
		found, err := d.readThrough(all)
		if err != nil {
			d.log.Error("outbox cannot be scanned", "error", err)
		}
		all = err != nil && all
		if found > 0 {
			pause = minIdlePass
		} else {
			pause = min(2*pause, maxIdlePass)
		}
		if !d.sleep(pause) {
			return
		}
		if all {
			continue
		}
		switch d.await() {
		case scanStop:
			return
		case scanAll:
			all = true
		}
	}
}

type scanReason int

const (
	scanStop scanReason = iota
	scanMore            // an endpoint lacks something and has room
	scanAll             // just in case
)

// await waits for a reason to scan.
func (d *Dispatcher) await() scanReason {
	just := time.NewTimer(d.cfg.Rescan)
	defer just.Stop()
	for {
		if d.orphans.Swap(false) {
			return scanAll
		}
		if d.hungry() {
			return scanMore
		}
		select {
		case <-d.stop:
			return scanStop
		case <-d.wake:
		case <-just.C:
			return scanAll
		}
	}
}

// sleep reports whether the dispatcher goes on.
func (d *Dispatcher) sleep(t time.Duration) bool {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-d.stop:
		return false
	case <-timer.C:
		return true
	}
}

// readThrough makes one pass. It returns how many streams found a lane.
func (d *Dispatcher) readThrough(all bool) (found int, err error) {
	pass := d.pass.Add(1)
	through := d.cfg.Outbox.Durable() // before it is known what is an orphan: what comes later may be none
	orphans := map[endpointKey]bool{}
	var after engine.StreamID
	for {
		n, began := 0, time.Now()
		err := d.cfg.Outbox.Waiting(after, scanChunk, func(w engine.Waiting) error {
			n++
			after = w.Stream
			if d.offer(w, orphans) {
				found++
			}
			return nil
		})
		if err != nil {
			return found, err
		}
		if n < scanChunk {
			break
		}
		if !d.sleep(max(time.Millisecond, (scanShare-1)*time.Since(began))) {
			return found, nil
		}
		if !all { // when everybody is served, go on from here later
			switch d.await() {
			case scanStop:
				return found, nil
			case scanAll:
				all = true
			}
		}
	}
	for _, ep := range d.endpoints() {
		ep.passed(pass)
	}
	return found, d.drop(orphans, through)
}

// drop lets go of what waits for a webhook that was removed.
func (d *Dispatcher) drop(orphans map[endpointKey]bool, through uint64) error {
	for key := range orphans {
		if err := d.cfg.Outbox.DropWaiting(key.app, key.kind, through); err != nil {
			return err
		}
	}
	return nil
}

// offer hands a stream the scan found to its endpoint.
func (d *Dispatcher) offer(w engine.Waiting, orphans map[endpointKey]bool) bool {
	key := endpointKey{w.Stream.App, w.Stream.Kind}
	ep := d.endpoint(key)
	if ep == nil || !d.Wanted(key.app, key.kind) {
		orphans[key] = true
		return false
	}
	if ep.tell(w.Stream.Subscriber, w.Sequence, true) {
		return true
	}
	ep.mu.Lock()
	if ep.lanes[w.Stream.Subscriber] == nil {
		ep.behind.see(w)
	}
	ep.mu.Unlock()
	return false
}

// passed ends a pass: what turned nobody away since it began has everything.
func (ep *endpoint) passed(pass uint64) {
	ep.mu.Lock()
	ep.trim(idleKept)
	if ep.more < pass {
		ep.more = 0
	}
	b := &ep.behind
	*b = backlog{streams: b.counting, oldest: b.countingOldest}
	oldest := b.oldest
	ep.mu.Unlock()
	if oldest.Sequence == 0 {
		return
	}
	if ev, ok, err := ep.d.cfg.Outbox.Next(oldest.Stream, oldest.Sequence-1); err == nil && ok {
		ep.mu.Lock()
		ep.behind.since = ev.Notification.Time
		ep.mu.Unlock()
	}
}

// lacks reports whether the scan could bring the endpoint something.
func (ep *endpoint) lacks() bool {
	return ep.more != 0 && ep.standing == serving && ep.breaker.state != open && len(ep.lanes)-ep.idle.n-len(ep.waiting) <= ep.room()/2
}

// hunger wakes the scan if it could bring something. ep.mu is held.
func (ep *endpoint) hunger() {
	if ep.lacks() {
		ep.d.nudge()
	}
}

func (d *Dispatcher) nudge() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *Dispatcher) hungry() bool {
	for _, ep := range d.endpoints() {
		ep.mu.Lock()
		lacks := ep.lacks()
		ep.mu.Unlock()
		if lacks {
			return true
		}
	}
	return false
}
