package webhook

import (
	"container/heap"
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
	paused                   // a person wants it to wait
	disabled                 // it answered 410, or a person gave it up
)

// endpoint is one receiver with the lanes of its streams.
type endpoint struct {
	d   *Dispatcher
	key endpointKey

	mu       sync.Mutex
	standing standing
	receiver tenant.Receiver
	terms    terms
	target   Target // nil while absent or unusable
	refused  bool   // it answered 410, and the app does not say so yet

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

func newEndpoint(d *Dispatcher, key endpointKey) *endpoint {
	return &endpoint{d: d, key: key, lanes: map[string]*lane{}, window: newWindow(d.cfg.Slots / 4)}
}

// aim makes the endpoint serve a receiver as the app has it now.
func (ep *endpoint) aim(r tenant.Receiver) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	was, before := ep.standing, ep.receiver
	if !r.Set() {
		ep.leaveOff()
		return
	}
	if was == absent {
		ep.more = ep.d.pass.Load() // rows of before may still wait
	}
	ep.receiver = r
	ep.terms = terms{url: r.URL, batch: r.Batch, extended: r.Extended, since: r.Since}
	renewed := was == absent || !sameRequest(before, r)
	if renewed && !ep.retarget() || ep.target == nil {
		return
	}
	if r.Disabled != "" || r.URL != before.URL {
		ep.refused = false // it is known, or another receiver's business
	}
	switch {
	case r.Disabled != "" || ep.refused:
		ep.standing = disabled
	case r.Paused:
		ep.standing = paused
	default:
		ep.standing = serving
	}
	ep.hold(before.Held)
	if ep.standing == serving && (renewed || was != serving) {
		ep.revive()
		return
	}
	ep.pump()
	ep.hunger()
}

// leaveOff ends an endpoint whose webhook was removed.
func (ep *endpoint) leaveOff() {
	if ep.target != nil {
		ep.target.Close()
		ep.target = nil
	}
	if ep.standing != absent {
		ep.d.orphans.Store(true)
		ep.d.nudge()
	}
	ep.standing, ep.receiver, ep.terms, ep.refused = absent, tenant.Receiver{}, terms{}, false
	ep.forget()
}

// unusableReason is what people are told of a webhook that was in order when it
// was set: what the operator allows has changed since.
const unusableReason = "its URL, secrets or headers are not allowed any more"

// retarget prepares for the requests the receiver wants now.
func (ep *endpoint) retarget() bool {
	if ep.target != nil {
		ep.target.Close()
		ep.target = nil
	}
	target, err := ep.d.cfg.Poster.Aim(ep.key.app, ep.receiver)
	if err != nil {
		ep.standing = unusable
		ep.d.log.Error("webhook cannot be used", "app", ep.key.app, "kind", ep.key.kind.String(), "reason", err.Error())
		ep.d.notice(Notice{App: ep.key.app, Kind: ep.key.kind, What: EndpointFailing, Reason: unusableReason})
		return false
	}
	ep.target = target
	return true
}

// sameRequest reports whether two receivers get the same requests.
func sameRequest(a, b tenant.Receiver) bool {
	return a.URL == b.URL && a.SigningKey == b.SigningKey && slices.Equal(a.Secrets, b.Secrets) &&
		slices.Equal(a.Retired, b.Retired) && slices.Equal(a.RetiredKeys, b.RetiredKeys) && slices.Equal(a.Headers, b.Headers)
}

// holds reports whether the stream of a subscriber is paused.
func (ep *endpoint) holds(subscriber string) bool {
	if len(ep.receiver.Held) == 0 {
		return false
	}
	_, held := slices.BinarySearch(ep.receiver.Held, subscriber)
	return held
}

// hold brings the lanes in line with the list of paused streams.
func (ep *endpoint) hold(before []string) {
	if slices.Equal(before, ep.receiver.Held) {
		return
	}
	for _, sub := range before {
		if l := ep.lanes[sub]; l != nil && l.state == laneIdle && l.top > l.acked && !ep.holds(sub) {
			ep.idle.remove(l)
			ep.afresh(l)
		}
	}
	if len(before) > 0 {
		ep.more = ep.d.pass.Load() // what has no lane waits where the scan finds it
	}
	for _, sub := range ep.receiver.Held {
		if l := ep.lanes[sub]; l != nil && ep.unqueue(l) {
			ep.rest(l)
		}
	}
}

// unqueue takes a lane out of wherever it is; false if it is flying.
func (ep *endpoint) unqueue(l *lane) bool {
	switch l.state {
	case laneFlying:
		return false
	case laneIdle:
		ep.idle.remove(l)
	case laneReady:
		ep.ready.drop(func(other *lane) bool { return other == l })
	case laneWaiting:
		ep.waiting.remove(l)
	}
	return true
}

// afresh tries a lane now, whatever happened to it before.
func (ep *endpoint) afresh(l *lane) {
	l.parked, l.failures = false, 0
	ep.put(l, laneReady)
}

// revive starts afresh with a receiver: what was parked or waiting is tried now.
func (ep *endpoint) revive() {
	ep.breaker = breaker{}
	ep.window = newWindow(int(ep.window.max))
	ep.resting = nil
	for len(ep.waiting) > 0 {
		ep.afresh(heap.Pop(&ep.waiting).(*lane))
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
		if ep.holds(subscriber) {
			return false // found again when it goes on
		}
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
	if l.state == laneIdle && !ep.holds(subscriber) {
		ep.idle.remove(l)
		l.headTime = 0
		if !found {
			l.headTime = ep.d.cfg.Clock.Now()
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
