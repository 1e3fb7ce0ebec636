// Package provider says what every platform adapter shares: how it is asked,
// how it tells, and what it is told to follow.
//
// BroadWorks is in provider/broadworks. A second platform is a second package
// beside it; nothing else changes.
package provider

import (
	"context"

	"offhook/engine"
)

// Provider is one provider system, as seen by the rest of offhook.
type Provider interface {
	// Ask carries out one request and says what became of it. It never repeats
	// what changes something; what only reads it may. It returns when the outcome
	// is known or ctx ends (then OutcomeUnknown if anything may have been sent,
	// else OutcomeNotSent). VerbRetrieve comes as the originate that it is.
	Ask(ctx context.Context, ask engine.Ask) engine.Outcome
	// Platform says what the provider can be asked for at all. What it returns
	// is never changed; once more is known it returns another. It does not wait.
	Platform() *engine.Platform
	// Follow asks for the events of a user from now on. Unfollow ends that.
	// Both return at once, may be called before Run, and may repeat.
	Follow(user string)
	Unfollow(user string)
	// Run holds the event stream until ctx ends, then leaves no goroutine. It
	// returns an error only for a configuration that can never work.
	Run(ctx context.Context) error
	// Status says how the link is, for people and metrics.
	Status() Status
	// User says how one user stands at the provider.
	User(user string) UserStatus
}

// Sink takes what a provider tells. Its methods never block and may be called
// from any goroutine; events of one user are handed over in the order they
// were received.
type Sink interface {
	// Deliver hands over one event about a user. receipt is settled when the
	// event is durable, at once when nobody follows the user.
	Deliver(user string, ev *engine.Event, receipt Receipt)
	// Resync says that events of the user may be lost: its calls must be
	// compared with a snapshot.
	Resync(user string)
}

// Receipt is settled once its event needs no redelivery. The adapter
// acknowledges then, and not before.
type Receipt interface {
	Settle()
}

// Link is the condition of the event stream.
type Link string

// The conditions of a link.
const (
	LinkDown       Link = "down"        // being built, or built again
	LinkUp         Link = "up"          // events flow
	LinkGateClosed Link = "gate_closed" // the provider refused our credentials; nothing is sent but a rare probe
	LinkDuplicate  Link = "duplicate"   // another client took our application id
)

// Status is a provider's condition.
type Status struct {
	Link       Link
	Since      int64  // ms since the epoch
	Detail     string // for people; free of secrets and personal data
	Channels   int
	Followed   int // users followed
	Subscribed int // of these, with a standing subscription
	Refused    int // of these, refused by the provider
}

// UserState is how one user stands at the provider.
type UserState string

// The states of a user. Those from UserUnknown on are the provider's no: it is
// asked again, seldom.
const (
	UserNotFollowed UserState = "not_followed"
	UserPending     UserState = "pending"    // waits for the link, or for its subscription
	UserSubscribed  UserState = "subscribed" // its events come
	UserUnknown     UserState = "unknown_user"
	UserOverQuota   UserState = "over_quota"
	UserNotAllowed  UserState = "not_allowed"
	UserRefused     UserState = "refused"
)

// UserStatus is a user's condition. The zero value is that of a user nobody
// follows, but for its State.
type UserStatus struct {
	State   UserState
	Detail  string // for people; free of secrets and personal data
	Since   int64  // of a refusal, ms since the epoch
	RetryAt int64  // when the provider is asked again, ms since the epoch; 0 for at the next occasion
}
