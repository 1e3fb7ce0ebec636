package engine

// HistoryQuery asks for calls of an app that are over, the one that ended last
// first.
type HistoryQuery struct {
	App        string
	Subscriber string    // folded; empty for all
	Direction  Direction // none for both
	Answered   Said      // nothing for both
	Cause      Cause     // none for all
	From, To   int64     // ended at From or later, and before To; ms since the epoch, zero for no bound
	Behind     HistoryPlace
	Limit      int // at least 1
}

// Wants reports whether the query is for a call that is over; whose it is and
// when it ended is not looked at.
func (q *HistoryQuery) Wants(d Direction, c Cause, answered bool) bool {
	return (q.Direction == DirectionNone || q.Direction == d) && (q.Cause == CauseNone || q.Cause == c) &&
		(q.Answered == SaidNothing || (q.Answered == SaidYes) == answered)
}

// HistoryPlace is a place in a list of calls that are over: the last that was
// looked at. Zero is before the first.
type HistoryPlace struct {
	ReleasedAt int64
	Call       CallID
}

// Moment is one line of a call's timeline, as one app may see it.
type Moment struct {
	At int64 // ms since the epoch
	Trace
	EventID string   // TraceTold: empty when the event is no longer kept
	Attempt *Attempt // a try to deliver an event; Trace is zero then
}

// ParseCause is the cause of a name; none has no name.
func ParseCause(s string) (Cause, bool) {
	for i, n := range causeNames {
		if n == s && i > 0 {
			return Cause(i), true // #nosec G115 -- the names are few
		}
	}
	return CauseNone, false
}

var statusNames = []string{
	"unknown", "alerting", "collecting", "active", "held", "remote_held", "releasing", "detached", "released", "idle",
}

func (s Status) String() string { return name(statusNames, int(s)) }

// Once is a request with an idempotency key, and how it was answered.
type Once struct {
	App, Key string
	Hash     [32]byte // of the request
	At       int64    // when it was begun or, if it is, answered; ms since the epoch
	Answer   *Answer  // nil while nobody knows it
}

// Answer is what a request was answered, to be said again.
type Answer struct {
	Status   int
	Type     string // of the body
	Location string // of what was made; empty for nothing
	Body     []byte
	Lost     bool // the body was too long to be kept
}
