package engine

// openAsk is a request to the provider whose outcome has not come back.
type openAsk struct {
	id    uint64
	verb  Verb
	call  CallID
	since uint64 // Subscriber.inputs when it was asked
}

// ask sends one request about a call to the provider, once everything so far is
// durable.
func (st *step) ask(a Ask, call CallID) uint64 {
	st.nextAsk++
	a.ID, a.Network, a.User = st.nextAsk, st.Network, st.ProviderUser
	st.asks = append(st.asks, openAsk{id: a.ID, verb: a.Verb, call: call, since: st.inputs})
	st.out.Ask = append(st.out.Ask, a)
	return a.ID
}

// outcome takes what came back for an ask. One of an earlier life is unknown
// here and changes nothing.
func (st *step) outcome(o *Outcome) {
	for i := range st.asks {
		if st.asks[i].id != o.Ask {
			continue
		}
		a := st.asks[i]
		st.asks = append(st.asks[:i], st.asks[i+1:]...)
		st.traceOutcome(&a, o)
		switch a.verb {
		case VerbOriginate:
			st.originated(a, o)
		case VerbReadBack:
			st.readBack(a, o)
		case VerbSnapshot:
			st.polled(a, o)
		default:
			st.controlled(a, o)
		}
		return
	}
}

// due acts on every deadline that has passed.
func (st *step) due() {
	for i := 0; i < len(st.barriers); {
		if b := st.barriers[i]; b.deadline != 0 && st.now >= b.deadline {
			st.lift(b.call)
			continue
		}
		i++
	}
	if len(st.waiters) > 0 {
		st.waitersDue()
	}
	for i := range st.Calls {
		if c := &st.Calls[i]; c.checkAt != 0 && st.now >= c.checkAt {
			c.checkAt = 0
			st.expectNews(c)
			st.wantSnapshot()
		}
	}
	st.compareDue()
}

func (st *step) waitersDue() {
	st.answer(func(w *waiter) (Reply, bool) {
		late := w.dials() && st.now >= w.deadline
		if w.joined {
			return Reply{Err: &Error{Code: CodeKeyInProgress, Message: "the first request with this key is still being carried out"}}, late
		}
		return Reply{Err: &Error{Code: CodeOutcomeUnknown, Message: "the provider has not said yet whether the call was placed"}}, late
	})
	for i := range st.waiters {
		w := &st.waiters[i]
		if !w.expects() || st.now < w.deadline {
			continue
		}
		w.stage = stageReadBack
		if c := st.call(w.readOf(st.Subscriber)); c != nil && !st.reading(c.ID) {
			st.trace(Trace{Call: c.ID, Kind: TraceAsked, Verb: VerbReadBack})
			st.ask(Ask{Verb: VerbReadBack, ProviderID: c.ProviderID, Read: ofConference(w.verb)}, c.ID)
		}
	}
}

func (st *step) reading(id CallID) bool {
	for i := range st.asks {
		if st.asks[i].verb == VerbReadBack && st.asks[i].call == id {
			return true
		}
	}
	return false
}

// wake is the next deadline, or 0.
func (st *step) wake() int64 {
	var next int64
	sooner := func(t int64) {
		if t != 0 && (next == 0 || t < next) {
			next = t
		}
	}
	for i := range st.waiters {
		if w := &st.waiters[i]; w.expects() {
			sooner(w.deadline)
		}
	}
	for i := range st.barriers {
		sooner(st.barriers[i].deadline)
	}
	for i := range st.Calls {
		sooner(st.Calls[i].checkAt)
	}
	sooner(st.compare.wake())
	return next
}
