package engine

// Status is what the provider says of a call, in our words: the payload's own
// state, which decides, whatever the event is called (dossier §2.3, §2.4).
type Status uint8

// The statuses of a call at the provider.
const (
	StatusUnknown    Status = iota // a word nobody knows: details are taken, the state stands
	StatusAlerting                 // something rings: our phone, the far end, or the next one after a transfer
	StatusCollecting               // digits are collected: Active as Originator without an answer
	StatusActive                   // answered, or retrieved
	StatusHeld                     // our subscriber holds
	StatusRemoteHeld               // the far end holds us
	StatusReleasing                // a treatment plays
	StatusDetached                 // redirected; no longer this subscriber's to control
	StatusReleased                 // over
	StatusIdle                     // no call
)

// EventKind is what the provider calls an event: a hint, since the payload's
// status decides.
type EventKind uint8

// The kinds of event the core tells apart.
const (
	EventOther       EventKind = iota
	EventReceived              // an incoming call rings, or a recall
	EventOriginating           // a dial request was accepted; the subscriber's own phone rings
	EventOriginated            // the subscriber dialled, or lifted the phone
	EventCollecting
	EventForwarded // the callee's service forwarded our call
	EventAnswered
	EventHeld
	EventRetrieved
	EventUpdated
	EventTransferred
	EventRedirected
	EventPickedUp // somebody picked up our ringing call
	EventReleasing
	EventDetached
	EventReleased
	EventSnapshot // all calls of the subscriber, exact at its sequence number
	EventHook     // the phone's hook; no call
)

var eventNames = []string{
	"other", "received", "originating", "originated", "collecting", "forwarded", "answered", "held", "retrieved",
	"updated", "transferred", "redirected", "picked_up", "releasing", "detached", "released", "snapshot", "hook_status",
}

func (k EventKind) String() string { return name(eventNames, int(k)) }

// Fact is what the provider says of one call. Text fields are empty and times
// zero when it said nothing.
type Fact struct {
	ProviderID    string // the provider's id of this call half; replaceable
	TrackingID    string // joins the halves; may change on a transfer
	Status        Status
	Personality   Personality
	RemoteNumber  string // E.164 where it can be, else as the provider gave it
	RemoteName    string
	Recall        bool // the call comes back: park recall, transfer recall, camp-on
	AllowAnswer   bool // the provider says answer will work now
	AllowRetrieve bool // the provider says retrieve will work now
	Cause         Cause
	ProviderCause string // the provider's own words for the cause
	Party         Party
	StartTime     int64 // provider's clock, ms since the epoch
	AnswerTime    int64 // first answer; provider's clock
	ReleaseTime   int64 // provider's clock
}

// Event is a fact, or several, from the provider about one subscriber.
type Event struct {
	ID           string // unique at the provider, for dropping repeats; empty when unknown
	Subscription string // whose Sequence this is; empty when events are not numbered for this subscriber
	Sequence     uint32 // per subscription, from 1, wraps from 2147483647 to 1 (dossier §3.6)
	Kind         EventKind
	Facts        []Fact // one for most kinds; all live calls for EventSnapshot
}

// Snapshot is a polled picture of a subscriber's calls. It races with events,
// so it judges only calls that nothing touched since Since.
type Snapshot struct {
	Facts []Fact
	// Coming says that nothing was read: the provider will send an
	// EventSnapshot on the event stream instead.
	Coming bool
}

// Verb is what a request asks for.
type Verb uint8

// The verbs of commands, and what the core itself asks a provider for.
const (
	VerbNone      Verb = 0
	VerbOriginate Verb = 1
	VerbAnswer    Verb = 2
	VerbHold      Verb = 3
	VerbResume    Verb = 4
	VerbEnd       Verb = 5
	VerbGet       Verb = 6 // read one call; nothing is asked of the provider
	VerbList      Verb = 7 // read all live calls; nothing is asked of the provider
	VerbReadBack  Verb = 8 // ask only: one call as the provider sees it
	VerbSnapshot  Verb = 9 // ask only: all calls of the subscriber
)

var verbNames = []string{
	"none", "originate", "answer", "hold", "resume", "end", "get", "list", "read_back", "snapshot",
}

func (v Verb) String() string { return name(verbNames, int(v)) }

// Command is a request from an app. It may be refused.
type Command struct {
	Token uint64 // names the one who waits; echoed in Reply
	Verb  Verb
	App   string
	Call  CallID // all verbs but originate and list

	Originate *Originate // VerbOriginate
}

// Originate is what an app says of a call to be placed. The fields are as the
// app sent them; Dialing decides what they mean.
type Originate struct {
	SubscriberNumber string
	RemoteNumber     string
	SubscriberName   string
	RemoteName       string
	Key              string   // idempotency key; empty for none
	BodyHash         [32]byte // of the request, to tell a reused key from a repeated request
	Dialing          *Dialing // the rules of the subscriber's network; nil is the zero Dialing

	// Settled is what the store remembers of Key from before: nil for nothing.
	Settled *Intent
}

// OutcomeKind says how asking the provider went.
type OutcomeKind uint8

// The outcomes of an Ask.
const (
	OutcomeAccepted OutcomeKind = iota // the provider took it; the event that follows is the truth
	OutcomeRefused                     // the provider answered no
	OutcomeGone                        // the provider does not know the call
	OutcomeNotSent                     // certainly not done: unreachable, gate closed, queue full
	OutcomeUnknown                     // sent, and nobody knows: time-out, broken answer, restart
)

var outcomeNames = []string{"accepted", "refused", "gone", "not_sent", "unknown"}

func (k OutcomeKind) String() string { return name(outcomeNames, int(k)) }

// Outcome is the answer to one Ask.
type Outcome struct {
	Ask      uint64 // Ask.ID
	Kind     OutcomeKind
	Fact     Fact      // originate: ids of the new call; read-back: the call
	Snapshot *Snapshot // snapshot, when accepted
	Detail   string    // the provider's reason, free of personal data; for people
}

// Input is one thing that happens to a subscriber: exactly one of its fields
// up to Tick is set.
type Input struct {
	Event   *Event
	Command *Command
	Outcome *Outcome
	Profile *Profile // created or changed by provisioning
	Link    string   // app that may follow the subscriber from now on
	Unlink  string   // app that may not
	Delete  bool     // the subscriber is gone
	Handed  CallID   // the 201 of this call is durable and with whoever writes it; Lift follows, or never comes
	Lift    CallID   // the 201 of this call was handed to the network
	Resync  bool     // facts were lost on the way to us: compare with the provider
	Restart bool     // first input after the process came up
	Tick    bool     // Effects.Wake has come
	// Token is answered when the effects of Profile, Link, Unlink or Delete
	// are durable; zero for nobody.
	Token uint64

	Entropy [2]uint64 // random; ids are made from it
	// Shift is by how many ms somebody set the clock since the input before.
	// What is awaited moves with it: it comes neither sooner nor later.
	Shift int64
	// Wants says what an app wants to be told; nil, or nil for an app, means
	// every change of state.
	Wants func(app string) *Wants
}
