package replay

import (
	"context"
	"log/slog"
	"time"

	"offhook/engine"
	"offhook/engine/clock"
	"offhook/engine/tenant"
)

// Log is the events of all apps, as they are stored. It shows only what is
// durable.
type Log interface {
	// Events calls fn for the events of an app behind an index, in the order
	// of the log; at most limit of them.
	Events(app string, behind uint64, limit int, fn func(engine.StoredEvent) error) (oldest uint64, err error)
	// Event returns an event of a stream that is still kept.
	Event(stream engine.StreamID, sequence uint64) (engine.StoredEvent, bool, error)
	// Durable is the index of the last event of all.
	Durable() uint64
}

// Tasks keeps tasks across restarts.
type Tasks interface {
	// PutTask stores a task, synced if it has to be durable.
	PutTask(t *Task, durable bool) error
	Task(app, id string) (Task, bool, error)
	// Tasks calls fn for the tasks of an app; "" for all apps.
	Tasks(app string, fn func(Task) error) error
	DeleteTask(app, id string) error
}

// Tenants says who has a webhook.
type Tenants interface {
	App(id string) (*tenant.App, bool)
}

// Redeliverer makes one attempt on one event, in the lane of its stream. Its
// errors are those of webhook.Dispatcher.
type Redeliverer interface {
	Redeliver(ctx context.Context, stream engine.StreamID, sequence uint64) (engine.Attempt, error)
}

// Config is what a Replayer works with. Zero fields mean the defaults.
type Config struct {
	Log     Log
	Tasks   Tasks
	Tenants Tenants
	Lanes   Redeliverer
	Metrics *Metrics     // nil measures nothing
	Logger  *slog.Logger // nil logs nothing

	PerApp   int // running tasks of one app; zero means 4
	InAll    int // running tasks of all apps; zero means 64
	Streams  int // of one task, side by side; zero means 4, and so many attempts of one app are under way at a time
	Attempts int // under way at a time, of all apps; zero means 12: less than the dispatcher takes, so that a person's single redelivery finds room

	Keep    int           // finished tasks of one app; zero means 100
	KeepFor time.Duration // how long; zero means 7 days
	Count   int           // rows of the log that are looked at to tell how much there is to do; zero means 100,000

	Clock  *clock.Clock  // nil means the system's
	Random func() uint64 // nil means math/rand/v2
}
