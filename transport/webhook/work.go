package webhook

import (
	"time"

	"offhook/engine"
	"offhook/engine/maybe"
	"offhook/engine/trace"
)

// worker makes attempts for one endpoint, one after the other, and keeps its
// memory from one to the next.
type worker struct {
	ep     *endpoint
	target Target
	terms  terms
	epoch  uint32 // of the window
	lone   bool   // one event, whatever else could go with it
	loads  []load
	parcel Parcel
	cause  trace.Context // of what the parcel carries; none for most
	count  int           // events in the parcel
	size   int           // bytes of its body
}

// load is what a worker has of one lane, which is flying meanwhile.
type load struct {
	lane  *lane
	acked uint64 // what the lane knew when it was taken
	top   uint64
	try   uint32

	events  []engine.StoredEvent // what the attempt carries
	gapFrom uint64               // the first number given up before these; 0 for none
	gaps    []uint64             // the gaps that say so
	passed  uint64               // the last number that is not for this webhook; 0 for none
	left    bool                 // there is more, and it found no room
	lone    uint64               // up to here it must go by itself
	due     time.Time            // when the events are tried again; zero for not
}

func (l *load) last() uint64 { return l.events[len(l.events)-1].Sequence }

// mostResting is how many workers without an endpoint are kept.
const mostResting = 64

// toil works for an endpoint, and then for whichever has something to do next: a
// worker that is used again has the stack that it takes, which a new goroutine
// has to grow.
func (d *Dispatcher) toil(ep *endpoint) {
	var w worker
	for ep != nil {
		w.work(ep)
		w.rest()
		if d.rests.Add(1) > mostResting {
			d.rests.Add(-1)
			return
		}
		ep = <-d.resting // nil when the dispatcher stops
		d.rests.Add(-1)
	}
}

// work takes lanes and makes attempts until there is nothing it may take.
func (w *worker) work(ep *endpoint) {
	defer ep.d.workers.Done()
	w.ep = ep
	for worked := false; w.take(worked); worked = true {
		w.deliver()
	}
	ep.d.slots.give()
}

// rest lets go of what it carried, but for the room of one event.
func (w *worker) rest() {
	loads, events := w.loads[:cap(w.loads)], w.parcel.Events[:cap(w.parcel.Events)]
	clear(events)
	if len(loads) > 1 || len(loads) == 1 && cap(loads[0].events) > 1 {
		loads = nil
	}
	for i := range loads {
		clear(loads[i].events[:cap(loads[i].events)])
		loads[i] = load{events: loads[i].events[:0], gaps: loads[i].gaps[:0]}
	}
	*w = worker{loads: loads[:0], parcel: Parcel{Events: events[:0]}}
}

// take gives the worker its next lane, and in batch mode more of them; or ends
// it. A worker that has worked makes room for endpoints that queue for a slot.
func (w *worker) take(worked bool) bool {
	ep := w.ep
	yield := worked && ep.d.slots.wanted()
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if yield || ep.ready.len() == 0 || ep.inflight > ep.allows() {
		ep.inflight--
		ep.pump() // may queue for a slot again, behind the others
		ep.hunger()
		return false
	}
	w.target, w.terms, w.epoch = ep.target, ep.terms, ep.window.epoch
	w.loads = w.loads[:0]
	l := ep.ready.pop()
	w.lone = !w.terms.batch || l.alone() || ep.breaker.state != closed
	w.add(l)
	for !w.lone && len(w.loads) < maxBatchEvents && ep.ready.len() > 0 && !ep.ready.first().alone() {
		w.add(ep.ready.pop())
	}
	ep.pump()
	ep.hunger()
	return true
}

func (w *worker) add(l *lane) {
	l.state = laneFlying
	n := len(w.loads)
	if n == cap(w.loads) {
		w.loads = append(w.loads, load{})
	}
	w.loads = w.loads[:n+1]
	old := &w.loads[n]                                                                                                        // its lists are used again
	*old = load{lane: l, acked: l.acked, top: l.top, try: uint32(l.failures) + 1, gaps: old.gaps[:0], events: old.events[:0]} // #nosec G115 -- a count
}

// deliver makes one attempt with what was taken.
func (w *worker) deliver() {
	if !w.pack() {
		return
	}
	d := w.ep.d
	maybe.Delay("webhook: before an attempt", time.Second) // the outbox keeps it
	began := d.now()
	d.flying.Add(1)
	out := w.target.Post(&w.parcel)
	if out.Class == Delivered && maybe.Now("webhook: again after its 2xx") { // at least once is what is promised
		out = w.target.Post(&w.parcel)
	}
	d.flying.Add(-1)
	if out.Class == Delivered {
		maybe.Delay("webhook: after a 2xx, before it is noted", time.Second) // a crash here means once more
		for i := range w.loads {
			w.acknowledge(&w.loads[i])
		}
	}
	w.ep.settle(w, out)
	w.traceAttempt(out, began)
	if out.Class == Canceled {
		return
	}
	d.cfg.Metrics.attempt(w.ep.key, out)
	for i := range w.loads {
		w.note(&w.loads[i], out, began)
	}
	if out.Class == Gone {
		d.disable(w.ep.key, w.terms.url)
	}
}

// acknowledge tells the outbox what the receiver has taken.
func (w *worker) acknowledge(l *load) {
	stream := l.lane.stream(w.ep.key)
	for _, gap := range l.gaps {
		w.ep.d.cfg.Outbox.Delivered(stream, gap)
	}
	for i := range l.events {
		w.ep.d.cfg.Outbox.Delivered(stream, l.events[i].Sequence)
	}
}

// note puts the attempt on record for each event it carried.
func (w *worker) note(l *load, out Outcome, began time.Time) {
	d := w.ep.d
	for i := range l.events {
		ev := &l.events[i]
		if out.Class == Delivered {
			d.cfg.Metrics.delivered(d.age(ev.Time))
		}
		a := out.attempt(l.lane.stream(w.ep.key), ev, began)
		a.Number = l.try
		if !l.due.IsZero() {
			a.NextAt = d.now().Add(time.Until(l.due)).UnixMilli()
		}
		d.cfg.Outbox.Attempt(a)
	}
}

// attempt is the outcome as it is recorded for one event.
func (o Outcome) attempt(stream engine.StreamID, ev *engine.StoredEvent, began time.Time) engine.Attempt {
	return engine.Attempt{
		Stream: stream, Sequence: ev.Sequence, Index: ev.Index,
		At: began.UnixMilli(), Took: o.Took.Milliseconds(), Status: o.Status, Error: o.reason(), Response: o.Excerpt,
	}
}
