package engine

// Trace is one thing that happened to a call, for its timeline. It holds no
// phone number and no name.
//
// A step folds what belongs together into one, since most have a fact, the
// transition it makes and the event that tells of it. Unfold takes them apart.
type Trace struct {
	Call   CallID
	App    string // command, reply, told: whose
	Code   Code   // TraceReply: why not; empty for success
	Number uint64 // TraceFact: the sequence number of the event. TraceTold: that of ours, in the app's stream

	Kind TraceKind

	// TraceFact: what the provider called the event, what it said of the call,
	// and whether it was inferred from a snapshot.
	Event     EventKind
	Status    Status
	Synthetic bool

	// TraceCommand, TraceAsked and TraceOutcome, TraceReply.
	Verb    Verb
	Outcome OutcomeKind

	// TraceMove; and TraceFact with a transition folded into it.
	From, To State
	On       Trigger

	told uint8 // events of the call that follow; those of a TraceTold are all there is of it
}

// Unfold appends what a step noted to list, one thing after the other. emit is
// what the step told, and perhaps more behind it, which is returned.
func Unfold(list, folded []Trace, emit []Notification) ([]Trace, []Notification) {
	for i := range folded {
		t := folded[i]
		told := t.told
		if t.told = 0; t.Kind == TraceFact && t.To != StateNone {
			fact, move := t, Trace{Call: t.Call, Kind: TraceMove, Synthetic: t.Synthetic, From: t.From, To: t.To, On: t.On}
			fact.From, fact.To, fact.On = StateNone, StateNone, 0
			list = append(list, fact, move)
		} else if t.Kind != TraceTold || told == 0 {
			list = append(list, t)
		}
		for ; told > 0 && len(emit) > 0; emit = emit[1:] {
			if n := &emit[0]; n.Call != 0 { // all others are no events of calls
				list = append(list, Trace{Call: n.Call, Kind: TraceTold, App: n.App, Number: n.Sequence})
				told--
			}
		}
	}
	return list, emit
}

// TraceKind says what a Trace tells of. The numbers are stored.
type TraceKind uint8

// The kinds of trace.
const (
	TraceFact    TraceKind = 1 // the provider said something
	TraceCommand TraceKind = 2 // an app asked for something
	TraceAsked   TraceKind = 3 // the provider was asked for it
	TraceOutcome TraceKind = 4 // and took it, or not
	TraceReply   TraceKind = 5 // the app was answered
	TraceMove    TraceKind = 6 // the call changed its state
	TraceTold    TraceKind = 7 // the app's stream got an event of it
)

var traceNames = []string{"", "fact", "command", "asked", "outcome", "reply", "transition", "event"}

func (k TraceKind) String() string { return name(traceNames, int(k)) }
