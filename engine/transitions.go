package engine

// Trigger is what a fact means for a call, read off the payload's status; the
// name of the event is only a hint for when there is no status. The numbers are
// stored.
type Trigger uint8

// The triggers of the call machine.
const (
	OnAlerting   Trigger = iota // something rings
	OnCollecting                // digits are collected
	OnActive                    // answered, or retrieved
	OnHeld                      // our subscriber holds
	OnRemoteHeld                // the far end holds us
	OnReleasing                 // a treatment plays
	OnDetached                  // redirected away
	OnReleased                  // over
	OnLost                      // a valid snapshot does not have it
	OnUnknown                   // a status nobody knows
	numTriggers  = 10
)

var triggerNames = [numTriggers]string{
	"alerting", "collecting", "active", "held", "remote_held", "releasing", "detached", "released", "lost", "unknown",
}

func (t Trigger) String() string { return name(triggerNames[:], int(t)) }

type verdict uint8

// The zero verdict means that nobody decided, and fails a test.
const (
	undecided verdict = iota
	begin             // first sight: the call starts here
	move              // to another state
	insert            // to another state through active, which we were not told of
	stay              // the state stands; details are taken
	ignore            // nothing, not even details
	resync            // nothing can be concluded: ask for a snapshot
)

var verdictNames = []string{"undecided", "begin", "move", "insert", "stay", "ignore", "resync"}

func (v verdict) String() string { return name(verdictNames, int(v)) }

type row struct {
	verdict verdict
	to      State
	phase   Phase // PhaseNone leaves the phase to the personality, see phaseOf
}

// table is the call machine (design §4). Facts are absorbed, never argued with.
var table = [numStates][numTriggers]row{
	StateNone: {
		OnAlerting:   {verdict: begin, to: StateRinging},
		OnCollecting: {verdict: begin, to: StateRinging, phase: PhaseCollecting},
		OnActive:     {verdict: begin, to: StateActive},
		OnHeld:       {verdict: begin, to: StateHeld},
		OnRemoteHeld: {verdict: begin, to: StateActive},
		OnReleasing:  {verdict: ignore}, // it ends without ever having been reported
		OnDetached:   {verdict: ignore}, // never ours to control
		OnReleased:   {verdict: ignore}, // a release of a call never reported emits nothing
		OnLost:       {verdict: ignore},
		OnUnknown:    {verdict: resync}, // there is a call, and we cannot tell where it stands
	},
	StateRinging: {
		OnAlerting:   {verdict: stay},
		OnCollecting: {verdict: stay, phase: PhaseCollecting},
		OnActive:     {verdict: move, to: StateActive},
		OnHeld:       {verdict: insert, to: StateHeld}, // nobody holds what was never answered
		OnRemoteHeld: {verdict: move, to: StateActive},
		OnReleasing:  {verdict: stay, phase: PhaseReleasing},
		OnDetached:   {verdict: move, to: StateReleased},
		OnReleased:   {verdict: move, to: StateReleased},
		OnLost:       {verdict: move, to: StateReleased},
		OnUnknown:    {verdict: stay},
	},
	StateActive: {
		// The far end transferred us blind and the next phone rings. The first
		// answer stands (dossier §2.4, CallAnswered).
		OnAlerting:   {verdict: stay, phase: PhaseRetargeting},
		OnCollecting: {verdict: stay},
		OnActive:     {verdict: stay}, // answered twice, or the far end let go of its hold
		OnHeld:       {verdict: move, to: StateHeld},
		OnRemoteHeld: {verdict: stay}, // remote hold stays active, or resume would be a lie
		OnReleasing:  {verdict: stay, phase: PhaseReleasing},
		OnDetached:   {verdict: move, to: StateReleased},
		OnReleased:   {verdict: move, to: StateReleased},
		OnLost:       {verdict: move, to: StateReleased},
		OnUnknown:    {verdict: stay},
	},
	StateHeld: {
		OnAlerting:   {verdict: stay, phase: PhaseRetargeting},
		OnCollecting: {verdict: stay},
		OnActive:     {verdict: move, to: StateActive},
		OnHeld:       {verdict: stay},
		OnRemoteHeld: {verdict: move, to: StateActive}, // we retrieved; the far end holds on
		OnReleasing:  {verdict: stay, phase: PhaseReleasing},
		OnDetached:   {verdict: move, to: StateReleased},
		OnReleased:   {verdict: move, to: StateReleased},
		OnLost:       {verdict: move, to: StateReleased},
		OnUnknown:    {verdict: stay},
	},
	StateReleased: { // terminal: entered once, nothing leaves
		OnAlerting:   {verdict: ignore},
		OnCollecting: {verdict: ignore},
		OnActive:     {verdict: ignore},
		OnHeld:       {verdict: ignore},
		OnRemoteHeld: {verdict: ignore},
		OnReleasing:  {verdict: ignore},
		OnDetached:   {verdict: ignore},
		OnReleased:   {verdict: ignore},
		OnLost:       {verdict: ignore},
		OnUnknown:    {verdict: ignore},
	},
}

var statusTriggers = [...]Trigger{
	StatusUnknown:    OnUnknown,
	StatusAlerting:   OnAlerting,
	StatusCollecting: OnCollecting,
	StatusActive:     OnActive,
	StatusHeld:       OnHeld,
	StatusRemoteHeld: OnRemoteHeld,
	StatusReleasing:  OnReleasing,
	StatusDetached:   OnDetached,
	StatusReleased:   OnReleased,
	StatusIdle:       OnReleased,
}

// triggerOf reads a fact. Where the status is a word nobody knows, the event's
// name is taken as the hint it is.
func triggerOf(f *Fact, kind EventKind) Trigger {
	if f.Status != StatusUnknown && int(f.Status) < len(statusTriggers) {
		return statusTriggers[f.Status]
	}
	switch kind {
	case EventReceived, EventOriginating, EventOriginated, EventForwarded:
		return OnAlerting
	case EventCollecting:
		return OnCollecting
	case EventAnswered, EventRetrieved:
		return OnActive
	case EventHeld:
		return OnHeld
	case EventReleasing:
		return OnReleasing
	case EventRedirected, EventDetached:
		return OnDetached
	case EventReleased:
		return OnReleased
	}
	return OnUnknown
}

// phaseOf is the phase of a call in a state when the table names none.
func phaseOf(to State, p Personality) Phase {
	switch {
	case to == StateReleased:
		return PhaseReleased
	case to != StateRinging:
		return PhaseConnected
	case p == ClickToDial:
		return PhaseAlertingSelf
	case p == Originator:
		return PhaseDialing
	}
	return PhaseAlerting
}
