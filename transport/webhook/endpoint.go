package webhook

import (
	"container/heap"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"offhook/engine"
	"offhook/engine/tenant"
)

// endpointKey names a receiver: one webhook of one app.
type endpointKey struct {
	app  string
	kind engine.StreamKind
}

// standing is whether an endpoint takes anything at all.
type standing uint8

const (
	absent   standing = iota // no webhook is set
	serving                  // the breaker decides
	unusable                 // its URL or secrets can never work
	disabled                 // it answered 410
)

func (s standing) String() string { return [...]string{"absent", "serving", "unusable", "disabled"}[s] }

// endpoint is one receiver with the lanes of its streams.
type endpoint struct {
	d   *Dispatcher
	key endpointKey

	mu       sync.Mutex
	standing standing
	receiver tenant.Receiver
	target   Target // set while serving or disabled

	lanes   map[string]*lane
	ready   queue
	waiting dues
	idle    idles
	resting map[uint64]time.Duration // streams that failed and had to make room: not before, since d.born

	inflight int
	window   window
	breaker  breaker
	timer    *time.Timer // one, whatever waits: the next probe or the next lane
	timerAt  time.Time
	queued   bool // in the queue for slots

	// more is the pass of the scan in which a stream was turned away; 0 for
	// none: then every waiting stream of the endpoint is in lanes.
	more   uint64
	behind backlog // what the scan saw and left
}

const (
	// probeLanes are kept for an endpoint that is out: enough to probe with.
	probeLanes = 64
	// maxResting bounds what is remembered of streams that made room.
	maxResting = 16384
)

func newEndpoint(d *Dispatcher, key endpointKey) *endpoint {
	return &endpoint{d: d, key: key, lanes: map[string]*lane{}, window: newWindow(d.cfg.Slots / 4)}
}

// aim makes the endpoint serve a receiver. Nothing changes if it already does.
func (ep *endpoint) aim(r tenant.Receiver) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if ep.standing != absent && ep.receiver.URL == r.URL && slices.Equal(ep.receiver.Secrets, r.Secrets) {
		return
	}
	if ep.target != nil {
		ep.target.Close()
		ep.target = nil
	}
	ep.receiver = r
	if !r.Set() {
		ep.standing = absent
		ep.forget()
		return
	}
	target, err := ep.d.cfg.Poster.Aim(ep.key.app, r)
	if err != nil {
		ep.standing = unusable
		ep.d.log.Error("webhook cannot be used", "app", ep.key.app, "kind", ep.key.kind.String(), "reason", err.Error())
		return
	}
	ep.target = target
	ep.revive()
}

// revive starts afresh with a receiver: what was parked or waiting is tried now.
func (ep *endpoint) revive() {
	ep.standing = serving
	ep.breaker = breaker{}
	ep.window = newWindow(int(ep.window.max))
	ep.resting = nil
	for len(ep.waiting) > 0 {
		l := heap.Pop(&ep.waiting).(*lane)
		l.parked, l.failures = false, 0
		ep.ready.push(l)
	}
	ep.pump()
	ep.hunger()
}

// forget drops all lanes but those that are flying; these end by themselves.
func (ep *endpoint) forget() {
	for sub, l := range ep.lanes {
		if l.state != laneFlying {
			delete(ep.lanes, sub)
		}
	}
	ep.ready, ep.waiting, ep.idle, ep.resting = queue{}, nil, idles{}, nil
	ep.more, ep.behind = 0, backlog{}
	ep.arm()
}

// tell learns that a stream has events up to a number. found says that it comes
// from the scan, which sees the first of a stream only.
func (ep *endpoint) tell(subscriber string, sequence uint64, found bool) (admitted bool) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if ep.standing == absent || ep.d.stopping.Load() {
		return false
	}
	l := ep.lanes[subscriber]
	if l == nil {
		if l = ep.admit(subscriber); l == nil {
			ep.more = ep.d.pass.Load()
			return false
		}
		admitted = true
	}
	if sequence > l.top {
		l.top = sequence
	}
	if l.top <= l.acked {
		return admitted
	}
	l.blind = l.blind || found
	if l.state == laneIdle {
		ep.idle.remove(l)
		l.headTime = 0
		if !found {
			l.headTime = ep.d.now().UnixMilli()
		}
		if ep.breaker.state != closed && ep.breaker.cause == causeRefusing && !found {
			ep.ready.jump(l) // a new event may fare better than those that were refused
			ep.breaker.state = halfOpen
		} else {
			ep.ready.push(l)
		}
		ep.pump()
	}
	return admitted
}

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
	if l := ep.idle.first; l != nil {
		ep.idle.remove(l)
		delete(ep.lanes, l.subscriber)
		return true
	}
	if ep.breaker.state != closed && ep.breaker.cause == causeSilent || len(ep.waiting) == 0 {
		return false
	}
	l := ep.waiting[len(ep.waiting)-1] // a leaf: due later than most
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
	return true
}

// shed keeps the lanes an endpoint that is out needs for probes and leaves the
// rest to the outbox, where they are anyway.
func (ep *endpoint) shed() {
	for ep.idle.first != nil && len(ep.lanes) > ep.room() {
		ep.evict()
	}
	if len(ep.lanes) <= ep.room() {
		return
	}
	ep.more = ep.d.pass.Load()
	for n := len(ep.waiting) - 1; n >= 0 && len(ep.lanes) > ep.room(); n-- {
		delete(ep.lanes, ep.waiting[n].subscriber)
		ep.waiting[n] = nil
		ep.waiting = ep.waiting[:n]
	}
	kept := queue{}
	for l := ep.ready.pop(); l != nil; l = ep.ready.pop() {
		if len(ep.lanes) > ep.room() {
			delete(ep.lanes, l.subscriber)
		} else {
			kept.push(l)
		}
	}
	ep.ready = kept
}

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

func (ep *endpoint) launch() {
	ep.inflight++
	ep.d.workers.Add(1)
	go ep.work()
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
		ep.timer = time.AfterFunc(time.Until(at), ep.tick)
	default:
		ep.timer.Reset(time.Until(at))
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
