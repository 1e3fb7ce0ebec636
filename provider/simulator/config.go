package simulator

import (
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"offhook/provider/simulator/oci"
)

// Traffic is the kind of calls the simulator makes by itself.
type Traffic string

// The kinds of traffic; the zero value means none. A CallsPerSecond adds calls
// at that rate to any of them.
const (
	TrafficNone Traffic = "none" // only what clients and the control paths ask for
	TrafficDemo Traffic = "demo" // people calling each other, at a human pace
	TrafficRate Traffic = "rate" // random calls at CallsPerSecond
)

// SnapshotOrder says whether the first snapshot of a subscription leaves before
// or after the answer that creates it. Both happen (dossier §3.6).
type SnapshotOrder int

// The orders of snapshot and answer.
const (
	SnapshotEither SnapshotOrder = iota // one or the other, by the seed
	SnapshotBefore
	SnapshotAfter
)

// Chunks says how documents are laid into the chunks of a channel. Typically
// each is one; but they do split, and several do arrive at once (dossier §3.4).
type Chunks int

// The ways of cutting.
const (
	ChunkPerDocument Chunks = iota
	ChunkAnyhow             // cut and joined anywhere, by the seed
)

// Config is how a simulator is set up. The zero value is a quiet switch with
// twenty phones.
type Config struct {
	Subscribers    int     // phones behind the switch; zero means 20; there are numbers for 79,100
	Traffic        Traffic // calls the simulator makes by itself; the first three subscribers never take part
	CallsPerSecond float64 // rate of random calls; zero means none
	// CallDuration is the mean talking time of rate traffic; zero means 10 s.
	CallDuration time.Duration
	Seed         uint64 // of everything random; zero picks one, and it is logged

	// XSPs is how many ways into the switch there are; zero means 1. All share
	// its calls and subscriptions, a channel belongs to the one it was opened at.
	XSPs int
	// Bases are the URLs by which the XSPs send clients to each other; the
	// default is the address each is served on.
	Bases []string

	Username     string // administrator; empty means admin@simulator.example
	Password     string // the administrator's; empty means "simulator"
	UserPassword string // every subscriber's own; empty means Password

	// What the dossier marks unknown (§3.2, §3.5) is set here.
	AckTimeout       time.Duration // how long an event waits for its acknowledgement; zero means 3 s
	AckRetries       int           // how often an event is sent again on the next channel; zero means 1, negative never
	HeartbeatTimeout time.Duration // a channel without a heartbeat ends after this; zero means 30 s, negative never
	HeartbeatEvery   time.Duration // the server's own heartbeats on the stream; zero means 30 s, negative none
	GrantedExpires   time.Duration // granted whatever is asked; zero honours the request as the dossier says (§3.1)
	GrantedSpread    float64       // what is granted differs by up to this part of it, either way; below 1
	SnapshotOrder    SnapshotOrder // the first snapshot against the answer of the subscription
	Chunks           Chunks        // how documents are laid into the chunks of a channel
	ResyncAfterLoss  bool          // a user whose events were lost is sent a CallSubscriptionResyncEvent (dossier §3.6)

	// How the switch behaves.
	ActionDelay      time.Duration // from an accepted action to the phone doing it; zero means 10 ms, negative at once
	AnswerAfter      time.Duration // a phone lifts itself after a click-to-dial; zero means 800 ms
	FarEndAfter      time.Duration // the far end answers after ringing; zero means 1,500 ms
	RingTimeout      time.Duration // how long anything rings unanswered; zero means 3 min
	NoAnswerAfter    time.Duration // when a far end that does not answer is given up; zero means 30 s
	Treatment        time.Duration // a tone after a failed call, told by CallReleasing; zero means none
	NewCallIDOnLift  bool          // a click-to-dial call changes its id when it rings out: the dossier (§1.5) knows both
	MaxCallsPerPhone int           // zero means 10

	ParkRetrieveCode string        // dialled before an extension, it takes the call parked there; empty means *88
	ParkRecall       time.Duration // a parked call nobody takes comes back to the parker after this; zero means 45 s, negative never
	TransferRecall   time.Duration // a blind transfer that no subscriber answers comes back after this; zero means 20 s, negative never
	MaxParkedCalls   int           // of the whole switch; zero means 1,000
	MaxParticipants  int           // of a conference; zero means 15

	// What the operator of a real system limits (dossier §1.9).
	MaxChannels         int // zero means 1,000
	MaxChannelsPerSet   int // zero means 16
	MaxSubscriptions    int // per target and event package; zero means 100
	MaxWaitingPerStream int // documents waiting to be written, or to be acknowledged, per channel; zero means 65,536

	Contacts Contacts // events that are POSTed instead (dossier §3.9)

	OCI oci.Config // how users are provisioned (dossier §4); login, seed and log are this Config's unless set
	// RenameKeepsSubscriptions says that a user's subscriptions go on under
	// another user id; by default they end, with a SubscriptionTerminatedEvent.
	RenameKeepsSubscriptions bool

	Errors ErrorTable   // status and code of refusals that differ from the built-in table
	Log    *slog.Logger // nil discards; phone numbers are never logged
}

