package engine

// State is where one subscriber's side of a call stands.
// The numbers are stored: a new state goes at the end.
type State uint8

// The states of a call (design §4). Finer facts are detail, not states: see
// Phase, Call.RemoteHeld and Cause.
const (
	StateNone     State = 0 // not seen yet
	StateRinging  State = 1 // being set up; for an Originator, the far end rings
	StateActive   State = 2 // talking; RemoteHeld on the call says when the far end holds us
	StateHeld     State = 3 // we hold the far end
	StateReleased State = 4 // terminal, entered once
	numStates           = 5
)

var stateNames = [numStates]string{"none", "ringing", "active", "held", "released"}

// String is the word the contract uses for the state.
func (s State) String() string { return name(stateNames[:], int(s)) }

// Terminal reports whether nothing leaves the state.
func (s State) Terminal() bool { return s == StateReleased }

// Live reports whether a call in this state can still change.
func (s State) Live() bool { return s == StateRinging || s == StateActive || s == StateHeld }

// Phase is a finer fact beside the state. The numbers are stored.
type Phase uint8

// The phases of a call.
const (
	PhaseNone         Phase = 0
	PhaseAlertingSelf Phase = 1 // click-to-dial: the subscriber's own phone rings
	PhaseDialing      Phase = 2 // outgoing: the far end is called
	PhaseAlerting     Phase = 3 // incoming: the subscriber's phone rings
	PhaseCollecting   Phase = 4 // outgoing: digits are being collected
	PhaseConnected    Phase = 5 // talking, or holding
	PhaseRetargeting  Phase = 6 // answered, and ringing somewhere else since: the far end transferred us blind
	PhaseReleasing    Phase = 7 // a treatment plays; not yet released
	PhaseReleased     Phase = 8
)

var phaseNames = []string{
	"", "alerting_self", "dialing", "alerting", "collecting", "connected", "retargeting", "releasing", "released",
}

func (p Phase) String() string { return name(phaseNames, int(p)) }

// Direction says who started the call, seen from the subscriber. Fixed at first sight.
type Direction uint8

// The directions of the contract.
const (
	DirectionNone Direction = 0
	Incoming      Direction = 1
	Outgoing      Direction = 2
)

func (d Direction) String() string { return name([]string{"", "incoming", "outgoing"}, int(d)) }

// Personality is the subscriber's role in a call.
type Personality uint8

// The personalities of the dossier §2.3.
const (
	PersonalityUnknown Personality = 0
	Originator         Personality = 1
	Terminator         Personality = 2
	ClickToDial        Personality = 3 // placed through an API; becomes Originator when the subscriber lifts the phone
)

func (p Personality) String() string {
	return name([]string{"", "originator", "terminator", "click_to_dial"}, int(p))
}

// Direction is the direction a call of this personality has.
func (p Personality) Direction() Direction {
	if p == Terminator {
		return Incoming
	}
	return Outgoing
}

func name(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return "unknown"
	}
	return names[i]
}
