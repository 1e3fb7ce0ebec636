package actor

import (
	"time"

	"offhook/engine"
)

// Deliver hands over what a provider told about one of its users. It never
// blocks and never refuses: what cannot wait becomes a durable mark that the
// subscriber must be compared, which settles the receipt as well.
func (d *Directory) Deliver(network, providerUser string, ev *engine.Event, receipt Receipt) {
	e, err := d.whose(network, providerUser)
	if err != nil {
		return // the provider will tell again
	}
	if e == nil {
		d.cfg.Metrics.event(engine.EventIgnored)
		if receipt != nil && !d.failed.Load() {
			// The user may be nobody's since a moment ago. Until that is durable a
			// crash makes it somebody's again, and then this was told to nobody.
			d.cfg.Journal.Submit(0, 0, nil, nil, &mark{dir: d, receipts: []Receipt{receipt}})
		}
		return
	}
	f, room, s := fact{ev, receipt}, d.room(), e.shard
	switch {
	case d.failed.Load():
	case room != RoomEnough:
		e.miss(receipt, room)
	case e.take():
		s.mu.Unlock()
		e.carry(func(b *batch) { e.fact(b, f) })
		return
	default:
		e.queue(f)
	}
	s.mu.Unlock()
}

// queue has a fact wait for the owner. shard.mu is held.
func (e *entry) queue(f fact) {
	e.wake()
	if len(e.inbox.facts) == 0 { // from now on it is late what is not taken
		e.progress.Store(int64(time.Since(e.dir.born)))
	}
	select {
	case e.inbox.facts <- f:
		e.dir.cfg.Metrics.queuedFacts(1)
		e.watch()
	default:
		e.overflow(f.receipt)
	}
}

// Resync says that facts about a user may be lost: its calls are compared with
// the provider's.
func (d *Directory) Resync(network, providerUser string) {
	if e, _ := d.whose(network, providerUser); e != nil {
		e.compare(false)
		e.shard.mu.Unlock()
	}
}

// compare has the subscriber compared, once there is room for what comes of it.
// marked says that a durable mark asks for it. shard.mu is held.
func (e *entry) compare(marked bool) {
	if e.dir.room() == RoomEnough {
		e.must(control{in: engine.Input{Resync: true}})
		return
	}
	e.marked = e.marked || marked
	e.missed = true
	e.watch()
}

// whose returns the entry of a provider's user, with its shard locked; nil when
// it is nobody we know.
func (d *Directory) whose(network, providerUser string) (*entry, error) {
	if e := d.users.find(network, providerUser); e != nil {
		return e.lock(), nil
	}
	subscriber, err := d.cfg.Store.UserOf(network, providerUser)
	if err != nil {
		d.cfg.Log.Error("provider user not looked up", "network", network, "err", err)
	}
	if err != nil || subscriber == "" {
		return nil, err
	}
	return d.lock(subscriber), nil
}

// control posts something that may not be refused to a subscriber.
func (d *Directory) control(subscriber string, c control) {
	e := d.lock(subscriber)
	defer e.shard.mu.Unlock()
	e.must(c)
}

// overflow drops the facts that wait and marks the subscriber instead. Their
// receipts are settled when the mark is durable. shard.mu is held.
func (e *entry) overflow(receipts ...Receipt) {
	d := e.dir
	for {
		select {
		case f := <-e.inbox.facts:
			d.cfg.Metrics.queuedFacts(-1)
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