const maxXSPs = 16

// base is how XSP i is named in a redirect; empty for not known yet.
func (c *Config) base(i int) string {
	if i < len(c.Bases) {
		return strings.TrimSuffix(c.Bases[i], "/")
	}
	return ""
}

const maxSubscribers = 79100 // 791 area codes with 100 fictional numbers each

func orElse[T comparable](v *T, fallback T) {
	var zero T
	if *v == zero {
		*v = fallback
	}
}

// withDefaults fills in what the zero values stand for.
func (c Config) withDefaults() Config {
	orElse(&c.Subscribers, 20)
	c.Subscribers = min(max(c.Subscribers, 1), maxSubscribers)
	orElse(&c.XSPs, 1)
	c.XSPs = min(max(c.XSPs, 1), maxXSPs)
	c.GrantedSpread = min(max(c.GrantedSpread, 0), 0.9)
	orElse(&c.CallDuration, 10*time.Second)
	orElse(&c.Seed, rand.Uint64()|1) // #nosec G404 -- chance, and no secret
	orElse(&c.Username, "admin@simulator.example")
	orElse(&c.Password, "simulator")
	orElse(&c.UserPassword, c.Password)
	orElse(&c.AckTimeout, 3*time.Second)
	orElse(&c.AckRetries, 1)
	c.AckRetries = max(c.AckRetries, 0)
	orElse(&c.HeartbeatTimeout, 30*time.Second)
	orElse(&c.HeartbeatEvery, 30*time.Second)
	orElse(&c.ActionDelay, 10*time.Millisecond)
	orElse(&c.AnswerAfter, 800*time.Millisecond)
	orElse(&c.FarEndAfter, 1500*time.Millisecond)
	orElse(&c.RingTimeout, 3*time.Minute)
	orElse(&c.NoAnswerAfter, 30*time.Second)
	orElse(&c.MaxCallsPerPhone, 10)
	orElse(&c.ParkRetrieveCode, "*88")
	orElse(&c.ParkRecall, 45*time.Second)
	orElse(&c.TransferRecall, 20*time.Second)
	orElse(&c.MaxParkedCalls, 1000)
	orElse(&c.MaxParticipants, 15)
	orElse(&c.MaxChannels, 1000)
	orElse(&c.MaxChannelsPerSet, 16)
	orElse(&c.MaxSubscriptions, 100)
	orElse(&c.MaxWaitingPerStream, 65536)
	c.Contacts.fill()
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	orElse(&c.OCI.Username, c.Username)
	orElse(&c.OCI.Password, c.Password)
	orElse(&c.OCI.Domain, domain)
	orElse(&c.OCI.Seed, c.Seed)
	orElse(&c.OCI.Log, c.Log)
	return c
}
