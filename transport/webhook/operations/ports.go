package operations

import (
	"log/slog"
	"time"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/webhook"
)

// Tenants says which apps there are, and where they want to be told.
type Tenants interface {
	App(id string) (*tenant.App, bool)
	Apps() []*tenant.App
	OnChange(fn func()) // called after apps changed
}

// Config is what a Sender works with. Zero fields mean the defaults.
type Config struct {
	Tenants Tenants
	Poster  webhook.Poster // for the receivers of apps
	Metrics *Metrics       // nil measures nothing
	Log     *slog.Logger   // nil logs nothing

	Operator       tenant.Receiver // the zero Receiver for none
	OperatorPoster webhook.Poster  // who runs offhook chose that URL: it may be where those of apps may not

	// Status is how an endpoint is; false if there is none. It is asked from
	// time to time about those that are not well: a person may have changed
	// them. Nil means that only what is told counts.
	Status func(app string, kind engine.StreamKind) (webhook.Status, bool)

	FailingAfter time.Duration // an endpoint that is back sooner was never failing; zero means a minute
	LookEvery    time.Duration // pause between looks at endpoints that are not well; zero means a minute
	Slots        int           // POSTs under way at a time; zero means 16

	Now    func() time.Time // the wall clock; nil means time.Now
	Random func() uint64    // nil means math/rand/v2
}

func (c Config) fill() Config {
	def(&c.FailingAfter, time.Minute)
	def(&c.LookEvery, time.Minute)
	def(&c.Slots, 16)
	return c
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
