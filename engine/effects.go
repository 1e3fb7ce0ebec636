package engine

// Effects is what one Step asks of the world. A caller may reuse it after
// Reset; what its records and notifications point to stays valid until then.
type Effects struct {
	Put   []Record       // stored, together with Emit, in one synced batch
	Emit  []Notification // delivered AFTER the batch is durable, in this order
	Reply []Reply        // handed to the caller AFTER the batch is durable, refusals and reads too
	Ask   []Ask          // sent to the provider AFTER the batch is durable; at most once, never re-sent after a restart
	Moves []Move         // transitions made, for the log and the metrics
	Wake  int64          // Step again with a Tick at this time (ms since the epoch); 0 for never

	// Changed says that live calls, or who may see them, differ from before.
	Changed bool
	// Follow and Unfollow: the provider's events of this user are wanted from
	// now on, or no longer. Zero for no change.
	Follow, Unfollow User
	// Verdict says what became of an Event.
	Verdict EventVerdict

	// Calls as they were when records and notifications of them were made,
	// shared by all of these. What is in here never changes.
	calls  []Call
	traces []Trace // the same of Record.Traces
}

// Reset empties e and keeps its memory.
func (e *Effects) Reset() {
	e.Put, e.Emit, e.Reply, e.Ask, e.Moves = e.Put[:0], e.Emit[:0], e.Reply[:0], e.Ask[:0], e.Moves[:0]
	e.calls, e.traces = e.calls[:0], e.traces[:0]
	e.Wake, e.Changed, e.Verdict = 0, false, EventApplied
	e.Follow, e.Unfollow = User{}, User{}
}

// call keeps a call as it is now. A slice that grows leaves the old one to
// those who point into it.
func (e *Effects) call(c *Call) *Call {
	e.calls = append(e.calls, *c)
	return &e.calls[len(e.calls)-1]
}

// User is a subscriber as a provider knows it.
type User struct {
	Network string
	ID      string
}

// EventVerdict says what became of an event; for the metrics.
type EventVerdict uint8

// The verdicts on an event.
const (
	EventApplied   EventVerdict = iota
	EventDuplicate              // seen before, or older than what we know
	EventGap                    // applied, but something before it is missing: a snapshot was asked for
	EventIgnored                // nothing we follow
)

// RecordKind says what a Record stores.
type RecordKind uint8

// The kinds of record.
const (
	RecordSubscriber   RecordKind = iota + 1 // the subscriber as Step left it
	RecordNoSubscriber                       // the subscriber is gone; its stream counters stay
	RecordCall                               // a call came into being, or ended
	RecordIntent                             // an originate intent was opened or settled
	RecordNoIntent                           // an intent that was certainly not carried out; its key is free again
	RecordResynced                           // the resync mark is taken back
	RecordLink                               // an app may follow the subscriber
	RecordUnlink                             // an app no longer may
	RecordProfile                            // the profile is new or changed; Was is what it was
	RecordProgress                           // the subscriber, by what changed since the record before; see Progress
	RecordTrace                              // nothing but Traces, of a step that stores nothing else of the subscriber
	RecordReplaced                           // a call that is over goes on as another
	RecordConference                         // a conference began, or ended
)

// Record is one thing to store. The journal encodes it before Submit returns.
type Record struct {
	Kind       RecordKind
	Heard      bool        // RecordProgress: the hash of an event is new in Source
	Subscriber *Subscriber // always set: whose record this is
	Call       *Call       // RecordCall
	Intent     *Intent     // RecordIntent, RecordNoIntent
	App        string      // RecordLink, RecordUnlink
	Was        *Profile    // RecordProfile; nil when there was none. RecordLink, RecordUnlink: what it was then
	Calls      []Call      // RecordProgress: those that changed, as they were then
	Traces     []Trace     // what the step heard, was asked and did, for timelines, in order; see Unfold
	Replaced   CallID      // RecordReplaced: the one that is over
	By         CallID      // RecordReplaced: the one it goes on as
	Conference *Conference // RecordConference; as it ended, or as it began
}

// StreamKind tells the two streams of an app and a subscriber apart.
// The numbers are stored.
type StreamKind uint8

// The kinds of stream.
const (
	StreamCalls      StreamKind = 1 // the calls webhook
	StreamSubscriber StreamKind = 2 // the subscriber webhook
)

func (k StreamKind) String() string { return name([]string{"", "calls", "subscriber"}, int(k)) }

// Notification is one event for one app, numbered within its stream.
type Notification struct {
	App        string
	Subscriber string // subscriber id
	Kind       StreamKind
	Sequence   uint64 // per (app, subscriber, kind): 1, 2, 3, …
	EventID    string // opaque, free of dots; the webhook-id
	Call       CallID // zero for a body without a call
	State      State
	Time       int64  // when it was recorded, ms since the epoch
	Queue      bool   // the app has a webhook for it: it waits for delivery, and is not only logged
	GapFrom    uint64 // of a gap: the first number that was given up, Sequence is the last; 0 for all others
	Body       []byte // JSON of the contract, the same in webhook, log and stream

	// Step leaves id and body to whoever stores them, who writes them once, to
	// where they are stored. All they are made of is fixed here; see Write.
	typ     string // of the body that is not made yet; empty when Body has it
	id      eventID
	profile *Profile
	call    *Call // nil for typeProvisioned
}

// Reply answers one Token.
type Reply struct {
	Token   uint64
	Err     *Error   // nil for success
	Gone    bool     // the app may ask, but no live call has that id; Err says not found
	Profile *Profile // whose call it is; never changed
	Call    Call     // originate, get
	Calls   []Call   // list
	Replay  bool     // originate: this is the settled answer of an earlier request with the key
	Holds   bool     // originate: the app's stream waits until this was written; an Input says when it is handed out
	Created bool     // profile: there was no such subscriber before

	Conference *ConferenceView // conference, get conference; never changed
}

// Ask is one request to the provider. It is carried out outside the actor;
// its Outcome comes back as an Input.
type Ask struct {
	ID         uint64
	Verb       Verb
	Network    string
	User       string // the subscriber at the provider
	ProviderID string // the call, for all verbs but originate and snapshot
	// Number is what to dial (originate, divert, transfer, mute transfer), an
	// extension (park; empty for the subscriber's own), or digits (dtmf).
	Number string
	With   []string // provider ids. Consult: the call to join with; conference: all others
	Read   bool     // VerbReadBack: the conference is wanted too
}

// Move is one transition of one call.
type Move struct {
	Call      CallID
	From, To  State
	On        Trigger
	Synthetic bool
	Cause     Cause
}
