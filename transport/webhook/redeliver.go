package webhook

import (
	"cmp"
	"context"
	"errors"

	"offhook/engine"
)

// Why an event is not sent again.
var (
	ErrUnknownEvent = errors.New("the event is not kept, or is not for this webhook")
	ErrWaiting      = errors.New("the event was not delivered yet and waits its turn")
	ErrStopped      = errors.New("the webhook is paused, disabled or removed")
	ErrBusy         = errors.New("too many at a time")
)

// maxRedeliveries are under way at a time, in all.
const maxRedeliveries = 16

// Redeliver sends an event once more, marked, in the lane of its stream: no
// other event of the stream is on its way meanwhile. It makes one attempt and
// returns it. An event that was never delivered is sent only if it is the next
// one anyway, and is done with if the receiver takes it.
func (d *Dispatcher) Redeliver(ctx context.Context, stream engine.StreamID, sequence uint64) (engine.Attempt, error) {
	select {
	case d.redeliveries <- struct{}{}:
		defer func() { <-d.redeliveries }()
	default:
		return engine.Attempt{}, ErrBusy
	}
	stream.Subscriber = engine.Fold(stream.Subscriber)
	ep := d.endpoint(endpointKey{stream.App, stream.Kind})
	if ep == nil {
		return engine.Attempt{}, ErrStopped
	}
	ev, ok, err := d.cfg.Outbox.Event(stream, sequence)
	if err != nil {
		return engine.Attempt{}, err
	}
	if !ok {
		return engine.Attempt{}, ErrUnknownEvent
	}
	l, err := ep.borrow(ctx, stream.Subscriber)
	if err != nil {
		return engine.Attempt{}, err
	}
	return ep.again(l, ev)
}

// again makes the attempt on a borrowed lane, and gives it back.
func (ep *endpoint) again(l *lane, ev engine.StoredEvent) (engine.Attempt, error) {
	ep.mu.Lock()
	target, terms, standing, held := ep.target, ep.terms, ep.standing, ep.holds(l.subscriber)
	ep.mu.Unlock()
	stream := l.stream(ep.key)
	head, waits, err := ep.head(stream, l.acked, terms.since)
	first := waits && head.Sequence == ev.Sequence
	if first {
		ev = head // it may have become a gap meanwhile
	}
	switch {
	case err != nil:
	case standing != serving || held:
		err = ErrStopped
	case ev.GapFrom != 0 && !terms.extended:
		err = ErrUnknownEvent
	case waits && !first && ev.Sequence >= cmp.Or(head.GapFrom, head.Sequence):
		err = ErrWaiting
	}
	if err != nil {
		ep.mu.Lock()
		defer ep.mu.Unlock()
		ep.giveBack(l)
		return engine.Attempt{}, err
	}

	began := ep.d.now()
	p := parcel(&ev.Notification)
	p.Batch, p.Redelivery = terms.batch, true
	out := target.Post(p)
	a := out.attempt(stream, &ev, began)
	a.Number, a.Redelivery = 1, true
	if first && out.Class == Delivered {
		ep.d.cfg.Outbox.Delivered(stream, ev.Sequence)
	}

	ep.mu.Lock()
	if first {
		a.Number = uint32(l.failures) + 1 // #nosec G115 -- a count
		ep.settleByHand(l, ev.Sequence, out)
	}
	ep.giveBack(l)
	ep.mu.Unlock()
	if out.Class == Canceled {
		return a, ErrStopped
	}
	ep.d.cfg.Metrics.attempt(ep.key, out)
	ep.d.cfg.Outbox.Attempt(a)
	return a, nil
}

// head is the event of a stream that waits first for this webhook.
func (ep *endpoint) head(stream engine.StreamID, after, since uint64) (ev engine.StoredEvent, waits bool, err error) {
	for ev.Sequence = after; ; {
		ev, waits, err = ep.d.cfg.Outbox.Next(stream, ev.Sequence)
		if err != nil || !waits || ev.Index > since {
			return ev, waits, err
		}
	}
}
