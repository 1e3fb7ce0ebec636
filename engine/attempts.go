package engine

// AttemptQuery asks for tries to deliver the events of one webhook: those of
// the newest event first, and of one event the newest first.
type AttemptQuery struct {
	App        string
	Kind       StreamKind
	Subscriber string       // folded; empty for all
	Sequence   uint64       // only with Subscriber; 0 for all
	Failed     bool         // only those without a 2xx
	Behind     AttemptPlace // where the page before ended; zero for the first
	Limit      int          // at least 1
}

// AttemptPlace is a place in a list of attempts: the last that was looked at.
type AttemptPlace struct {
	Index    uint64 // of the event
	Sequence uint64
	At       int64
	Number   uint32
}

// Place is where the attempt is in a list of them.
func (a *Attempt) Place() AttemptPlace {
	return AttemptPlace{Index: a.Index, Sequence: a.Sequence, At: a.At, Number: a.Number}
}

// Failed reports whether the receiver did not take the event.
func (a *Attempt) Failed() bool { return a.Status < 200 || a.Status > 299 }
