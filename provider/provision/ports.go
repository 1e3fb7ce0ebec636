package provision

import (
	"context"

	"offhook/engine"
	"offhook/engine/tenant"
)

// Subscribers is where subscribers are changed. All but Hold return when the
// change is durable.
type Subscribers interface {
	PutProfile(ctx context.Context, p engine.Profile) (created bool, err *engine.Error)
	Link(ctx context.Context, app, subscriber string) *engine.Error
	Unlink(ctx context.Context, app, subscriber string) *engine.Error
	Delete(ctx context.Context, subscriber string) *engine.Error
	// Hold keeps everybody else from changing the subscriber until release:
	// what was seen of it is still so when it is changed.
	Hold(subscriber string) (release func())
}

// Tenants is what is provisioned.
type Tenants interface {
	App(id string) (*tenant.App, bool)
	Subscriber(id string) (*tenant.SubscriberInfo, bool, error)
	// UserOf returns the subscriber id of a provider's user, or "".
	UserOf(network, providerUser string) (subscriber string, err error)
}

// Memory is what is remembered across restarts of who came from the source.
// A Put need not be on disk when it returns, but what is written to
// Subscribers afterwards must not be on disk without it.
type Memory interface {
	Get(target string) ([]byte, error)
	Put(target string, value []byte) error
	Delete(target string) error
	Each(fn func(target string, value []byte) error) error
}
