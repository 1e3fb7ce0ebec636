package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/engine/clock"
	"offhook/engine/tenant"
	"offhook/store"
	"offhook/transport/webhook"
)

const (
	network   = "net"
	dataDir   = "data"
	users     = 6
	retention = 20 * time.Minute
)

// The apps: one whose receiver is well most of the time, one whose receiver is
// not and that wants to know everything, and one without a webhook.
var apps = []string{"calm", "moody", "reader"}

var errPower = errors.New("the power is gone")

// world is one offhook and everybody who has to do with it. Those outlive it.
type world struct {
	seed   uint64
	random *rand.Rand // the driver's
	dice   *rand.Rand // everybody else's; guarded by mu

	order sync.Mutex // submissions are noted in the order they are made

	mu       sync.Mutex // guards everything below but what says otherwise
	rows     *rows
	promises *promises
	catalog  catalog
	places   map[string]place // of rows of ev/ and wait/
	times    map[string]int64 // when a row became old
	faults   []string         // violations
	dead     bool             // the power is gone: nothing leaves any more
	frozen   bool             // the disk does not answer: nothing may leave

	platform    *platform
	books       map[engine.StreamID]*book
	moods       map[string]mood
	keys        map[string]*key // idempotency keys by name
	sentCalls   map[callOf]bool // in this life
	lives       int
	cutoff      int64 // of the last sweep of all lives
	taken       int
	repeats     int
	commands    int
	gaps        int
	submissions int
	started     time.Time    // of this life, in its own time
	clock       atomic.Int64 // ms; when this life began
	memTable    uint64
	roomy       bool      // one log for all of a life
	hasty       bool      // nobody looks at the disk but when the power goes
	exit        func(int) // nil: nobody minds
	ending      bool      // the store asked for the end of the process
	store       *store.Store
	directory   *actor.Directory
	dispatcher  *webhook.Dispatcher
	running     sync.WaitGroup
	cancel      context.CancelFunc
	ctx         context.Context
	over        chan struct{} // closed when the life is taken apart
}

func newWorld(seed uint64) *world {
	w := &world{
		seed: seed, random: rand.New(rand.NewPCG(seed, 1)), dice: rand.New(rand.NewPCG(seed, 2)),
		rows: newRows(map[string]string{}, 0), promises: newPromises(), places: map[string]place{}, times: map[string]int64{},
		books: map[engine.StreamID]*book{}, moods: map[string]mood{}, keys: map[string]*key{},
	}
	w.platform = newPlatform(w)
	for i := range users {
		w.catalog.subs = append(w.catalog.subs, engine.Fold(subscriber(i)))
		w.catalog.users = append(w.catalog.users, w.platform.users[i].id)
	}
	w.started = time.Now()
	w.clock.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMilli())
	return w
}

func subscriber(i int) string { return fmt.Sprintf("Sub%d@example.com", i) }

// now is one clock over all lives.
func (w *world) now() int64 { return w.clock.Load() + time.Since(w.started).Milliseconds() }

// violated notes a broken promise; w.mu is held.
func (w *world) violated(format string, args ...any) {
	if len(w.faults) < 20 {
		w.faults = append(w.faults, fmt.Sprintf(format, args...))
	}
}

// left is called when something leaves the process; w.mu is held.
func (w *world) left(what string) {
	if w.frozen {
		w.violated("%s leaves while the disk has not answered", what)
	}
}

func (w *world) isDead() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dead
}

