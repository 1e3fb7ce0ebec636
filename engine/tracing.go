package engine

// trace notes one thing for the timeline of a call.
func (st *step) trace(t Trace) { st.out.traces = append(st.out.traces, t) }

// lastTrace is the last trace of this step if it is of the call, to fold more into it.
func (st *step) lastTrace(call CallID) *Trace {
	if n := len(st.out.traces); n > st.noted && st.out.traces[n-1].Call == call {
		return &st.out.traces[n-1]
	}
	return nil
}

// traceMove notes a transition.
func (st *step) traceMove(m *Move) {
	if t := st.lastTrace(m.Call); t != nil && t.Kind == TraceFact && t.To == StateNone && t.told == 0 && t.Synthetic == m.Synthetic {
		t.From, t.To, t.On = m.From, m.To, m.On
		return
	}
	st.trace(Trace{Call: m.Call, Kind: TraceMove, From: m.From, To: m.To, On: m.On, Synthetic: m.Synthetic})
}

// traceTold notes that the notification that comes next tells of the call.
func (st *step) traceTold(call CallID) {
	if t := st.lastTrace(call); t != nil && t.told < 255 {
		t.told++
		return
	}
	st.trace(Trace{Call: call, Kind: TraceTold, told: 1})
}

// traceAll notes it for each call that a command is about.
func (st *step) traceAll(w *waiter, t Trace) {
	if w.call != 0 {
		t.Call = w.call
		st.trace(t)
	}
	for _, id := range w.with {
		t.Call = id
		st.trace(t)
	}
}

// traceFact notes what the provider said of a call.
func (st *step) traceFact(c *Call, f *Fact, kind EventKind, synthetic bool) {
	st.trace(Trace{Call: c.ID, Kind: TraceFact, Event: kind, Status: f.Status, Synthetic: synthetic, Number: uint64(st.sequence)})
}

// traceOutcome notes how a command went at the provider.
func (st *step) traceOutcome(a *openAsk, o *Outcome) {
	t := Trace{Kind: TraceOutcome, Verb: a.verb, Outcome: o.Kind}
	for i := range st.waiters {
		if w := &st.waiters[i]; w.ask == a.id && !w.joined {
			st.traceAll(w, t)
			return
		}
	}
	if a.call != 0 {
		t.Call = a.call
		st.trace(t)
	}
}
