package engine

// Status is what the provider says of a call, in our words: the payload's own
// state, which decides, whatever the event is called (dossier §2.3, §2.4). The
// numbers are stored, in timelines: a new one goes at the end.
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
// status decides. The numbers are stored.
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

	EventParkRetrieved // a parked call was taken back
	EventRecording     // the recording of a call changed; Fact.Recording says to what
	EventConference    // a conference changed; Event.Conference says to what
	EventBargedIn      // somebody joined the call who was not called
	EventMonitored     // somebody listens in
)

var eventNames = []string{
	"other", "received", "originating", "originated", "collecting", "forwarded", "answered", "held", "retrieved",
	"updated", "transferred", "redirected", "picked_up", "releasing", "detached", "released", "snapshot", "hook_status",
	"park_retrieved", "recording", "conference", "barged_in", "monitored",
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
	Recall        Recall // the call comes back, and why
	AllowAnswer   bool   // the provider says answer will work now
	AllowRetrieve bool   // the provider says retrieve will work now
	Cause         Cause
	ProviderCause string // the provider's own words for the cause
	Party         Party
	StartTime     int64 // provider's clock, ms since the epoch
	AnswerTime    int64 // first answer; provider's clock
	ReleaseTime   int64 // provider's clock

	Diversion    []Redirection // of an incoming call: who was called before us, in that order
	RedirectedTo string        // of a call that was sent away: to where, where the provider says
	ParkedAt     string        // the extension it was parked at
	Recording    Recording     // RecordingUnknown when nothing was said
	InConference Said          // whether the call is in the subscriber's conference
}

// Redirection is one station a call was sent on from.
type Redirection struct {
	Number string // E.164 where it can be, else as the provider gave it
	Name   string
	Reason string // our word for why: see the table in docs/calls.md
}

// Said is a yes or no that may not have been given.
type Said uint8

// What may have been said.
const (
	SaidNothing Said = iota
	SaidYes
	SaidNo
)

// Recall says why a call comes back. The numbers are stored.
type Recall uint8

// The recalls of the dossier §2.3.
const (
	RecallNone      Recall = 0
	RecallPark      Recall = 1 // parked, and nobody took it
	RecallTransfer  Recall = 2 // transferred, and nobody answered
	RecallCampOn    Recall = 3 // the busy one is free
	RecallHold      Recall = 4 // held for long
	RecallExecutive Recall = 5 // pushed by an assistant
	RecallOther     Recall = 6
)

var recallNames = []string{"", "park", "transfer", "camp_on", "hold", "executive", "other"}

func (r Recall) String() string { return name(recallNames, int(r)) }

// Recording is how the recording of a call stands. The numbers are stored.
type Recording uint8

// The states of a recording (dossier §2.3).
const (
	RecordingUnknown Recording = 0 // nothing was ever said of one
	RecordingPending Recording = 1
	RecordingStarted Recording = 2
	RecordingPaused  Recording = 3
	RecordingStopped Recording = 4
	RecordingFailed  Recording = 5
)

var recordingNames = []string{"", "pending", "started", "paused", "stopped", "failed"}

func (r Recording) String() string { return name(recordingNames, int(r)) }

// ConferenceFact is what the provider says of a subscriber's conference: he has
// one at a time.
type ConferenceFact struct {
	Over         bool // it is released
	Held         bool // the subscriber left it on hold
	Participants []ParticipantFact
	// Partial says that only the participants named changed: the others are as they were.
	Partial bool
}

// ParticipantFact is one call in a conference.
type ParticipantFact struct {
	ProviderID  string
	Muted, Deaf bool
	Left        bool // in a Partial fact: the call is no longer in it
}

// Event is a fact, or several, from the provider about one subscriber.
type Event struct {
	ID           string // unique at the provider, for dropping repeats; empty when unknown
	Subscription string // whose Sequence this is; empty when events are not numbered for this subscriber
	Sequence     uint32 // per subscription, from 1, wraps from 2147483647 to 1 (dossier §3.6)
	Kind         EventKind
	Facts        []Fact // one for most kinds; all live calls for EventSnapshot

	// Conference is set for EventConference. A snapshot without one says that
	// the subscriber is in none.
	Conference *ConferenceFact
}

