package engine

// command carries out, or refuses, what an app asks.
func (st *step) command(cmd *Command) {
	if !st.LinkedTo(cmd.App) {
		st.refuse(cmd.Token, CodeNotFound, "no such subscriber")
		return
	}
	switch cmd.Verb {
	case VerbOriginate, VerbRetrieve:
		st.originate(cmd)
		return
	case VerbList:
		st.reply(Reply{Token: cmd.Token, Calls: append([]Call(nil), st.Calls...)})
		return
	case VerbGetConference, VerbEndConference, VerbMute, VerbUnmute, VerbDeaf, VerbUndeaf:
		if st.Conference == nil || st.Conference.ID != cmd.Conference {
			st.gone(cmd, "no such conference")
			return
		}
	}
	switch cmd.Verb {
	case VerbGetConference:
		st.reply(Reply{Token: cmd.Token, Conference: st.ViewConference()})
		return
	case VerbEndConference:
		st.carryOut(cmd, nil)
		return
	}
	c := st.call(cmd.Call)
	switch {
	case c == nil:
		st.gone(cmd, "no such call")
	case cmd.Verb == VerbGet:
		st.reply(Reply{Token: cmd.Token, Call: *c})
	case cmd.Verb >= numVerbs || rules[cmd.Verb].states == 0:
		st.refuse(cmd.Token, CodeInvalidField, "unknown command")
	default:
		st.carryOut(cmd, c)
	}
}

// gone refuses a command about what is not, or not any more.
func (st *step) gone(cmd *Command, message string) {
	st.out.Reply = append(st.out.Reply, Reply{
		Token: cmd.Token, Gone: true, Err: &Error{Code: CodeNotFound, Message: message},
	})
}

// carryOut has a verb of a call, or of the whole conference, carried out; or
// says why not.
func (st *step) carryOut(cmd *Command, c *Call) {
	w := waiter{
		token: cmd.Token, verb: cmd.Verb, app: cmd.App, deadline: st.now + st.config.Confirm,
		conference: cmd.Conference, clientRef: cmd.ClientRef,
	}
	if c != nil {
		w.call = c.ID
	}
	why := st.told(&w, cmd, c)
	st.traceAll(&w, Trace{Kind: TraceCommand, App: w.app, Verb: w.verb})
	if why == nil {
		var joins bool
		if why, joins = st.pending(&w); joins {
			return
		}
	}
	if why == nil && c != nil {
		why = st.against(&w, c)
	}
	if why != nil {
		st.traceAll(&w, Trace{Kind: TraceReply, App: w.app, Verb: w.verb, Code: why.Code})
		st.reply(Reply{Token: cmd.Token, Err: why})
		return
	}
	a := Ask{Verb: w.verb, Number: w.number}
	if c != nil {
		a.ProviderID = c.ProviderID
		for _, id := range w.with {
			a.With = append(a.With, st.call(id).ProviderID)
		}
	}
	w.ask = st.ask(a, w.call)
	st.traceAll(&w, Trace{Kind: TraceAsked, Verb: w.verb})
	st.waiters = append(st.waiters, w)
}

// told completes the waiter with what the provider will be told, or says what is
// wrong with the command whatever the call is doing.
func (st *step) told(w *waiter, cmd *Command, c *Call) (why *Error) {
	switch rules[w.verb].takes {
	case takesNumber:
		w.number, why = cmd.Dialing.Check(cmd.Number)
	case takesExtension:
		if w.number = cmd.Number; w.number != "" && !parkable(w.number) {
			why = errExtension
		}
	case takesDigits:
		if w.number = cmd.Number; !sendable(w.number) {
			why = &Error{Code: CodeInvalidField, Field: "digits", Message: "1 to 64 of 0-9, *, # and A-D can be sent"}
		}
	case takesCall:
		w.with, why = st.others(c, cmd.With, 1, "with_call_id")
	case takesCalls:
		w.with, why = st.others(c, cmd.With, maxConference-1, "call_ids")
	}
	if w.verb == VerbEndConference {
		w.with = st.members()
	}
	if !st.platform.verbs().Has(w.verb) {
		return notSupported(w.verb)
	}
	return why
}

// maxConference bounds the calls of a conference that is asked for.
const maxConference = 15

func notSupported(v Verb) *Error {
	return &Error{Code: CodeNotSupported, Message: "the subscriber's network cannot be asked for " + v.String()}
}

// others are the calls that a command names beside its own.
func (st *step) others(c *Call, with []CallID, most int, field string) ([]CallID, *Error) {
	invalid := func(why string) ([]CallID, *Error) {
		return nil, &Error{Code: CodeInvalidField, Field: field, Message: why}
	}
	if len(with) == 0 || len(with) > most {
		return invalid("too few calls, or too many")
	}
	for i, id := range with {
		switch {
		case id == c.ID || has(with[:i], id):
			return invalid("a call cannot be joined with itself")
		case st.call(id) != nil:
		case st.isOver(id):
			return nil, &Error{Code: CodeWrongState, Message: "one of the calls is over", State: StateReleased}
		default:
			return nil, &Error{Code: CodeNotFound, Message: "no such call"}
		}
	}
	return append([]CallID(nil), with...), nil
}

// pending says whether an earlier command stands in the way. If it is the same,
// this one came in with it.
func (st *step) pending(w *waiter) (why *Error, joins bool) {
	for i := range st.waiters {
		o := &st.waiters[i]
		if o.dials() || !o.meets(w) {
			continue
		}
		if o.same(w) { // the same wish twice is one command
			in := *o
			in.token, in.app, in.joined = w.token, w.app, true
			st.waiters = append(st.waiters, in)
			return nil, true
		}
		if w.verb != VerbEnd && w.verb != VerbEndConference {
			return &Error{Code: CodeCommandPending, Message: "another command on this call is not confirmed yet"}, false
		}
	}
	return nil, false
}

// against is gate of all the calls that a command is about.
func (st *step) against(w *waiter, c *Call) *Error {
	if why := st.gate(w.verb, c); why != "" {
		return &Error{Code: CodeWrongState, Message: why, State: c.State}
	}
	for _, id := range w.with {
		switch o := st.call(id); {
		case w.verb == VerbConsult && !consultable(o):
			return &Error{Code: CodeWrongState, Message: "the other call is not active, held or dialing", State: o.State}
		case w.verb == VerbConference && o.conference() != 0:
			return &Error{Code: CodeWrongState, Message: "one of the calls is in a conference already", State: o.State}
		case w.verb == VerbConference && !joinable(o):
			return &Error{Code: CodeWrongState, Message: rules[VerbConference].not, State: o.State}
		}
	}
	return nil
}

func (st *step) reply(r Reply) {
	if r.Token == 0 {
		return
	}
	if r.Err == nil {
		r.Profile = st.Shown()
	}
	st.out.Reply = append(st.out.Reply, r)
}

func (st *step) refuse(token uint64, code Code, message string) {
	st.reply(Reply{Token: token, Err: &Error{Code: code, Message: message}})
}
