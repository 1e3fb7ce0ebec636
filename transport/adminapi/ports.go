package adminapi

import (
	"context"

	"offhook/engine"
	"offhook/engine/tenant"
)

// Calls is the directory of subscribers: whoever changes one asks its owner.
// All return when the change is durable.
type Calls interface {
	PutProfile(ctx context.Context, p engine.Profile) (created bool, err *engine.Error)
	Link(ctx context.Context, app, subscriber string) *engine.Error
	Unlink(ctx context.Context, app, subscriber string) *engine.Error
	Delete(ctx context.Context, subscriber string) *engine.Error
}

// Tenants is what is provisioned. What it returns is never changed.
type Tenants interface {
	App(id string) (*tenant.App, bool)
	Apps() []*tenant.App // by the time they were made, then by id
	PutApp(*tenant.App) error
	// ChangeApp replaces an app by what fn makes of it; nobody else changes it
	// in between. fn must not wait.
	ChangeApp(id string, fn func(*tenant.App) (*tenant.App, error)) (found bool, err error)
	DeleteApp(id string) error

	Network(id string) (*tenant.Network, bool)
	Networks() []*tenant.Network
	PutNetwork(*tenant.Network) error
	DeleteNetwork(id string) error

	Subscriber(id string) (*tenant.SubscriberInfo, bool, error)
	// Subscribers and Linked call fn for up to limit subscribers, in the order
	// of their folded ids, beginning behind after.
	Subscribers(after string, limit int, fn func(*tenant.SubscriberInfo) error) error
	Linked(app, after string, limit int, fn func(*tenant.SubscriberInfo) error) error
}