// start begins a life on a disk. It may end early: then the power went.
func (w *world) start(fs vfs.FS) error {
	w.mu.Lock()
	w.started = time.Now()
	w.sentCalls = map[callOf]bool{}
	for _, b := range w.books {
		b.next = 0
	}
	w.lives++
	w.memTable = 16 << 10 << w.random.IntN(3)
	if w.roomy {
		w.memTable = 4 << 20
	}
	w.mu.Unlock()
	opts := w.options(fs)
	opts.OnFailure = func(error) {}
	s, err := store.Open(dataDir, opts)
	if err != nil {
		return err
	}
	w.mu.Lock()
	if !w.dead {
		w.claim(installation, s.Installation())()
	}
	w.mu.Unlock()
	w.over = make(chan struct{})
	w.ctx, w.cancel = context.WithCancel(context.Background())
	entropy := rand.New(rand.NewPCG(w.seed, uint64(100+w.lives)))
	var dealing sync.Mutex
	draw := func() uint64 { dealing.Lock(); defer dealing.Unlock(); return entropy.Uint64() }
	dispatcher := webhook.New(webhook.Config{
		Outbox: outbox{s, w}, Tenants: tenants{s, w}, Poster: w, Retention: retention, Grace: time.Minute,
		Clock: clock.New(w.now, nil), Random: draw,
	})
	w.mu.Lock()
	w.store, w.dispatcher = s, dispatcher
	w.directory = actor.New(actor.Config{
		Journal: recorder{w, s}, Store: s, Networks: w.platform, Outbox: ready{dispatcher, w}, Clock: clock.New(w.now, nil), Entropy: draw,
	})
	w.mu.Unlock()
	for _, app := range apps {
		if _, made := s.App(app); !made {
			w.putApp(app)
		}
	}
	if err := w.directory.Start(w.ctx); err != nil {
		return err
	}
	dispatcher.Start()
	w.platform.connect()
	return nil
}

// ready is the outbox as the owners know it.
type ready struct {
	*webhook.Dispatcher
	w *world
}

// Logged is where the streams of the event log hear that there is more.
func (r ready) Logged(string) {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	r.w.left("an event of the log")
}

// stop takes a life apart, dead or alive.
func (w *world) stop() error {
	w.cancel()
	w.platform.disconnect()
	w.directory.Close()
	aborted, abort := context.WithCancel(context.Background())
	abort()
	var ending sync.WaitGroup
	ending.Go(func() { _ = w.dispatcher.Stop(aborted) })
	synctest.Wait() // no attempt begins any more: those that hang may end
	close(w.over)
	ending.Wait()
	w.running.Wait()
	return w.store.Close()
}

// claim notes that somebody wants a row to be so. What it returns is called
// when they are told that it is. w.mu is held, both times.
func (w *world) claim(key, value string) (told func()) {
	p := w.promises
	p.claims[key] = append(p.claims[key], claim{value: value, started: p.now()})
	i := len(p.claims[key]) - 1
	return func() {
		if !w.dead {
			p.claims[key][i].told = p.now()
		}
	}
}

func (w *world) putApp(id string) {
	a := &tenant.App{ID: id, Name: id, CreatedAt: w.now()}
	if id != "reader" {
		a.Calls = tenant.Receiver{URL: "https://" + id + ".example/calls", Extended: id == "moody"}
		a.Subscriber = tenant.Receiver{URL: "https://" + id + ".example/subscribers"}
	}
	w.mu.Lock()
	told := w.claim("app/"+id, appRow(a))
	w.mu.Unlock()
	err := w.store.PutApp(a)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.left("a change of an app")
		told()
	}
}

// tenants is the store's, with a clerk at its door.
type tenants struct {
	*store.Store
	w *world
}

func (t tenants) ChangeApp(id string, fn func(*tenant.App) (*tenant.App, error)) (bool, error) {
	told := func() {}
	found, err := t.Store.ChangeApp(id, func(was *tenant.App) (*tenant.App, error) {
		is, err := fn(was)
		if err == nil && is != was {
			t.w.mu.Lock()
			told = t.w.claim("app/"+id, appRow(is))
			t.w.mu.Unlock()
		}
		return is, err
	})
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	if err == nil {
		told()
	}
	return found, err
}

// outbox is the store's, with a clerk at its door.
type outbox struct {
	*store.Store
	w *world
}

