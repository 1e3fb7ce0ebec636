package hookapi

import (
	"context"
	"io"
	"log/slog"
	"net/url"
	"time"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/eventlog"
	"offhook/transport/webhook"
	"offhook/transport/webhook/replay"
)

// Tenants is what is provisioned. What it returns is never changed.
type Tenants interface {
	// ChangeApp replaces an app by what fn makes of it; nobody else changes it
	// in between. fn must not wait.
	ChangeApp(id string, fn func(*tenant.App) (*tenant.App, error)) (found bool, err error)
	Subscriber(id string) (*tenant.SubscriberInfo, bool, error)
}

// Log is what was told, what waits, and what was tried.
type Log interface {
	Durable() uint64
	// DropWaiting lets the events of a webhook up to an index wait no more.
	DropWaiting(app string, kind engine.StreamKind, through uint64) error
	// Next returns the first waiting event of a stream with a number above after.
	Next(stream engine.StreamID, after uint64) (engine.StoredEvent, bool, error)
	Event(stream engine.StreamID, sequence uint64) (engine.StoredEvent, bool, error)
	// AttemptsOf lists attempts with a bounded amount of work: there may be
	// more behind last even if fewer came than were asked for.
	AttemptsOf(q engine.AttemptQuery, fn func(engine.Attempt) error) (last engine.AttemptPlace, more bool, err error)
}

// Deliveries is what delivers.
type Deliveries interface {
	StatusOf(app string, kind engine.StreamKind) (webhook.Status, bool)
	Streams(app string, kind engine.StreamKind, behind string, limit int, fn func(webhook.StreamStatus) error) error
	// Resume and ResumeStream try again at once what is parked or waits.
	Resume(app string, kind engine.StreamKind)
	ResumeStream(app, subscriber string, kind engine.StreamKind)
	// Redeliver makes one attempt, in the lane of the event's stream.
	Redeliver(ctx context.Context, stream engine.StreamID, sequence uint64) (engine.Attempt, error)
}

// Prober talks to receivers outside of delivery.
type Prober interface {
	// Challenge fails if the receiver does not prove that it knows the secret.
	Challenge(ctx context.Context, app string, r tenant.Receiver) error
	// Test sends one signed test event. kind is zero for the operational webhook.
	Test(ctx context.Context, app string, kind engine.StreamKind, r tenant.Receiver) (out webhook.Outcome, eventID string, err error)
}

// Replays are tasks that send past events once more.
type Replays interface {
	Start(of replay.Range) (replay.Task, error)
	Task(app, id string) (replay.Task, bool)
	Tasks(app string) []replay.Task
	Cancel(app, id string) bool
}

// Guard says where webhooks may go, as far as it can be told without asking
// anybody.
type Guard interface {
	CheckURL(app, raw string) (*url.URL, error)
}

// Config is what an API works with. Zero fields mean the defaults.
type Config struct {
	Tenants    Tenants
	Log        Log
	Deliveries Deliveries
	Prober     Prober  // nil: no test events, and apps that want challenges cannot set a new URL
	Replays    Replays // nil: no tasks
	URLs       URLs
	Cursors    func(app string) eventlog.Cursors // hides places in the log

	Logger  *slog.Logger     // nil logs nothing
	Now     func() time.Time // nil means time.Now
	Random  io.Reader        // secrets are made from it; nil means crypto/rand
	Timeout time.Duration    // how long a request waits for a receiver; zero means 15 s
}
