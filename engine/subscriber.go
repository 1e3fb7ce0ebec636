package engine

import "strings"

// Slots is how many slots subscribers are hashed to. It is part of the data
// format and of every call id: never changed.
const Slots = 1024

// Fold is how subscriber ids are compared and hashed: their case is kept and
// not told apart.
func Fold(subscriberID string) string { return strings.ToLower(subscriberID) }

// SlotOf is the slot of a subscriber id (FNV-1a of its folded form).
func SlotOf(subscriberID string) uint16 {
	h := uint64(14695981039346656037)
	for _, b := range []byte(Fold(subscriberID)) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return uint16((h ^ h>>32) & (Slots - 1))
}

// Profile is what provisioning says of a subscriber.
type Profile struct {
	ID           string // unique in the installation; case kept, compared folded
	Number       string // E.164
	Extension    string
	Name         string
	AccountID    string // customer, site or whatever the provider groups by
	Network      string // network id
	ProviderUser string // the subscriber's id at the provider
}

// Subscriber is one user of a provider: the unit of ownership and of order.
// It is changed by Step alone.
type Subscriber struct {
	Profile

	Streams    []Stream    // one for each app that was ever linked
	Calls      []Call      // live calls, oldest first
	Ended      []Ended     // calls released within EndedMemory, oldest first
	Intents    []Intent    // open ones, and those settled less than intentMemory ago
	Source     Source      // what was heard last from the provider
	Conference *Conference // the one the subscriber has; nil for none
	Deleted    bool        // deprovisioned; the record stays for the counters of its streams

	shown *Profile // see Shown

	transient
}

// slot is the subscriber's. It is hashed once: there is a call id for each call.
func (s *Subscriber) slot() uint16 {
	if s.slotted == 0 {
		s.slotted = SlotOf(s.ID) + 1
	}
	return s.slotted - 1
}

// Shown is the profile as it is now, for those who look at it later: when it
// changes they keep what they have.
func (s *Subscriber) Shown() *Profile {
	if s.shown == nil {
		is := s.Profile
		s.shown = &is
	}
	return s.shown
}

// Stream is what one app is told about one subscriber. Its counters are kept
// for ever, also while the app is not linked.
type Stream struct {
	App        string
	Linked     bool
	Calls      uint64 // last number of the calls webhook
	Subscriber uint64 // last number of the subscriber webhook
	// Deferred are bodies that wait for the app to learn its call id from a
	// 201. They have no number yet; order is kept.
	Deferred []Deferred
}

// Deferred is a transition, or a change of detail, an app will be told of when
// its barrier opens.
type Deferred struct {
	Call Call // as it was then
	Time int64
	Type string // of the change of detail; empty for a transition
}

// Ended remembers a released call, so that a late mention of it is known. The
// call as it ended is in the store.
type Ended struct {
	ID         CallID
	ProviderID string
	TrackingID string
	Direction  Direction
	StartTime  int64 // provider's clock, last told
	EndTime    int64 // provider's clock; zero when it never told
	ReleasedAt int64 // our clock
	Session    Session

	set  int64  // ms by which the clock was set since ReleasedAt
	at   uint64 // Subscriber.inputs when it was released; zero in an earlier life
	lost bool   // nobody said that it was over: snapshots did not show it

	marks marks // zero until they are needed
}

// marks are hashes of the ids of a call that is over. They tell most calls apart
// without a look at the ids themselves, which are somewhere else in memory.
type marks struct{ provider, tracking uint32 }

func marksOf(providerID, trackingID string) marks {
	return marks{uint32(hash(providerID)), uint32(hash(trackingID))} // #nosec G115 -- half of a hash is enough
}

// Source is what was last heard of a subscriber, to drop repeats and notice
// gaps. A provider's redelivery may come after a restart, so it is stored.
type Source struct {
	Subscription string
	Sequence     uint32
	Recent       [8]uint64 // hashes of the last event ids, a ring
	Next         uint8     // where the next hash goes
}

// Intent is an originate from the moment it is durable to the moment its
// outcome is known, and on for as long as its key is remembered.
type Intent struct {
	Call     CallID
	App      string
	Key      string // idempotency key; empty for none
	BodyHash [32]byte
	Dialed   string // what the provider was asked to dial

	// As the app sent them; the answer repeats them.
	SubscriberNumber, RemoteNumber, SubscriberName, RemoteName, ClientRef string

	OpenedAt  int64
	SettledAt int64   // zero while open
	Refusal   Code    // settled: why there is no call; empty when it was placed
	Session   Session // of the call, once there is one

	set int64 // ms by which the clock was set since SettledAt
}

// Open reports whether the outcome is not known yet.
func (i *Intent) Open() bool { return i.SettledAt == 0 }

// asItIs is a copy for a record: a later step may change the intent itself.
func (i *Intent) asItIs() *Intent {
	is := *i
	return &is
}
