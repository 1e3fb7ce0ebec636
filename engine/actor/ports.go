package actor

import (
	"context"

	"offhook/engine"
)

// Journal makes records durable. The store is one; a replicated log is another.
type Journal interface {
	// Submit stores put and emit as one unit and calls done once they are
	// durable. It encodes before it returns, so the caller may change or
	// reuse what it passed. It never blocks on the disk.
	//
	// Completions come in the order of submission. If one fails, all later
	// ones of the group fail: the error means that the outcome is unknown and
	// that ownership of the group is lost. Nothing cancels a submission. An
	// empty one is legal: it completes after everything before it.
	Submit(group uint32, fence uint64, put []engine.Record, emit []engine.Notification, done Completion)
	// Mark stores that a subscriber must be compared with its provider, since
	// facts about it were dropped. RecordResynced takes the mark back.
	Mark(group uint32, fence uint64, subscriber string, done Completion)
}

// Completion hears how a submission ended. It is called from the journal's own
// goroutine and must not wait for anything.
type Completion interface {
	Done(index uint64, err error)
}

// Store reads what the journal made durable.
type Store interface {
	// Load returns the subscriber with that id (folded), or nil.
	Load(id string) (*engine.Subscriber, error)
	// Owner returns the subscriber a call belongs or belonged to, or "".
	Owner(call engine.CallID) (subscriber string, err error)
	// Ended returns a released call that is still kept, or nil.
	Ended(call engine.CallID) (*engine.Call, error)
	// Conference returns whose conference it is or was, and the conference as it
	// began, or as it ended; nil when it is not kept.
	Conference(id engine.ConferenceID) (subscriber string, c *engine.Conference, err error)
	// Intent returns what is remembered of an idempotency key, or nil.
	Intent(app, subscriber, key string) (*engine.Intent, error)
	// UserOf returns the subscriber id of a provider's user, or "".
	UserOf(network, providerUser string) (subscriber string, err error)
	// Unsettled calls fn for each subscriber that has live calls, open
	// intents, deferred bodies or a resync mark.
	Unsettled(fn func(subscriber string, marked bool) error) error
}

// Networks finds the provider that a subscriber's network speaks.
type Networks interface {
	// Ask carries one request to the provider and returns its outcome. It may
	// take as long as ctx allows and is called outside of any actor.
	Ask(ctx context.Context, network string, ask engine.Ask) engine.Outcome
	// Platform says what a network can do, or nil when there is none with that
	// id. It is asked once for each step and does not wait.
	Platform(network string) *engine.Platform
	// Follow and Unfollow say whose events are wanted. They do not wait.
	Follow(network, providerUser string)
	Unfollow(network, providerUser string)
}

// Outbox learns of events that are durable and may leave.
type Outbox interface {
	// Wanted reports whether the app has a webhook of the kind, so that its
	// events are queued and not only logged.
	Wanted(app string, kind engine.StreamKind) bool
	// Wants says what the app wants to be told on its calls webhook; nil means
	// every change of state. It is asked once for each step and does not wait.
	Wants(app string) *engine.Wants
	// Logged says that an app has events in the log that were not there before,
	// with a webhook or without. It does not wait.
	Logged(app string)
	// Ready says that a stream has events up to a number that may leave. It
	// does not wait.
	Ready(app, subscriber string, kind engine.StreamKind, sequence uint64)
}

// Receipt is settled once the event it came with is durable, or once a mark is
// that makes up for it. It must not wait for anything.
type Receipt interface {
	Settle()
}