// Snapshot is a polled picture of a subscriber's calls. It races with events,
// so it judges only calls that nothing touched since Since.
type Snapshot struct {
	Facts      []Fact
	Conference *ConferenceFact // nil when it was not read; Over when there is none
	// Coming says that nothing was read: the provider will send an
	// EventSnapshot on the event stream instead.
	Coming bool
}

// Verb is what a request asks for. The numbers are stored.
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
	VerbReadBack  Verb = 8 // ask only: one call, or the conference, as the provider sees it
	VerbSnapshot  Verb = 9 // ask only: all calls of the subscriber

	VerbDecline         Verb = 10 // a ringing call: not now
	VerbDivert          Verb = 11 // a ringing call: to a number
	VerbVoicemail       Verb = 12 // a ringing call: to the subscriber's voicemail
	VerbTransfer        Verb = 13 // to a number, without asking there
	VerbMuteTransfer    Verb = 14 // the same, and the far end does not hear that it rings
	VerbConsult         Verb = 15 // joins the far ends of two calls
	VerbReconnect       Verb = 16 // takes back a held call and ends all others
	VerbPark            Verb = 17 // at an extension, or the subscriber's own
	VerbGroupPark       Verb = 18 // at an extension the platform chooses
	VerbRetrieve        Verb = 19 // a new call that takes back a parked one
	VerbDTMF            Verb = 20 // sends digits to the far end
	VerbRecord          Verb = 21
	VerbPauseRecording  Verb = 22
	VerbResumeRecording Verb = 23
	VerbStopRecording   Verb = 24
	VerbConference      Verb = 25 // joins two calls, or more, of the subscriber
	VerbMute            Verb = 26 // a participant of a conference is not heard
	VerbUnmute          Verb = 27
	VerbDeaf            Verb = 28 // a participant of a conference does not hear
	VerbUndeaf          Verb = 29
	VerbEndConference   Verb = 30 // and with it the calls in it
	VerbGetConference   Verb = 31 // read a conference; nothing is asked of the provider
)

// Names of verbs, which are those of capabilities too.
var verbNames = []string{
	"none", "originate", "answer", "hold", "resume", "end", "get", "list", "read_back", "snapshot",
	"decline", "divert", "divert_to_voicemail", "transfer", "mute_transfer", "consult_transfer", "reconnect",
	"park", "group_park", "retrieve", "dtmf", "recording_start", "recording_pause", "recording_resume", "recording_stop",
	"conference", "mute", "unmute", "deaf", "undeaf", "end_conference", "get_conference",
}

func (v Verb) String() string { return name(verbNames, int(v)) }

// Command is a request from an app. It may be refused.
type Command struct {
	Token uint64 // names the one who waits; echoed in Reply
	Verb  Verb
	App   string
	Call  CallID // all verbs but originate, retrieve, list and those of a conference as a whole

	// Number is a remote number as the app sent it (divert, transfer, mute
	// transfer), an extension (park; empty for the subscriber's own), or digits (dtmf).
	Number  string
	Dialing *Dialing // the rules of the subscriber's network; nil is the zero Dialing

	With       []CallID     // consult: the call to join with; conference: the others
	Conference ConferenceID // mute to undeaf, end conference, get conference
	ClientRef  string       // conference: the app's own name for it

	Originate *Originate // VerbOriginate, VerbRetrieve
}

// Originate is what an app says of a call to be placed. The fields are as the
// app sent them; Dialing decides what they mean.
type Originate struct {
	SubscriberNumber string
	RemoteNumber     string
	SubscriberName   string
	RemoteName       string
	ClientRef        string   // the app's own name for the call, echoed everywhere
	Extension        string   // VerbRetrieve: where the call is parked; RemoteNumber is empty
	Key              string   // idempotency key; empty for none
	BodyHash         [32]byte // of the request, to tell a reused key from a repeated request
	Dialing          *Dialing // the rules of the subscriber's network; nil is the zero Dialing

	// Settled is what the store remembers of Key from before: nil for nothing.
	Settled *Intent
}

// OutcomeKind says how asking the provider went. The numbers are stored.
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
	ParkedAt string    // park, group park: the extension, where the provider says

	// Conference is set for conference and read-back, where the provider says:
	// Over when the subscriber has none.
	Conference *ConferenceFact
	Detail     string // the provider's reason, free of personal data; for people
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
	// Platform is what the subscriber's network can do; nil means the verbs of the specification.
	Platform *Platform
}
