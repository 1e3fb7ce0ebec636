package engine

// trace notes one thing for the timeline of a call.
func (st *step) trace(t Trace) { st.out.traces = append(st.out.traces, t) }

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

// putTraces stores what was noted in this step, with all else that is stored.
func (st *step) putTraces() {
	if noted := st.out.traces[st.noted:]; len(noted) > 0 {
		st.out.Put = append(st.out.Put, Record{Kind: RecordTrace, Subscriber: st.Subscriber, Traces: noted})
	}
}
