package engine

// What was read of a call may be ahead of its events, where these are late. They
// come in the order in which things happened (dossier §3.6), and each for itself
// would take the call back to where it was, and confirm a command of now with what
// an earlier one did. So a call counts the changes that were read before an event
// told of them: they are active and held in turn, and the last is where it is now.

// hushed is how long after the first such event, in ms, the provider is asked
// whether the call is where we think: it may have been of a change nobody read.
const hushed = 2000

// silent is for how long, in ms, more of these events may be on their way. Then
// those that are missing were lost, and never come.
const silent = 30000

// read absorbs what was read of a call, which is as of now. Pointers into Calls are
// void after it.
func (st *step) read(c *Call, f *Fact, kind EventKind) {
	id, from := c.ID, c.State
	st.absorb(c, f, kind, true)
	if c = st.call(id); c != nil {
		c.foretold(from, st.now)
	}
}

// foretold counts what a call that was in state from did until it was read.
func (c *Call) foretold(from State, now int64) {
	changes := uint8(0)
	switch {
	case c.State == from || !c.State.Live():
		return
	case from == StateRinging && c.State == StateHeld: // it was answered in between
		changes = 2
	default:
		changes = 1
	}
	if c.echoes += changes; c.echoes > 250 { // before the byte comes round
		c.echoes = 0
	}
	c.echoed = now
}

// echo reports whether an event, or a snapshot among them, tells of what was read
// before, or of the time before that, and so of nothing that is still true.
func (st *step) echo(c *Call, f *Fact, kind EventKind, on Trigger) bool {
	told := StateNone
	switch on {
	case OnAlerting, OnCollecting:
		told = StateRinging
	case OnActive, OnRemoteHeld:
		told = StateActive
	case OnHeld:
		told = StateHeld
	default:
		return false
	}
	if st.now-c.echoed >= silent || kind == EventParkRetrieved { // which nothing that was read has told
		c.echoes, c.touched = 0, st.inputs
		return false
	}
	next := c.State
	if c.echoes%2 == 0 {
		next = StateActive + StateHeld - c.State
	}
	switch {
	case told == next:
		c.echoed = st.now
		if c.echoes--; c.echoes == 0 {
			return false // the last of them agrees, and may tell more
		}
	case kind == EventHeld || kind == EventRetrieved || kind == EventAnswered:
		c.echoes, c.touched = 0, st.inputs // another change than those that were read: these are never told
		return false
	}
	st.traceFact(c, f, kind, kind == EventSnapshot)
	if at := st.now + hushed; c.checkAt == 0 || at < c.checkAt {
		c.checkAt = at // whatever follows does not put it off
	}
	return true
}

// hush forgets what events are still to tell: those that were skipped may have, and
// those of another subscription do not.
func (st *step) hush() {
	for i := range st.Calls {
		st.Calls[i].echoes = 0
	}
}
