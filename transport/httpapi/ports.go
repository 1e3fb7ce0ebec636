package httpapi

import (
	"context"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/engine/tenant"
)

// CallView is a live call and whose it is.
type CallView = actor.CallView

// Calls is the directory of subscribers and their calls.
type Calls interface {
	// Do gives a command to a subscriber; DoCall to the one whose call it is.
	// Both return when the answer is durable, or when ctx ends.
	Do(ctx context.Context, subscriber string, cmd engine.Command) engine.Reply
	DoCall(ctx context.Context, cmd engine.Command) engine.Reply
	// Live are the durable live calls an app may see, in any order. The slices
	// of views are the caller's.
	Live(app string) []CallView
	// Whose is the subscriber of a live call, if the app may see it.
	Whose(app string, call engine.CallID) (subscriber string, ok bool)
	SubscriberCalls(ctx context.Context, app, subscriber string) ([]CallView, *engine.Error)
	// DoConference gives a command about a conference to the subscriber whose it
	// is, or is to be.
	DoConference(ctx context.Context, cmd engine.Command) engine.Reply
	// Conferences are the durable live conferences an app may see, in any order.
	// The slice is the caller's; what is in it is never changed.
	Conferences(app string) []*engine.ConferenceView
	// Lift says that the 201 of a call was handed to the socket, or never
	// will be. It does not wait.
	Lift(call engine.CallID)
}

// Tenants is what is provisioned. What it returns is never changed.
type Tenants interface {
	Key(keyID string) (*tenant.App, tenant.Key, bool)
	Network(id string) (*tenant.Network, bool)
	Subscriber(id string) (*tenant.SubscriberInfo, bool, error)
	// Linked calls fn for up to limit subscribers linked to an app, in the
	// order of their folded ids, beginning behind after.
	Linked(app, after string, limit int, fn func(*tenant.SubscriberInfo) error) error
	// Reached are the networks of the subscribers linked to an app, in order.
	Reached(app string) ([]string, error)
}

// Platforms says what networks can do, or nil for one that nobody runs.
type Platforms interface {
	Platform(network string) *engine.Platform
}
