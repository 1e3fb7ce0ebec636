package simulator

import (
	"slices"
	"time"
)

// delivery is one event on its way to one subscription. Guarded by Simulator.mu.
type delivery struct {
	sub     *subscription
	eventID string
	target  string // user the event is about; empty in a user's own subscription (dossier §3.4)
	seq     int64
	data    []byte

	on     *channel
	resent int
	due    time.Time // acknowledged by then, or the channel ends
	done   bool
}

// publish gives the event its number and sends it, as far as the faults let it.
func (s *Simulator) publish(sub *subscription, target *phone, data []byte) {
	if sub.lost && s.cfg.ResyncAfterLoss && !sub.resyncing {
		// Not here and now: the phone may be in the midst of something.
		sub.resyncing = true
		s.after(0, func() {
			sub.resyncing = false
			s.resync(sub)
		})
	}
	d := &delivery{sub: sub, eventID: sub.rnd.uuid(), seq: sub.nextSeq(), data: data}
	if target != nil && target.SubscriberID != sub.owner {
		d.target = target.SubscriberID
	}
	if len(s.faults) > 0 || len(sub.delayed) > 0 {
		s.publishFaulty(d, target)
		return
	}
	s.send(d)
}

// send puts the event on a channel of its set. Without one it is lost, and the
// next sequence number tells (what BroadWorks does is unknown, dossier §3.7).
func (s *Simulator) send(d *delivery) {
	if d.sub.contact != nil {
		s.sendContact(d)
		return
	}
	ch := s.pick(d.sub, nil)
	if ch == nil {
		s.lose(d)
		return
	}
	s.sendOn(d, ch)
}

func (s *Simulator) lose(d *delivery) {
	s.stats.EventsLost++
	d.sub.lost = true
}

func (s *Simulator) sendOn(d *delivery, ch *channel) {
	d.on = ch
	s.waiting[d.eventID] = d
	s.stats.EventsSent++
	s.enqueue(ch, doc{bytes: d.document(ch.id), event: d, sub: d.sub})
}

// pick chooses the channel for a subscription: the highest priority class, by
// weight among equals, and then always the same while it lives, so that no
// event overtakes another (dossier §3.8). not is a channel to avoid.
func (s *Simulator) pick(sub *subscription, not *channel) *channel {
	set := s.sets[sub.setID]
	if set == nil {
		return nil
	}
	var best []*channel
	total := 0
	for _, ch := range set.channels {
		if ch == not || len(best) > 0 && ch.priority > best[0].priority {
			continue
		}
		if len(best) > 0 && ch.priority < best[0].priority {
			best, total = best[:0], 0
		}
		best = append(best, ch)
		total += ch.weight
	}
	if len(best) == 0 {
		return nil
	}
	if slices.Contains(best, sub.on) {
		return sub.on
	}
	choice := best[len(best)-1]
	n := sub.rnd.IntN(max(total, 1))
	for _, ch := range best {
		if n -= ch.weight; n < 0 {
			choice = ch
			break
		}
	}
	if not == nil {
		sub.on = choice
	}
	return choice
}

// The status codes of an acknowledgement (dossier §3.5).
const (
	ackOK                  = 200
	ackDrop                = 400
	ackUnknownChannel      = 404
	ackUnknownSubscription = 481
	ackResend              = 500
)

// acknowledge does what the client's answer to an event asks for.
func (s *Simulator) acknowledge(eventID string, status int) {
	d := s.waiting[eventID]
	if d == nil {
		s.stats.AcksUnknown++ // late, or a second time: harmless
		return
	}
	ch := d.on
	if status == ackUnknownChannel {
		// Not settled: it is the first of those the next channel gets.
		s.endChannel(ch, reasonUnknown)
		return
	}
	s.settle(d)
	switch status {
	case ackUnknownSubscription:
		s.endSubscription(d.sub, false)
	case ackResend:
		s.resend(d, ch)
	case ackDrop:
		s.stats.EventsRefused++
	default:
		s.stats.EventsAcked++
	}
}

// settle takes d off the list of those waiting for an acknowledgement.
func (s *Simulator) settle(d *delivery) {
	d.done = true
	delete(s.waiting, d.eventID)
	ch := d.on
	for len(ch.unacked) > 0 && ch.unacked[0].done {
		ch.unacked[0] = nil
		ch.unacked = ch.unacked[1:]
	}
}

// resend moves an event to the next channel of its set, under the same id and
// number. One that is alone in its set gets it again: there is no other way to
// honour "resend".
func (s *Simulator) resend(d *delivery, not *channel) {
	if d.resent >= s.cfg.AckRetries {
		s.lose(d)
		return
	}
	ch := s.pick(d.sub, not)
	if ch == nil && not != nil && s.channels[not.id] == not {
		ch = not
	}
	if ch == nil {
		s.lose(d)
		return
	}
	d.resent++
	d.done = false
	s.stats.EventsResent++
	s.sendOn(d, ch)
}
