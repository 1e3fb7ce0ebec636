package webhook

import "strconv"

// terms is how an endpoint takes its events.
type terms struct {
	url      string
	batch    bool
	extended bool
	since    uint64 // index in the log: what is older was for an earlier webhook
}

// pack reads from the outbox what the next attempt carries. It lets lanes go
// that have nothing for it, and reports false if none has.
func (w *worker) pack() bool {
	w.count, w.size = 0, len("[]")
	kept := 0
	for i := range w.loads {
		l := &w.loads[i]
		err := w.read(l)
		switch {
		case err != nil:
			w.ep.d.log.Error("outbox cannot be read", "app", w.ep.key.app, "kind", w.ep.key.kind.String(), "sub", l.lane.subscriber, "error", err)
			w.ep.stumble(l)
		case len(l.events) > 0:
			w.loads[kept], w.loads[i] = w.loads[i], w.loads[kept]
			kept++
		case l.left:
			w.ep.leave(l)
		default:
			w.ep.drained(l)
		}
	}
	w.loads = w.loads[:kept]
	if kept > 0 {
		w.wrap()
	}
	return kept > 0
}

// read takes of one lane what fits.
func (w *worker) read(l *load) error {
	outbox, stream := w.ep.d.cfg.Outbox, l.lane.stream(w.ep.key)
	for after := l.acked; ; {
		if w.lone && w.count > 0 || w.count >= maxBatchEvents {
			l.left = true
			return nil
		}
		ev, ok, err := outbox.Next(stream, after)
		switch {
		case err != nil && len(l.events) == 0:
			return err
		case err != nil || !ok:
			return nil
		case ev.Index <= w.terms.since:
			outbox.Delivered(stream, ev.Sequence)
			l.passed = ev.Sequence
		case ev.GapFrom != 0 && !w.terms.extended:
			// A header of the next event tells of it. That speaks of one stream,
			// so the event goes by itself.
			if w.count > 0 {
				l.left, l.lone = true, ev.Sequence
				return nil
			}
			if w.lone = true; l.gapFrom == 0 {
				l.gapFrom = ev.GapFrom
			}
			l.gaps = append(l.gaps, ev.Sequence)
		case w.count > 0 && w.size+len(ev.Body) > maxBatchBytes:
			l.left = true
			return nil
		default:
			l.events = append(l.events, ev)
			w.count++
			w.size += len(ev.Body) + len(",")
		}
		after = ev.Sequence
	}
}

// wrap makes the parcel.
func (w *worker) wrap() {
	p := &w.parcel
	p.Events, p.Batch, p.GapFrom = p.Events[:0], w.terms.batch, w.loads[0].gapFrom
	for i := range w.loads {
		for j := range w.loads[i].events {
			p.Events = append(p.Events, &w.loads[i].events[j].Notification)
		}
	}
	p.ID = p.Events[0].EventID
	w.cause = w.ep.d.causeOf(p.Events)
	p.Trace = w.cause.Child()
	if len(p.Events) > 1 {
		// Never sent again as it is, so its id is nobody else's.
		random := w.ep.d.cfg.Random
		p.ID = "batch_" + strconv.FormatUint(random(), 36) + strconv.FormatUint(random(), 36)
	}
}
