package busy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/engine/tenant"
	"offhook/store"
)

// secret signs the webhooks.
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" // #nosec G101 -- the example of Standard Webhooks

// App is the id of the nth app. It looks like one of offhook's.
func App(n int) string { return fmt.Sprintf("e1c1eef6-8c12-4031-8cc9-%012d", n) }

// Config is what an office is made of.
type Config struct {
	Dir    string
	FS     vfs.FS // nil means the operating system's
	Apps   int    // zero means one
	URL    func(app int) string
	Log    *slog.Logger
	Outbox func(*store.Store, *prometheus.Registry) actor.Outbox // nil: events wait, and nothing is delivered
	Memory uint64                                                // of rows that were just written; zero means the store's default
}

// factWait is how long an event may wait undecided. On a machine that does not
// get to it in the usual second it would become a mark, which is no transition.
const factWait = time.Minute

// Office is one offhook from its owners to its disk, with metrics as it has
// them.
type Office struct {
	Store     *store.Store // nil of one without
	Directory *actor.Directory
	Registry  *prometheus.Registry

	apps    int
	started bool
	dead    chan struct{} // closed when the store fails
	die     sync.Once
	err     error // why; set before dead is closed
}

// Open opens a data directory, makes the apps, and starts nobody yet.
func Open(c Config) (*Office, error) {
	o := &Office{apps: max(c.Apps, 1), Registry: prometheus.NewRegistry(), dead: make(chan struct{})}
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	var err error
	o.Store, err = store.Open(c.Dir, store.Options{
		FS: c.FS, Logger: log, Metrics: store.NewMetrics(o.Registry), MemTable: c.Memory, OnFailure: o.fail, Exit: func(int) {},
	})
	if err != nil {
		return nil, err
	}
	for n := range o.apps {
		a := &tenant.App{ID: App(n), Name: "bench", Calls: tenant.Receiver{URL: "http://127.0.0.1:9/", Secrets: []string{secret}}}
		if c.URL != nil {
			a.Calls.URL = c.URL(n)
		}
		if err := o.Store.PutApp(a); err != nil {
			return nil, errors.Join(err, o.Store.Close())
		}
	}
	var outbox actor.Outbox = nobody{}
	if c.Outbox != nil {
		outbox = c.Outbox(o.Store, o.Registry)
	}
	o.Directory = actor.New(actor.Config{
		Journal: o.Store, Store: o.Store, Networks: silent{}, Outbox: outbox,
		Log: log, Metrics: actor.NewMetrics(o.Registry), Failed: o.fail, Room: o.Store.Room, FactWait: factWait,
	})
	return o, nil
}

// Without is an office whose owners have another journal, and what it keeps in
// place of a store.
func Without(journal actor.Journal, kept actor.Store) *Office {
	o := &Office{Registry: prometheus.NewRegistry(), dead: make(chan struct{})}
	o.Directory = actor.New(actor.Config{
		Journal: journal, Store: kept, Networks: silent{}, Outbox: nobody{},
		Log: slog.New(slog.DiscardHandler), Metrics: actor.NewMetrics(o.Registry), Failed: o.fail, FactWait: factWait,
	})
	return o
}

// Start brings back the calls that are live.
func (o *Office) Start(ctx context.Context) error {
	o.started = true
	return o.Directory.Start(ctx)
}

// Close ends everybody and lets go of the directory.
func (o *Office) Close() error {
	if o.started {
		o.Directory.Close()
	}
	if o.Store == nil {
		return nil
	}
	return o.Store.Close()
}

// fail is told when the store failed.
func (o *Office) fail(err error) {
	o.die.Do(func() {
		o.err = err
		close(o.dead)
	})
}

// nobody is an outbox whose events wait for ever.
type nobody struct{}

func (nobody) Wanted(_ string, kind engine.StreamKind) bool { return kind == engine.StreamCalls }
func (nobody) Wants(string) *engine.Wants                   { return nil }
func (nobody) Logged(string)                                {}
func (nobody) Ready(string, string, engine.StreamKind, uint64) {
}

// silent is a provider that takes every request and says nothing on its own.
type silent struct{}

func (silent) Ask(_ context.Context, _ string, a engine.Ask) engine.Outcome {
	if a.Verb == engine.VerbSnapshot { // what BroadWorks answers: it comes on the event stream
		return engine.Outcome{Kind: engine.OutcomeAccepted, Snapshot: &engine.Snapshot{Coming: true}}
	}
	return engine.Outcome{Kind: engine.OutcomeAccepted}
}
func (silent) Platform(string) *engine.Platform { return nil }
func (silent) Follow(string, string)            {}
func (silent) Unfollow(string, string)          {}
