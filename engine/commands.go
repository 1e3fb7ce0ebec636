package engine

// waiter is one request that waits for its command to be confirmed by an
// event. It exists before the provider is asked.
type waiter struct {
	token    uint64
	verb     Verb
	app      string
	call     CallID
	deadline int64 // see expects
	stage    stage
	refused  bool   // the provider said no
	detail   string // and why, in its words
	joined   bool   // an earlier request wanted the same; this one came in with it
	ask      uint64 // what the provider was asked; see openAsk

	number     string   // as the provider was told it, see Ask.Number
	with       []CallID // the other calls it is about
	conference ConferenceID
	clientRef  string // conference: the app's name for it
}

// stage is how far a waiting command got.
type stage uint8

const (
	stageAsked    stage = iota // the provider was asked and has not answered
	stageAccepted              // it will be done: the event is awaited
	stageRefused               // it will not be done: an event may say why
	stageReadBack              // no event came: the call is read
)

// expects reports whether something has to come by the deadline: the outcome of
// a dial request, or the event that confirms a command. A command whose own
// outcome is open may still wait for its turn at the provider: nobody can say
// yet that it was taken, and its outcome always comes.
func (w *waiter) expects() bool {
	return w.verb == VerbOriginate || w.stage == stageAccepted || w.stage == stageRefused
}

// command carries out, or refuses, what an app asks.
func (st *step) command(cmd *Command) {
	if !st.LinkedTo(cmd.App) {
		st.refuse(cmd.Token, CodeNotFound, "no such subscriber")
		return
	}
	switch cmd.Verb {
	case VerbOriginate:
		st.originate(cmd)
		return
	case VerbList:
		st.reply(Reply{Token: cmd.Token, Calls: append([]Call(nil), st.Calls...)})
		return
	}
	c := st.call(cmd.Call)
	if c == nil {
		st.out.Reply = append(st.out.Reply, Reply{
			Token: cmd.Token, Gone: true, Err: &Error{Code: CodeNotFound, Message: "no such call"},
		})
		return
	}
	switch cmd.Verb {
	case VerbGet:
		st.reply(Reply{Token: cmd.Token, Call: *c})
	case VerbAnswer, VerbHold, VerbResume, VerbEnd:
		st.control(cmd, c)
	default:
		st.refuse(cmd.Token, CodeInvalidField, "unknown command")
	}
}

func (st *step) control(cmd *Command, c *Call) {
	w := waiter{token: cmd.Token, verb: cmd.Verb, app: cmd.App, call: c.ID, deadline: st.now + st.config.Confirm}
	for i := range st.waiters {
		open := &st.waiters[i]
		if open.call != c.ID || open.verb == VerbOriginate {
			continue
		}
		if open.verb == cmd.Verb { // the same wish twice is one command
			w.deadline, w.stage, w.refused, w.detail, w.joined = open.deadline, open.stage, open.refused, open.detail, true
			st.waiters = append(st.waiters, w)
			return
		}
		if cmd.Verb != VerbEnd {
			st.refuse(cmd.Token, CodeCommandPending, "another command on this call is not confirmed yet")
			return
		}
	}
	if why := gate(cmd.Verb, c); why != "" {
		st.reply(Reply{Token: cmd.Token, Err: &Error{Code: CodeWrongState, Message: why, State: c.State}})
		return
	}
	st.waiters = append(st.waiters, w)
	st.ask(cmd.Verb, c.ID, c.ProviderID, "")
}

// gate is what state and direction say of a command: why not, or nothing.
func gate(v Verb, c *Call) string {
	switch v {
	case VerbAnswer:
		switch {
		case c.State != StateRinging:
			return "only a ringing call can be answered"
		case c.Direction != Incoming && c.Personality != ClickToDial:
			return "an outgoing call is answered by the far end"
		}
	case VerbHold:
		if c.State != StateActive {
			return "only an active call can be held"
		}
	case VerbResume:
		if c.State != StateHeld {
			return "only a held call can be resumed"
		}
	}
	return ""
}

// reached reports whether the call is where the command wants it.
func reached(v Verb, c *Call) bool {
	switch v {
	case VerbAnswer:
		return c.State == StateActive || c.State == StateHeld ||
			c.Direction == Outgoing && c.State == StateRinging && c.Personality == Originator
	case VerbHold:
		return c.State == StateHeld
	case VerbResume:
		return c.State == StateActive
	case VerbEnd:
		return c.State == StateReleased
	}
	return false
}

