package actor

import "time"

// watch has the janitor look after an entry that has facts waiting, or of whom
// facts were missed. shard.mu is held.
func (e *entry) watch() {
	e.rouse()
	if !e.watched {
		e.watched = true
		e.shard.watched = append(e.shard.watched, e)
	}
}

// janitor sees to it that no fact waits undecided for long: where an owner
// stands still, its facts become a mark. It has those compared of whom facts
// were missed, too, once there is room.
func (d *Directory) janitor() {
	tick := time.NewTicker(janitorEvery)
	defer tick.Stop()
	for at := 0; ; at = (at + tidied) % shards {
		select {
		case <-d.stop:
			return
		case now := <-tick.C:
			for i := range d.shards {
				d.relieve(&d.shards[i], now)
			}
			for i := range tidied {
				d.shards[at+i].tidy()
			}
		}
	}
}

func (d *Directory) relieve(s *shard, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.watched) == 0 || d.failed.Load() {
		return
	}
	room := d.room()
	still := s.watched[:0]
	for _, e := range s.watched {
		if e.missed && room == RoomEnough {
			e.makeUp()
		}
		waits := e.inbox != nil && len(e.inbox.facts) > 0
		if waits && now.Sub(d.born)-time.Duration(e.progress.Load()) > d.cfg.FactWait {
			e.overflow()
			waits = false
		}
		if e.watched = waits || e.missed; e.watched {
			still = append(still, e)
		}
	}
	clear(s.watched[len(still):])
	s.watched = still
}
