package engine

import "strconv"

// CallID is our own name for a call, minted at first sight, never reused,
// stable for the life of the call. Its low ten bits are the slot of the
// subscriber it belongs to. Zero is no call.
type CallID uint64

const (
	callPrefix = "callhalf-"
	callSuffix = ":0"
)

// String has the shape the specification shows: callhalf-13467354071:0.
func (id CallID) String() string { return string(id.Append(nil)) }

// Append appends the id as text.
func (id CallID) Append(b []byte) []byte {
	b = append(b, callPrefix...)
	b = strconv.AppendUint(b, uint64(id), 10)
	return append(b, callSuffix...)
}

// Slot is the slot of the subscriber the call belongs to.
func (id CallID) Slot() uint16 { return uint16(id & (Slots - 1)) }

// ParseCallID reads an id back. Only the exact form String gives is an id, so
// that each call has one name.
func ParseCallID(s string) (CallID, bool) {
	if len(s) <= len(callPrefix)+len(callSuffix) || s[:len(callPrefix)] != callPrefix || s[len(s)-len(callSuffix):] != callSuffix {
		return 0, false
	}
	digits := s[len(callPrefix) : len(s)-len(callSuffix)]
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || n == 0 || digits[0] == '0' || digits[0] == '+' {
		return 0, false
	}
	return CallID(n), true
}

// Call is one subscriber's side of a conversation.
// Invariant: State is never StateNone once the call is in a Subscriber.
type Call struct {
	ID         CallID
	ProviderID string // the provider's id; may be replaced during the call
	TrackingID string // joins the halves of a conversation; may change on a transfer

	State       State
	Phase       Phase
	Direction   Direction
	Personality Personality
	Cause       Cause
	Party       Party

	RemoteHeld    bool // the far end holds us; the state stays active
	AllowAnswer   bool // the provider said answer works now
	AllowRetrieve bool // the provider said retrieve works now
	Synthetic     bool // the last change was inferred, not told by an event

	told   bool  // an event or a snapshot named it; false while only the answer to a dial request did
	missed uint8 // snapshots in a row without the call, where one is not proof
	echoes uint8 // changes that were read, and of which events are still to tell

	consulted bool // its far end was joined with that of a call that is over

	SubscriberNumber string // as told at originate; empty for the profile's
	SubscriberName   string // as told at originate; empty for the profile's
	RemoteNumber     string
	RemoteName       string

	ProviderCause string // the provider's own words for the cause

	CreatedAt  int64 // our clock, ms since the epoch; so are the next three
	AnsweredAt int64 // first answer; a second one (blind transfer) changes nothing
	HeldAt     int64 // last hold
	ReleasedAt int64
	StartTime  int64 // provider's clock; so is the next
	EndTime    int64 // provider's clock; zero when it never told

	Origin   string // app that placed the call; empty for none
	Replaces CallID // the released call this one continues

	Can     VerbSet // what would work now, of the verbs of a call
	Session Session // what joins the halves of a conversation, for apps; fixed at first sight
	HeldFor int64   // ms the subscriber held the far end, of the holds that are over
	More    *More   // what few calls have; nil for none

	checkAt int64  // when the provider is asked for the call, for want of news; zero for not
	touched uint64 // Subscriber.inputs when a fact last named the call
	echoed  int64  // when one of the echoes was last read, or told
}

// More is what few calls have. It is never changed: a call to which something
// of it happens gets another one, so that copies of the call can share it.
type More struct {
	ClientRef    string        // the app's own name for the call, given when it placed it
	ReplacedBy   CallID        // the call this one went on as, when it is over
	Diversion    []Redirection // incoming: who was called before us, in that order
	RedirectedTo string        // where the subscriber sent the call
	ParkedAt     string        // the extension the subscriber parked it at
	Recall       Recall        // why the call came back to the subscriber
	Recording    Recording
	Conference   ConferenceID // the conference the call is in
	Muted        bool         // in the conference: is not heard
	Deaf         bool         // in the conference: does not hear
}
