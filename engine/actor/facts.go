package actor

import (
	"time"

	"offhook/engine"
)

// Deliver hands over what a provider told about one of its users. It never
// blocks and never refuses: what cannot wait becomes a durable mark that the
// subscriber must be compared, which settles the receipt as well.
func (d *Directory) Deliver(network, providerUser string, ev *engine.Event, receipt Receipt) {
	subscriber, err := d.whose(network, providerUser)
	if err != nil {
		return // the provider will tell again
	}
	if subscriber == "" {
		d.cfg.Metrics.event(engine.EventIgnored)
		if receipt != nil && !d.failed.Load() {
			// The user may be nobody's since a moment ago. Until that is durable a
			// crash makes it somebody's again, and then this was told to nobody.
			d.cfg.Journal.Submit(0, 0, nil, nil, &mark{dir: d, receipts: []Receipt{receipt}})
		}
		return
	}
	s, key := d.shard(subscriber)
	s.mu.Lock()
	if d.failed.Load() {
		s.mu.Unlock()
		return
	}
	e, f := d.entry(s, key, subscriber), fact{ev, receipt}
	room := d.room()
	if room == RoomEnough && e.take() {
		s.mu.Unlock()
		e.carry(func(b *batch) { e.fact(b, f) })
		return
	}
	defer s.mu.Unlock()
	if room != RoomEnough {
		e.miss(receipt, room)
		return
	}
	e.queue(f)
}

// queue has a fact wait for the owner. shard.mu is held.
func (e *entry) queue(f fact) {
	e.wake()
	if len(e.inbox.facts) == 0 { // from now on it is late what is not taken
		e.progress.Store(int64(time.Since(e.dir.born)))
	}
	select {
	case e.inbox.facts <- f:
		e.dir.cfg.Metrics.queued("facts", 1)
		e.watch()
	default:
		e.overflow(f.receipt)
	}
}

// Resync says that facts about a user may be lost: its calls are compared with
// the provider's.
func (d *Directory) Resync(network, providerUser string) {
	if subscriber, _ := d.whose(network, providerUser); subscriber != "" {
		d.compare(subscriber, false)
	}
}

// compare has a subscriber compared, once there is room for what comes of it.
// marked says that a durable mark asks for it.
func (d *Directory) compare(subscriber string, marked bool) {
	if d.room() == RoomEnough {
		d.control(subscriber, control{in: engine.Input{Resync: true}})
		return
	}
	s, key := d.shard(subscriber)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := d.entry(s, key, subscriber)
	e.marked = e.marked || marked
	e.missed = true
	e.watch()
}

func (d *Directory) whose(network, providerUser string) (subscriber string, err error) {
	if subscriber = d.users.find(network, providerUser); subscriber != "" {
		return subscriber, nil
	}
	subscriber, err = d.cfg.Store.UserOf(network, providerUser)
	if err != nil {
		d.cfg.Log.Error("provider user not looked up", "network", network, "err", err)
	}
	return subscriber, err
}

// control posts something that may not be refused to a subscriber.
func (d *Directory) control(subscriber string, c control) {
	s, key := d.shard(subscriber)
	s.mu.Lock()
	if d.failed.Load() {
		s.mu.Unlock()
		if c.done != nil {
			c.done()
		}
		return
	}
	defer s.mu.Unlock()
	e := d.entry(s, key, subscriber)
	e.controls = append(e.controls, c)
	e.wake()
}

// overflow drops the facts that wait and marks the subscriber instead. Their
// receipts are settled when the mark is durable. shard.mu is held.
func (e *entry) overflow(receipts ...Receipt) {
	d := e.dir
	for {
		select {
		case f := <-e.inbox.facts:
			d.cfg.Metrics.queued("facts", -1)
			receipts = append(receipts, f.receipt)
			continue
		default:
		}
		break
	}
	d.cfg.Metrics.overflowed(len(receipts))
	// The mark is submitted and the comparison queued under one lock: a step
	// that takes an earlier mark back was submitted before, or comes after it
	// has seen this one.
	d.cfg.Journal.Mark(0, 0, e.key, &mark{dir: d, receipts: receipts})
	e.controls = append(e.controls, control{in: engine.Input{Resync: true}})
	e.wake()
}

// mark waits for a mark to be durable, or for all that was before it.
type mark struct {
	dir      *Directory
	receipts []Receipt
}

func (m *mark) Done(_ uint64, err error) {
	if err != nil {
		m.dir.fail(err)
		return
	}
	for _, r := range m.receipts {
		settle(r)
	}
}

func settle(r Receipt) {
	if r != nil {
		r.Settle()
	}
}
