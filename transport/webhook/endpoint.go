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
	disabled                 // it answered 410
)

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
	if ep.standing == absent {
		ep.more = ep.d.pass.Load() // rows of an earlier webhook may still wait
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
