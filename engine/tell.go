package engine

// barrier holds back one app's stream of this subscriber from the moment its
// originate is open until the app was handed the call id: the id before the
// event (design §2.5, §4).
type barrier struct {
	app      string
	call     CallID
	deadline int64 // when it opens by itself; zero while the outcome, or the disk, is awaited
}

// tell records one transition for one app: as a numbered notification, or, if
// the app still waits for a 201, for later. Effects keeps c.
func (st *step) tell(t *Stream, c *Call) {
	if st.passes(t, c) {
		st.tellAs(typeState, t, c)
	}
}

// tellAs is tell for what passed the app's filter.
func (st *step) tellAs(typ string, t *Stream, c *Call) {
	if !st.barred(t.App) {
		st.emit(typ, t, c, st.now)
		return
	}
	d := Deferred{Call: *c, Time: st.now}
	if typ != typeState {
		d.Type = typ
	}
	t.Deferred = append(t.Deferred, d)
	st.rewrite()
}

// detail tells the apps that want to know of a change that is none of state.
// A barrier holds it back as it does a transition. Effects keeps c.
func (st *step) detail(c *Call, typ string) {
	for i := range st.Streams {
		t := &st.Streams[i]
		if w := st.wanted(t.App); t.Linked && w != nil && w.Extended && st.passes(t, c) {
			st.tellAs(typ, t, c)
		}
	}
}

// passes reports whether the app's filter lets it be told of the call.
func (st *step) passes(t *Stream, c *Call) bool {
	w := st.wanted(t.App)
	return w == nil || w.Filter.Empty() || w.Filter.Passes(Fold(st.ID), c)
}

func (st *step) wanted(app string) *Wants {
	if st.wants == nil {
		return nil
	}
	return st.wants(app)
}

func (st *step) emit(typ string, t *Stream, c *Call, at int64) {
	t.Calls++
	st.traceTold(c.ID)
	st.out.Emit = append(st.out.Emit, Notification{
		App: t.App, Subscriber: st.ID, Kind: StreamCalls, Sequence: t.Calls, Call: c.ID, State: c.State, Time: at,
		typ: typ, id: st.random.eventID(), profile: st.Shown(), call: c,
	})
}

func (st *step) barred(app string) bool {
	for i := range st.barriers {
		if st.barriers[i].app == app {
			return true
		}
	}
	return false
}

// handed starts the time that a 201 has to be written in. Before, it waited for
// the disk, however long: an event behind it would have left at the same moment.
func (st *step) handed(id CallID) {
	for i := range st.barriers {
		if b := &st.barriers[i]; b.call == id && b.deadline == 0 {
			b.deadline = st.now + st.config.Barrier
		}
	}
}

// lift opens the barrier of a call.
func (st *step) lift(id CallID) {
	for i := range st.barriers {
		if st.barriers[i].call != id {
			continue
		}
		app := st.barriers[i].app
		st.barriers = append(st.barriers[:i], st.barriers[i+1:]...)
		if !st.barred(app) {
			if t := st.Stream(app); t != nil {
				st.release(t)
			}
		}
		return
	}
}

// release numbers what was held back.
func (st *step) release(t *Stream) {
	if len(t.Deferred) == 0 {
		return
	}
	for i := range t.Deferred {
		d := &t.Deferred[i]
		typ := d.Type
		if typ == "" {
			typ = typeState
		}
		st.emit(typ, t, st.out.call(&d.Call), d.Time)
	}
	t.Deferred = nil
	st.rewrite()
}
