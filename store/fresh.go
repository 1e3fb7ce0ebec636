package store

import (
	"sync"

	"offhook/engine"
)

// usualFresh is how much memory there is for events that are about to be
// delivered: some thousands.
const usualFresh = 4 << 20

// freshCost is what a freshEvent takes beside its id and its body.
const freshCost = 400

// fresh has copies of events that became durable a moment ago and wait for
// delivery. Nearly all leave at once: they need not be read back then. Only
// what waits on disk is in here, as it is there; whoever asks for what is not in here
// reads it. When there is no room, the oldest goes: its receiver is late.
type fresh struct {
	room int // bytes

	mu             sync.Mutex
	by             map[place]*freshEvent
	oldest, newest *freshEvent
	size           int // of all, in bytes
}

// place is an event's in its stream.
type place struct {
	stream   engine.StreamID
	sequence uint64
}

type freshEvent struct {
	engine.StoredEvent        // before it is numbered, Index counts the events of its submission
	folded             string // whose it is
	older, newer       *freshEvent
}

func (e *freshEvent) place() place {
	return place{engine.StreamID{App: e.App, Subscriber: e.folded, Kind: e.Kind}, e.Sequence}
}

func (e *freshEvent) size() int { return freshCost + len(e.EventID) + len(e.Body) }

var freshEvents = sync.Pool{New: func() any { return new(freshEvent) }}

func newFresh(room int) *fresh { return &fresh{room: max(room, 0), by: map[place]*freshEvent{}} }

// add takes over what a group made durable. It has to be there before anybody
// is shown that it is durable: who was can be quick to say that it was delivered.
func (f *fresh) add(group []*submission, last uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range group {
		for _, e := range s.fresh {
			e.Index += last
			f.push(e)
		}
		clear(s.fresh)
		s.fresh = s.fresh[:0]
		last += uint64(s.events) // #nosec G115 -- a count
	}
	for f.size > f.room {
		f.remove(f.oldest)
	}
}

func (f *fresh) push(e *freshEvent) {
	at := e.place()
	if old := f.by[at]; old != nil {
		f.remove(old)
	}
	f.by[at] = e
	if e.older = f.newest; e.older != nil {
		e.older.newer = e
	} else {
		f.oldest = e
	}
	f.newest = e
	f.size += e.size()
}

func (f *fresh) remove(e *freshEvent) {
	delete(f.by, e.place())
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		f.oldest = e.newer
	}
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		f.newest = e.older
	}
	f.size -= e.size()
	*e = freshEvent{}
	freshEvents.Put(e)
}

// get copies an event into ev. Its id and body are never changed.
func (f *fresh) get(stream engine.StreamID, sequence uint64, ev *engine.StoredEvent) (found bool) {
	stream.Subscriber = engine.Fold(stream.Subscriber)
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.by[place{stream, sequence}]
	if e == nil {
		return false
	}
	*ev = e.StoredEvent
	return true
}

// forget lets go of an event that waits no more.
func (f *fresh) forget(stream engine.StreamID, sequence uint64) {
	stream.Subscriber = engine.Fold(stream.Subscriber)
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.by[place{stream, sequence}]; e != nil {
		f.remove(e)
	}
}

// drop lets go of all events that which says. It goes through everything, so it
// is for what is rare.
func (f *fresh) drop(which func(*freshEvent) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for e := f.oldest; e != nil; {
		next := e.newer
		if which(e) {
			f.remove(e)
		}
		e = next
	}
}
