package webhook

import (
	"log/slog"
	"time"

	"offhook/engine"
	"offhook/engine/clock"
	"offhook/engine/tenant"
	"offhook/engine/trace"
)

// Outbox is where events wait. The store is one. It shows only what is durable.
type Outbox interface {
	// Waiting calls fn with the first waiting event of each stream, in the
	// order of the keys, for up to limit streams after a stream.
	Waiting(after engine.StreamID, limit int, fn func(engine.Waiting) error) error
	// WaitingOf is Waiting for the streams of one webhook, behind a subscriber.
	WaitingOf(app string, kind engine.StreamKind, behind string, limit int, fn func(engine.Waiting) error) error
	// Next returns the first waiting event of a stream with a number above after.
	Next(stream engine.StreamID, after uint64) (engine.StoredEvent, bool, error)
	// Delivered says that the receiver took an event. It is made durable
	// lazily: a crash may forget it, this process must not.
	Delivered(stream engine.StreamID, sequence uint64)
	// Event returns an event of a stream that is still kept, waiting or not.
	Event(stream engine.StreamID, sequence uint64) (engine.StoredEvent, bool, error)
	// Expire gives up what waits since a time that is old, and is behind an index in
	// the log: in its place waits a gap that names it. It reports false if there
	// is nothing to give up. Nothing of the stream may be on its way meanwhile.
	Expire(stream engine.StreamID, since uint64, old func(at int64) bool, now int64, eventID string) (bool, error)
	// DropWaiting lets the events of a webhook up to an index wait no more.
	DropWaiting(app string, kind engine.StreamKind, through uint64) error
	// Durable is the index of the last event that is shown.
	Durable() uint64
	// Attempt records one try, lazily. Losing it never sends anything again.
	Attempt(a engine.Attempt)
}

// Tenants says who receives what.
type Tenants interface {
	App(id string) (*tenant.App, bool)
	Apps() []*tenant.App
	// ChangeApp replaces an app by what fn makes of it; nobody else changes it
	// in between.
	ChangeApp(id string, fn func(*tenant.App) (*tenant.App, error)) (found bool, err error)
	OnChange(fn func()) // called after apps changed
}

// Config is what a Dispatcher works with. Zero fields mean the defaults.
type Config struct {
	Outbox  Outbox
	Tenants Tenants
	Poster  Poster
	Metrics *Metrics     // nil measures nothing
	Log     *slog.Logger // nil logs nothing

	Slots int // attempts under way at a time, in all; zero means 512. One endpoint gets a quarter at most
	Lanes int // streams in memory for one endpoint; zero means 16,384

	Retention time.Duration // what waits for longer is given up, with a gap that says so; zero means 7 days
	Grace     time.Duration // after a start nothing is given up before; zero means an hour
	Notice    func(Notice)  // told of endpoints that fail, are disabled or recover; must not wait; nil tells nobody

	Rescan time.Duration // a pass over all waiting streams, in case anything was overlooked; zero means 5 minutes

	Tracer *trace.Tracer // of attempts; nil exports nothing
	Traces *trace.Memory // what events came from; nil knows of none

	Clock  *clock.Clock  // nil means the system's
	Random func() uint64 // nil means math/rand/v2
}
