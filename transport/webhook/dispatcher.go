package webhook

import (
	"context"
	"hash/maphash"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"offhook/engine"
	"offhook/engine/clock"
	"offhook/engine/tenant"
)

// Dispatcher delivers what waits in an outbox. Make it with New, begin with
// Start, end with Stop.
type Dispatcher struct {
	cfg  Config
	log  *slog.Logger
	born time.Time // due times of resting streams count from here
	seed maphash.Seed

	slots  slots
	flying atomic.Int64 // attempts on the wire

	mu    sync.Mutex                                // guards changes of table
	table atomic.Pointer[map[endpointKey]*endpoint] // copied on change

	refreshing sync.Mutex // held by the Refresh that looks: who looks last aims last

	pass    atomic.Uint64 // of the scan
	wake    chan struct{} // an endpoint could use the scan
	orphans atomic.Bool   // a webhook was removed: what waits for it is to be dropped
	stop    chan struct{}
	scanned chan struct{} // the scan has ended
	expired chan struct{} // the expirer has ended

	redeliveries chan struct{} // one in it for each under way

	running  atomic.Bool // attempts may begin
	stopping atomic.Bool
	started  bool
	workers  sync.WaitGroup // those that work for an endpoint, and who borrowed a lane

	crew    sync.WaitGroup // all goroutines of workers
	resting chan *endpoint // where workers wait that have none; closed by Stop
	rests   atomic.Int64   // how many do
}

// New makes a dispatcher. Nothing is sent before Start; what Ready tells until
// then is kept or found again.
func New(cfg Config) *Dispatcher {
	def(&cfg.Slots, 512)
	def(&cfg.Lanes, 16384)
	def(&cfg.Rescan, 5*time.Minute)
	def(&cfg.Retention, 7*24*time.Hour)
	def(&cfg.Grace, time.Hour)
	if cfg.Clock == nil {
		cfg.Clock = clock.New(nil, nil)
	}
	if cfg.Random == nil {
		cfg.Random = rand.Uint64
	}
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	d := &Dispatcher{
		cfg: cfg, log: log, born: time.Now(), seed: maphash.MakeSeed(),
		slots: slots{free: cfg.Slots},
		wake:  make(chan struct{}, 1), stop: make(chan struct{}), scanned: make(chan struct{}), expired: make(chan struct{}),
		redeliveries: make(chan struct{}, maxRedeliveries), resting: make(chan *endpoint),
	}
	d.table.Store(&map[endpointKey]*endpoint{})
	d.pass.Store(1)
	cfg.Metrics.watch(d)
	return d
}

// Start finds what waits and begins to deliver.
func (d *Dispatcher) Start() {
	d.started = true
	d.running.Store(true)
	d.cfg.Tenants.OnChange(d.Refresh)
	d.Refresh()
	for _, ep := range d.endpoints() {
		ep.mu.Lock()
		ep.pump()
		ep.mu.Unlock()
	}
	go d.scan()
	go d.expirer()
}

// Stop lets attempts under way finish, aborts them when ctx ends, and leaves
// no goroutine. What was not acknowledged waits for the next Start of another
// dispatcher.
func (d *Dispatcher) Stop(ctx context.Context) error {
	d.mu.Lock()
	first := !d.stopping.Swap(true)
	d.mu.Unlock()
	if !first {
		return nil
	}
	d.running.Store(false)
	close(d.stop)
	if d.started {
		<-d.scanned
		<-d.expired
	}
	for _, ep := range d.endpoints() {
		ep.mu.Lock() // from here on nobody starts a worker
		ep.arm()
		ep.mu.Unlock()
	}
	close(d.resting)
	done := make(chan struct{})
	go func() {
		d.workers.Wait()
		d.crew.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = ctx.Err()
		d.targets(Target.Abort)
		<-done
	}
	d.targets(Target.Close)
	return err
}

func (d *Dispatcher) targets(do func(Target)) {
	for _, ep := range d.endpoints() {
		ep.mu.Lock()
		if ep.target != nil {
			do(ep.target)
		}
		ep.mu.Unlock()
	}
}

// Wanted reports whether the app has a webhook of the kind.
func (d *Dispatcher) Wanted(app string, kind engine.StreamKind) bool {
	a, ok := d.cfg.Tenants.App(app)
	return ok && a.Receiver(kind).Set()
}

// Wants says what the app wants to be told on its calls webhook; nil means
// every change of state.
func (d *Dispatcher) Wants(app string) *engine.Wants {
	a, ok := d.cfg.Tenants.App(app)
	if !ok || !a.Calls.Extended && a.Calls.Filter.Empty() {
		return nil
	}
	return &engine.Wants{Filter: a.Calls.Filter, Extended: a.Calls.Extended}
}

// Ready says that a stream has events up to a number that may leave. It does
// no I/O and does not wait: the journal calls it between two syncs.
func (d *Dispatcher) Ready(app, subscriber string, kind engine.StreamKind, sequence uint64) {
	if ep := d.endpoint(endpointKey{app, kind}); ep != nil {
		ep.tell(engine.Fold(subscriber), sequence, false)
	}
}

// Refresh brings the endpoints up to date with the tenants. It is called when
// they change.
func (d *Dispatcher) Refresh() {
	d.refreshing.Lock()
	defer d.refreshing.Unlock()
	d.mu.Lock() // whoever is making an endpoint of what was there before the change is waited for
	endpoints := d.endpoints()
	d.mu.Unlock()
	for key, ep := range endpoints {
		if !d.Wanted(key.app, key.kind) {
			ep.aim(tenant.Receiver{})
		}
	}
	for _, a := range d.cfg.Tenants.Apps() {
		for _, kind := range []engine.StreamKind{engine.StreamCalls, engine.StreamSubscriber} {
			if r := a.Receiver(kind); r.Set() {
				if ep := d.endpoint(endpointKey{a.ID, kind}); ep != nil {
					ep.aim(r)
				}
			}
		}
	}
}

func (d *Dispatcher) endpoints() map[endpointKey]*endpoint { return *d.table.Load() }

// endpoint returns the endpoint of a webhook; nil if there is no such webhook.
func (d *Dispatcher) endpoint(key endpointKey) *endpoint {
	if ep := (*d.table.Load())[key]; ep != nil {
		return ep
	}
	if a, ok := d.cfg.Tenants.App(key.app); !ok || !a.Receiver(key.kind).Set() {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	old := *d.table.Load()
	if ep := old[key]; ep != nil || d.stopping.Load() {
		return ep
	}
	a, ok := d.cfg.Tenants.App(key.app) // as it is now: the next change finds the endpoint
	if !ok || !a.Receiver(key.kind).Set() {
		return nil
	}
	table := make(map[endpointKey]*endpoint, len(old)+1)
	for k, ep := range old {
		table[k] = ep
	}
	ep := newEndpoint(d, key)
	ep.aim(a.Receiver(key.kind))
	table[key] = ep
	d.table.Store(&table)
	return ep
}
