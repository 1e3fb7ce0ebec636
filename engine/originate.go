package engine

// originate opens an intent and, once that is durable, has the call dialled; so
// does retrieve, whose call takes back a parked one. calls/new is never repeated,
// by us or after a crash (design §4).
func (st *step) originate(cmd *Command) {
	o := cmd.Originate
	if o.Key != "" {
		if in := st.remembered(cmd.App, o); in != nil {
			st.replay(cmd, in)
			return
		}
	}
	if !st.platform.verbs().Has(cmd.Verb) {
		st.reply(Reply{Token: cmd.Token, Err: notSupported(cmd.Verb)})
		return
	}
	if !o.Dialing.Same(o.SubscriberNumber, st.Number) && (st.Extension == "" || o.SubscriberNumber != st.Extension) {
		st.reply(Reply{Token: cmd.Token, Err: &Error{
			Code: CodeNumberNotAllowed, Field: "subscriber_number", Message: "this is not the subscriber's number or extension",
		}})
		return
	}
	remote, check := o.RemoteNumber, (*Dialing).Check
	if cmd.Verb == VerbRetrieve { // the extension, until the platform says who it is
		remote, check = o.Extension, (*Dialing).Retrieval
	}
	dialled, err := check(o.Dialing, remote)
	if err != nil {
		st.reply(Reply{Token: cmd.Token, Err: err})
		return
	}
	in := Intent{
		Call: st.random.callID(st.slot()), App: cmd.App, Key: o.Key, BodyHash: o.BodyHash, Dialed: dialled,
		SubscriberNumber: o.SubscriberNumber, RemoteNumber: remote,
		SubscriberName: o.SubscriberName, RemoteName: o.RemoteName, ClientRef: o.ClientRef, OpenedAt: st.now,
	}
	st.Intents = append(st.Intents, in)
	st.rewrite()
	st.out.Put = append(st.out.Put, Record{Kind: RecordIntent, Subscriber: st.Subscriber, Intent: &in})
	st.barriers = append(st.barriers, barrier{app: cmd.App, call: in.Call})
	st.trace(Trace{Call: in.Call, Kind: TraceCommand, App: cmd.App, Verb: cmd.Verb})
	st.trace(Trace{Call: in.Call, Kind: TraceAsked, Verb: VerbOriginate})
	st.waitFor(cmd, in.Call, false)
	st.ask(Ask{Verb: VerbOriginate, Number: dialled}, in.Call)
}

func (st *step) waitFor(cmd *Command, id CallID, joined bool) {
	st.waiters = append(st.waiters, waiter{
		token: cmd.Token, verb: cmd.Verb, app: cmd.App, call: id, deadline: st.now + st.config.OriginateIn, joined: joined,
	})
}

// remembered finds what an idempotency key (scope: app, subscriber) stands for.
func (st *step) remembered(app string, o *Originate) *Intent {
	for i := range st.Intents {
		if in := &st.Intents[i]; in.App == app && in.Key == o.Key {
			return in
		}
	}
	return o.Settled
}

// replay answers a repeated request with what became of the first. It never dials.
func (st *step) replay(cmd *Command, in *Intent) {
	switch {
	case in.BodyHash != cmd.Originate.BodyHash:
		st.refuse(cmd.Token, CodeKeyReused, "the idempotency key was used for a different request")
	case in.Open() && st.dialing(in.Call):
		st.waitFor(cmd, in.Call, true)
	case in.Open():
		st.refuse(cmd.Token, CodeOutcomeUnknown, "whether the call was placed is not known yet")
	case in.Refusal != "":
		st.reply(Reply{Token: cmd.Token, Replay: true, Err: &Error{Code: in.Refusal, Message: "the call was not placed"}})
	default:
		c := st.intended(in)
		c.State, c.Phase, c.CreatedAt = StateRinging, PhaseAlertingSelf, in.OpenedAt
		c.Can = st.can(&c)
		if live := st.call(in.Call); live != nil {
			c = *live
		}
		st.reply(Reply{Token: cmd.Token, Replay: true, Call: c})
	}
}

func (st *step) dialing(id CallID) bool {
	for i := range st.asks {
		if st.asks[i].verb == VerbOriginate && st.asks[i].call == id {
			return true
		}
	}
	return false
}

// intended is the call an intent is about, before anything was heard of it.
func (st *step) intended(in *Intent) Call {
	c := Call{
		ID: in.Call, Direction: Outgoing, Personality: ClickToDial, Origin: in.App, CreatedAt: st.now,
		SubscriberNumber: in.SubscriberNumber, SubscriberName: in.SubscriberName,
		RemoteNumber: in.RemoteNumber, RemoteName: in.RemoteName, Session: in.Session,
	}
	if in.ClientRef != "" {
		c.More = &More{ClientRef: in.ClientRef}
	}
	return c
}

