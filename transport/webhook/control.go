package webhook

import (
	"time"

	"offhook/engine"
)

// Resume tries again at once what is parked, waits for another try, or was
// refused with 410 without the app saying so yet.
func (d *Dispatcher) Resume(app string, kind engine.StreamKind) {
	ep := d.lookup(engine.StreamID{App: app, Kind: kind})
	if ep == nil {
		return
	}
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if ep.refused && ep.standing == disabled && ep.receiver.Disabled == "" {
		ep.refused, ep.standing = false, serving
	}
	if ep.standing == serving {
		ep.revive()
	}
}

// ResumeStream tries one stream again at once, parked or not.
func (d *Dispatcher) ResumeStream(app, subscriber string, kind engine.StreamKind) {
	ep := d.lookup(engine.StreamID{App: app, Kind: kind})
	if ep == nil {
		return
	}
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if l := ep.lanes[engine.Fold(subscriber)]; l != nil && l.state == laneWaiting {
		ep.waiting.remove(l)
		ep.afresh(l)
		ep.pump()
	}
}

// StreamStatus is how the delivery of one stream is.
type StreamStatus struct {
	Subscriber string // folded
	Sequence   uint64 // of the event that waits first
	Since      int64  // when that was recorded, ms since the epoch
	Failures   int    // attempts on it that failed, as far as is known since the start
	NextTry    time.Time
	Parked     bool
	Paused     bool
}

// Streams calls fn for the streams of a webhook that have something
// undelivered, in an order that stays the same, for up to limit streams behind
// a subscriber ("" for the first).
func (d *Dispatcher) Streams(app string, kind engine.StreamKind, behind string, limit int, fn func(StreamStatus) error) error {
	return d.cfg.Outbox.WaitingOf(app, kind, behind, limit, func(w engine.Waiting) error {
		s := StreamStatus{Subscriber: w.Stream.Subscriber, Sequence: w.Sequence}
		if ev, ok, err := d.cfg.Outbox.Next(w.Stream, w.Sequence-1); err != nil {
			return err
		} else if ok {
			s.Sequence, s.Since = ev.Sequence, ev.Time
		}
		if ep := d.lookup(w.Stream); ep != nil {
			ep.about(&s)
		}
		return fn(s)
	})
}

// about adds what the endpoint knows of a stream.
func (ep *endpoint) about(s *StreamStatus) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	s.Paused = ep.holds(s.Subscriber)
	l := ep.lanes[s.Subscriber]
	if l == nil {
		return
	}
	s.Failures, s.Parked = l.failures, l.parked
	if l.state == laneWaiting && !l.parked && ep.standing == serving {
		if s.NextTry = l.due; ep.breaker.state == open && ep.breaker.until.After(l.due) {
			s.NextTry = ep.breaker.until
		}
	}
}