func (o outbox) Expire(stream engine.StreamID, since uint64, old func(at int64) bool, now int64, eventID string) (bool, error) {
	o.w.mu.Lock()
	if o.w.promises.expiring[stream] == 0 {
		o.w.promises.expiring[stream] = o.w.promises.now()
	}
	o.w.mu.Unlock()
	found, err := o.Store.Expire(stream, since, old, now, eventID)
	o.w.mu.Lock()
	defer o.w.mu.Unlock()
	if found {
		o.w.gaps++
	}
	return found, err
}

// Delivered is called for what a receiver took, and for what need not be sent: a
// gap, of which a header told, and what is older than the webhook.
func (o outbox) Delivered(stream engine.StreamID, sequence uint64) {
	at := place{stream, sequence}
	o.w.mu.Lock()
	taken := o.w.promises.delivered[at] > 0
	o.w.mu.Unlock()
	if !taken {
		ev, found, err := o.Store.Event(stream, sequence)
		app, known := o.Store.App(stream.App)
		spared := !found || ev.GapFrom != 0 || !known || ev.Index <= app.Receiver(stream.Kind).Since
		o.w.mu.Lock()
		if err == nil && !spared {
			o.w.violated("number %d of %v waits no more, and nobody took it", sequence, stream)
		}
		if o.w.promises.delivered[at] == 0 {
			o.w.promises.delivered[at] = o.w.promises.now()
		}
		o.w.mu.Unlock()
	}
	o.Store.Delivered(stream, sequence)
}

// remember adds what a submission was about to what is looked for on a disk;
// w.mu is held.
func (w *world) remember(put []engine.Record, emit []engine.Notification) {
	for i := range put {
		switch r := &put[i]; r.Kind {
		case engine.RecordCall:
			key := "call/" + r.Call.ID.String()
			if _, known := w.times[key]; !known {
				w.catalog.calls = append(w.catalog.calls, r.Call.ID)
			}
			w.times[key] = r.Call.ReleasedAt
		case engine.RecordIntent:
			key := intentRow(r.Intent.App, engine.Fold(r.Subscriber.ID), r.Intent.Key)
			if _, known := w.times[key]; !known {
				w.catalog.intents = append(w.catalog.intents, engine.Intent{App: r.Intent.App, SubscriberNumber: engine.Fold(r.Subscriber.ID), Key: r.Intent.Key})
			}
			if w.times[key] = r.Intent.SettledAt; r.Intent.Open() {
				w.times[key] = r.Intent.OpenedAt
			}
		case engine.RecordReplaced:
			if key := "next/" + r.Replaced.String(); w.times[key] == 0 {
				w.times[key] = w.now()
			}
		}
	}
	for i := range emit {
		at := place{emit[i].Stream(), emit[i].Sequence}
		for _, prefix := range []string{"ev/", "wait/"} {
			w.places[at.row(prefix)], w.times[at.row(prefix)] = at, emit[i].Time
		}
	}
}

// carry begins the memory of the next life with what is left on the disk.
func (w *world) carry(pic *picture) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.submissions += w.rows.n
	if w.promises.claims[installation] == nil && w.rows.base[installation] == "" {
		delete(pic.rows, installation)
	}
	w.rows = newRows(pic.rows, pic.index)
	for at, ev := range pic.events {
		w.rows.events[at] = event{index: ev.Index, queue: ev.Queue, call: ev.Call, state: ev.State, time: ev.Time}
	}
	w.promises = newPromises()
	w.dead = false
}

// lately is how many submissions back a row counts as written lately.
const lately = 16

// hot are the rows of calls and intents that were written lately, as far as
// those who look know: what is on its way to the disk among them.
func (w *world) hot() map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	hot := map[string]bool{}
	for key, h := range w.rows.history {
		if h[len(h)-1].by <= w.rows.acked-lately {
			continue
		}
		switch kind, of, _ := strings.Cut(key, "/"); kind {
		case "call", "idem":
			hot[key] = true
		case "next": // it is read with its call
			hot["call/"+of] = true
		}
	}
	return hot
}

// exits is where a store asks for the end of the process.
func (w *world) exits(code int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ending = true
	if w.exit != nil {
		w.exit(code)
	}
}