// confirm answers the commands that a change of the call decides.
func (st *step) confirm(c *Call) {
	st.answer(func(w *waiter) (Reply, bool) {
		switch {
		case w.call != c.ID || w.verb == VerbOriginate:
			return Reply{}, false
		case reached(w.verb, c):
			return Reply{Call: *c}, true
		case c.State == StateReleased:
			return Reply{Err: &Error{Code: CodeWrongState, Message: "the call was released meanwhile", State: StateReleased}}, true
		}
		return Reply{}, false
	})
}

// answer replies to the waiters that decide settles, and keeps the others.
func (st *step) answer(decide func(w *waiter) (Reply, bool)) {
	if len(st.waiters) == 0 {
		return
	}
	keep := st.waiters[:0]
	for i := range st.waiters {
		if r, done := decide(&st.waiters[i]); done {
			r.Token = st.waiters[i].token
			st.reply(r)
			continue
		}
		keep = append(keep, st.waiters[i])
	}
	clear(st.waiters[len(keep):])
	st.waiters = keep
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

// controlled takes the provider's answer to answer, hold, resume or end.
func (st *step) controlled(a openAsk, o *Outcome) {
	for i := range st.waiters {
		w := &st.waiters[i]
		if w.call != a.call || w.verb != a.verb || w.stage != stageAsked {
			continue
		}
		switch o.Kind {
		case OutcomeAccepted:
			w.stage, w.deadline = stageAccepted, st.now+st.config.Confirm
		case OutcomeUnknown: // its event had that long to come
			w.stage = stageAccepted
		case OutcomeRefused, OutcomeGone:
			// Perhaps the call changed while we asked: the event that says so
			// explains the refusal better than any code.
			w.stage, w.refused, w.detail, w.deadline = stageRefused, true, o.Detail, st.now+st.config.Refused
		}
	}
	if o.Kind == OutcomeNotSent {
		st.answer(func(w *waiter) (Reply, bool) {
			return Reply{Err: &Error{Code: CodeProviderUnavailable, Message: "the provider cannot be reached; nothing was done"}},
				w.call == a.call && w.verb == a.verb && w.stage == stageAsked
		})
	}
}

// readBack takes one call as the provider sees it, asked for because no event
// confirmed a command in time.
func (st *step) readBack(a openAsk, o *Outcome) {
	c := st.call(a.call)
	if c == nil {
		return // released meanwhile; confirm has answered
	}
	switch o.Kind {
	case OutcomeAccepted:
		// What an event told while the call was read is newer.
		if c.touched <= a.since {
			st.absorb(c, &o.Fact, EventOther, true)
		}
	case OutcomeGone:
		switch {
		case st.anyReadFor(a.call, func(w *waiter) bool { return w.refused }):
			// Neither the command nor the read found it. That is the second miss.
			st.lose(c)
		case st.anyReadFor(a.call, func(w *waiter) bool { return w.verb == VerbEnd }):
			// The end was taken and there is no such call any more: it is where
			// the command wants it.
			st.ended(c)
		default:
			st.wantSnapshot()
		}
	}
	st.answer(func(w *waiter) (Reply, bool) {
		if w.call != a.call || w.stage != stageReadBack {
			return Reply{}, false
		}
		if w.refused {
			return Reply{Err: &Error{Code: CodeProviderError, Message: because("the provider refused the command", w.detail)}}, true
		}
		return Reply{Err: &Error{Code: CodeUnconfirmed, Message: "the provider took the command and no event confirmed it; it may still take effect"}}, true
	})
}

func (st *step) anyReadFor(id CallID, is func(w *waiter) bool) bool {
	for i := range st.waiters {
		if w := &st.waiters[i]; w.call == id && w.stage == stageReadBack && is(w) {
			return true
		}
	}
	return false
}

func because(what, why string) string {
	if why == "" {
		return what
	}
	return what + ": " + why
}

// lose releases a call the provider no longer knows.
func (st *step) lose(c *Call) { st.over(c, OnLost) }

// ended releases a call that we were asked to end and whose event was lost.
func (st *step) ended(c *Call) {
	if c.Party == PartyNone {
		c.Party = PartyLocal
	}
	st.over(c, OnReleased)
}

func (st *step) over(c *Call, on Trigger) {
	c.Synthetic = true
	st.enter(c, table[c.State][on], on, EventOther, nil)
	st.confirm(c)
	st.sweep()
}
