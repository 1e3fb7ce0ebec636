package engine

// ReplayRange says which events of one webhook of an app are sent once more.
type ReplayRange struct {
	App        string
	Kind       StreamKind
	Subscriber string // folded; empty for all
	From, To   uint64 // numbers, both of them in the range; only with Subscriber; 0 for open
	Since      int64  // recorded at or after, ms since the epoch; 0 for open
	Until      int64  // recorded before; 0 for open
}

// ReplayState is where a task stands. The numbers are stored.
type ReplayState uint8

// The states of a task. All but the first are for ever.
const (
	ReplayRunning  ReplayState = 1 // a restart goes on with it
	ReplayDone     ReplayState = 2
	ReplayCanceled ReplayState = 3 // by a person, or because it cannot go on; Error says why
)

func (s ReplayState) String() string {
	return name([]string{"", "running", "done", "canceled"}, int(s))
}

// ReplayTask is the sending of one range, as far as it has come.
type ReplayTask struct {
	ID    string
	Range ReplayRange
	State ReplayState

	Total     uint64 // events of the range, as counted when it began; exact once it is done
	More      bool   // the log was too long to count all of it: there may be more than Total
	Done      uint64 // events that are settled: Delivered, Failed, and those there was no need or way to send
	Delivered uint64
	Failed    uint64 // given up after several attempts

	CreatedAt int64 // ms since the epoch
	UpdatedAt int64
	Error     string // why it was canceled, or what it waits for; free of secrets and personal data

	// Where to go on: everything up to the place Through is settled and counted.
	// What is behind the index End came after the task began.
	Through, End uint64
}
