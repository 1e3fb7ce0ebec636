package engine

// Trace is one thing that happened to a call, for its timeline. It holds no
// phone number and no name.
type Trace struct {
	Call CallID
	Kind TraceKind
	App  string // command, reply, told: whose

	// TraceFact: what the provider called the event, what it said of the call,
	// and whether it was inferred from a snapshot. Number is its sequence number.
	Event     EventKind
	Status    Status
	Synthetic bool

	// TraceCommand, TraceAsked and TraceOutcome, TraceReply.
	Verb    Verb
	Outcome OutcomeKind
	Code    Code // TraceReply: why not; empty for success

	// TraceMove.
	From, To State
	On       Trigger

	Number uint64 // TraceTold: the event's sequence number in the app's stream
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