// originated takes the provider's answer to a dial request.
func (st *step) originated(a openAsk, o *Outcome) {
	in := st.intent(a.call)
	if in == nil {
		return
	}
	switch o.Kind {
	case OutcomeAccepted:
		st.placed(in, &o.Fact)
	case OutcomeRefused, OutcomeGone:
		st.notPlaced(in, &Error{Code: CodeProviderError, Message: because("the provider refused the call", o.Detail)})
	case OutcomeNotSent:
		st.out.Put = append(st.out.Put, Record{Kind: RecordNoIntent, Subscriber: st.Subscriber, Intent: in.asItIs()})
		st.unanswered(in.Call, &Error{Code: CodeProviderUnavailable, Message: "the provider cannot be reached; the call was not placed"})
		st.dropIntent(in.Call)
	default:
		if c := st.call(in.Call); c != nil { // its event came first
			in.Session = c.Session
			st.settleIntent(in, "")
			st.accepted(in, c)
			return
		}
		if st.endedIntent(in, &o.Fact) {
			return
		}
		st.compare.doubt = st.inputs
		st.unanswered(in.Call, &Error{Code: CodeOutcomeUnknown, Message: "the provider did not say whether the call was placed; it will not be dialled again"})
		st.wantSnapshot()
	}
}

// placed: the ids of the new call are a fact, and make the call.
func (st *step) placed(in *Intent, f *Fact) {
	c := st.call(in.Call)
	if c == nil {
		// The event may have come first, and found a number it could not tell.
		for i := range st.Calls {
			if st.Calls[i].ProviderID == f.ProviderID && f.ProviderID != "" && st.Calls[i].Origin == "" {
				c = &st.Calls[i]
			}
		}
	}
	if c == nil && st.endedIntent(in, f) {
		return
	}
	if c == nil {
		nc := st.intended(in)
		nc.ProviderID, nc.TrackingID, nc.touched = f.ProviderID, f.TrackingID, st.inputs
		nc.Session = sessionOf(st.Network, f.TrackingID, nc.ID)
		nc.checkAt = st.now + st.config.Confirm
		st.Calls = append(st.Calls, nc)
		c = &st.Calls[len(st.Calls)-1]
		is := st.enter(c, row{verdict: begin, to: StateRinging}, OnAlerting, EventOriginating, nil)
		st.out.Put = append(st.out.Put, Record{Kind: RecordCall, Subscriber: st.Subscriber, Call: is})
	}
	if c.Origin = in.App; in.ClientRef != "" && (c.More == nil || c.More.ClientRef != in.ClientRef) {
		c.alter().ClientRef = in.ClientRef
	}
	st.accepted(in, c)
	in.Call, in.Session = c.ID, c.Session // a repeat of the key answers with the id the 201 had
	st.settleIntent(in, "")
}

// endedIntent settles a call that came and went before its dial request was
// answered: its id is known, and it is over.
func (st *step) endedIntent(in *Intent, f *Fact) bool {
	for i := range st.Ended {
		if e := &st.Ended[i]; e.ID == in.Call || e.ProviderID == f.ProviderID && f.ProviderID != "" {
			c := st.intended(in)
			c.ID, c.ProviderID, c.TrackingID, c.Session = e.ID, e.ProviderID, e.TrackingID, e.session(st.Network)
			c.State, c.Phase, c.ReleasedAt = StateReleased, PhaseReleased, e.ReleasedAt
			st.accepted(in, &c)
			in.Call, in.Session = c.ID, c.Session
			st.settleIntent(in, "")
			return true
		}
	}
	return false
}

// accepted hands out the 201. The barrier opens when its bytes are on the way,
// and at the latest some time after they could have been.
func (st *step) accepted(in *Intent, c *Call) {
	first := true
	st.answer(func(w *waiter) (Reply, bool) {
		if !w.dials() || w.call != in.Call {
			return Reply{}, false
		}
		r := Reply{Call: *c, Replay: !first, Holds: first}
		first = false
		return r, true
	})
	for i := range st.barriers {
		if b := &st.barriers[i]; b.call == in.Call {
			if b.call = c.ID; first {
				b.deadline = st.now // nobody waits for a 201 any more
			}
		}
	}
}

// notPlaced settles an intent without a call.
func (st *step) notPlaced(in *Intent, why *Error) {
	st.settleIntent(in, why.Code)
	st.unanswered(in.Call, why)
}

// unanswered refuses everybody who waits for the call's 201; there will be none.
func (st *step) unanswered(id CallID, why *Error) {
	st.answer(func(w *waiter) (Reply, bool) {
		return Reply{Err: why}, w.dials() && w.call == id
	})
	st.lift(id)
}

func (st *step) settleIntent(in *Intent, refusal Code) {
	if !in.Open() {
		return
	}
	in.SettledAt, in.Refusal, in.set = st.now, refusal, 0
	st.rewrite()
	st.out.Put = append(st.out.Put, Record{Kind: RecordIntent, Subscriber: st.Subscriber, Intent: in.asItIs()})
}

// settleIntents decides the originates of unknown outcome that a snapshot does
// or does not show. Only a later one proves that there is no call.
func (st *step) settleIntents(later bool) {
	for i := range st.Intents {
		in := &st.Intents[i]
		switch {
		case !in.Open() || st.dialing(in.Call):
		case st.call(in.Call) != nil, st.endedIntent(in, &Fact{}):
			st.settleIntent(in, "")
		case later:
			st.settleIntent(in, CodeProviderError)
		}
	}
}

func (st *step) intent(id CallID) *Intent {
	for i := range st.Intents {
		if st.Intents[i].Call == id {
			return &st.Intents[i]
		}
	}
	return nil
}

func (st *step) dropIntent(id CallID) {
	for i := range st.Intents {
		if st.Intents[i].Call == id {
			st.Intents = append(st.Intents[:i], st.Intents[i+1:]...)
			st.rewrite()
			return
		}
	}
}
