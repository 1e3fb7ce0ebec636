package actor

import "offhook/engine/maybe"

// dozing are the subscribers who stay in memory for no other reason than that
// they were busy a moment ago: the next call of such a line reads nothing. They
// are entries like any other, found and changed as these. Whoever was busy
// longest ago makes room. It belongs to the shard's lock.
type dozing struct {
	newest, oldest *entry
	n              int
}

// doze keeps a subscriber that may be forgotten, and forgets another one where
// there are enough. shard.mu is held.
func (e *entry) doze() {
	q, most := &e.shard.dozing, e.dir.mostKept
	if most == 0 || e.sub.ID == "" || e.sub.Deleted || maybe.Now("actor: forgotten at once") { // as when others were busy
		e.forget()
		return
	}
	if q.n >= most {
		oldest := q.oldest
		oldest.rouse()
		oldest.forget()
	}
	e.shard.deadlines.drop(e)
	e.wakeAt = 0
	e.dozes, e.older = true, q.newest
	if q.newest != nil {
		q.newest.newer = e
	} else {
		q.oldest = e
	}
	q.newest = e
	q.n++
}

// rouse takes a subscriber out of the queue: it is awake, or may not be
// forgotten any more. shard.mu is held.
func (e *entry) rouse() {
	if !e.dozes {
		return
	}
	q := &e.shard.dozing
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		q.newest = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		q.oldest = e.newer
	}
	e.dozes, e.newer, e.older = false, nil, nil
	q.n--
}
