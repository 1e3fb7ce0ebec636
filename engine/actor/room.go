package actor

import "offhook/engine"

// Room is how much may still be stored. Whoever has the disk says so; everybody
// who takes something in asks.
type Room uint8

// How much room there is.
const (
	RoomEnough Room = iota
	RoomShort       // nothing new is taken; what is begun goes on
	RoomNone        // not even what can wait is written
)

// mostOwed is how many receipts are kept for facts that could not even be
// replaced by a mark. What is not kept is not settled: the provider takes that
// for a lost connection.
const mostOwed = 4096

func (d *Directory) room() Room {
	if d.cfg.Room == nil {
		return RoomEnough
	}
	return d.cfg.Room()
}

// stores reports whether a request may lead to records. Reading goes on when
// nothing can be stored.
func stores(in *engine.Input) bool {
	c := in.Command
	return c == nil || c.Verb != engine.VerbGet && c.Verb != engine.VerbList && c.Verb != engine.VerbGetConference
}

// miss drops a fact that there is no room for. As after an overflow a durable
// mark makes up for it, once for each subscriber however many facts come: it is
// far smaller than what they would lead to, and a provider that is not answered
// cuts off everybody. The subscriber is compared when there is room. Where even
// marks find none, nothing is settled. shard.mu is held.
func (e *entry) miss(receipt Receipt, room Room) {
	d := e.dir
	e.missed = true
	e.watch()
	d.cfg.Metrics.overflowed(1)
	if room == RoomNone {
		if receipt != nil && d.owed.Add(1) <= mostOwed {
			e.shard.owed[e] = append(e.shard.owed[e], receipt)
		} else if receipt != nil {
			d.owed.Add(-1)
		}
		return
	}
	settled := &mark{dir: d, receipts: append(e.takeOwed(), receipt)}
	if e.marked {
		d.cfg.Journal.Submit(0, 0, nil, nil, settled) // behind the mark, and no record
		return
	}
	e.marked = true
	d.cfg.Journal.Mark(0, 0, e.key, settled)
}

func (e *entry) takeOwed() []Receipt {
	owed := e.shard.owed[e]
	delete(e.shard.owed, e)
	e.dir.owed.Add(-int64(len(owed)))
	return owed
}

// makeUp compares a subscriber of whom facts were missed. shard.mu is held.
func (e *entry) makeUp() {
	d := e.dir
	if owed := e.takeOwed(); len(owed) > 0 {
		d.cfg.Journal.Mark(0, 0, e.key, &mark{dir: d, receipts: owed})
	}
	e.missed, e.marked = false, false
	e.controls = append(e.controls, control{in: engine.Input{Resync: true}})
	e.wake()
}
