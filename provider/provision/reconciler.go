package provision

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"offhook/engine/tenant"
	"offhook/provider"
)

// Config is what a Reconciler is built from. Ports are required; the rest has
// useful zeroes.
type Config struct {
	Network     tenant.Network // its Provision says how
	Source      provider.Source
	Subscribers Subscribers
	Tenants     Tenants
	Memory      Memory
	Log         *slog.Logger // nil discards
	Metrics     *Metrics     // nil measures nothing

	Every      time.Duration // between two looks at everything; zero means the network's, or 6 h
	Calm       time.Duration // between two such looks, however much the feed says; zero means 1 min
	RetryMax   time.Duration // after failures; zero means 30 min
	Settle     time.Duration // what the feed names is gathered so long; zero means 1 s
	SecondLook time.Duration // before somebody missing is looked for again; zero means 30 s
	Rate       float64       // users read back per second; zero means 20
	Patience   time.Duration // for one change; zero means 15 s
	Workers    int           // changes at a time; zero means 16: each waits for the disk, and they share its syncs
	MinDelete  int           // so many may always go at once; zero means 10
	Pending    int           // users waiting to be read back; more, and everything is looked at; zero means 10,000
	Plan       int           // changes gathered before they are carried out; zero means 200,000
	Random     func() float64
}

// Reconciler provisions the subscribers of one network. Make it with New.
type Reconciler struct {
	cfg  Config
	wake chan struct{} // has room for one: there is something to do

	owned   int // subscribers that came from the source; by Run
	removed int // by triggers, since everything was looked at; by Run

	mu        sync.Mutex
	pending   map[string]*trigger // by folded user
	all       bool                // anything may have changed
	now       bool                // and nobody waits for calm
	confirmed int                 // so many may go in the next diff
	status    tenant.ProvisioningStatus
}

// New returns a Reconciler; nothing happens before Run.
func New(cfg Config) *Reconciler {
	p := &cfg.Network.Provision
	def := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&cfg.Every, p.Every)
	def(&cfg.Every, 6*time.Hour)
	def(&cfg.Calm, time.Minute)
	def(&cfg.RetryMax, 30*time.Minute)
	def(&cfg.Settle, time.Second)
	def(&cfg.SecondLook, 30*time.Second)
	def(&cfg.Patience, 15*time.Second)
	for _, n := range []struct {
		have *int
		want int
	}{{&p.MaxDeleteShare, 20}, {&cfg.Workers, 16}, {&cfg.MinDelete, 10}, {&cfg.Pending, 10_000}, {&cfg.Plan, 200_000}} {
		if *n.have <= 0 {
			*n.have = n.want
		}
	}
	if cfg.Rate <= 0 {
		cfg.Rate = 20
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Log = cfg.Log.With("network", cfg.Network.ID)
	if cfg.Random == nil {
		cfg.Random = rand.Float64
	}
	return &Reconciler{
		cfg: cfg, wake: make(chan struct{}, 1), pending: map[string]*trigger{},
		status: tenant.ProvisioningStatus{Source: p.Source, State: stateStarting},
	}
}

// The states of a status.
const (
	stateStarting = "starting"
	stateOK       = "ok"
	stateFailing  = "failing"
	stateBraked   = "braked"
)

// errBraked says that a diff would delete so many that it waits for the
// operator.
var errBraked = errors.New("more subscribers would be deleted than may go at once; confirm it, or mend the source")

// Run looks at everything, then keeps up with changes until ctx ends.
func (r *Reconciler) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { r.watch(ctx) })
	next, last, failures := time.Now(), time.Time{}, 0
	for ctx.Err() == nil {
		r.mu.Lock()
		if calm := last.Add(r.cfg.Calm); r.now {
			next = time.Now()
		} else if r.all && calm.Before(next) {
			next = calm
		}
		due := r.due(failures == 0 && !last.IsZero())
		r.mu.Unlock()
		now := time.Now()
		switch {
		case !next.After(now):
			if r.lookAtAll(ctx) {
				failures, next = 0, r.later()
			} else {
				next = time.Now().Add(r.backoff(failures))
				failures++
			}
			last = time.Now()
		case !due.IsZero() && !due.After(now):
			r.readBack(ctx)
		default:
			if !due.IsZero() && due.Before(next) {
				r.sleep(ctx, due.Sub(now))
			} else {
				r.sleep(ctx, next.Sub(now))
			}
		}
	}
}

// later is when everything is looked at again: never all networks at once.
func (r *Reconciler) later() time.Time {
	return time.Now().Add(time.Duration(float64(r.cfg.Every) * (0.9 + 0.2*r.cfg.Random())))
}

// backoff is how long to wait after failures: it doubles, half of it is
// chance.
func (r *Reconciler) backoff(failures int) time.Duration {
	bound := min(r.cfg.RetryMax, r.cfg.Every)
	if failures < 10 {
		bound = min(bound, 20*time.Second<<failures)
	}
	return time.Duration(float64(bound) * (0.5 + 0.5*r.cfg.Random()))
}

// sleep waits for d, or less when there is something to do.
func (r *Reconciler) sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.wake:
	case <-ctx.Done():
	}
}

func (r *Reconciler) wakeUp() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Status says how it goes, for people.
func (r *Reconciler) Status() tenant.ProvisioningStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status // what it points to is replaced, never changed
}

// Confirm lets the diff that is held be carried out, as long as it deletes no
// more than is shown. It reports false when none is held.
func (r *Reconciler) Confirm() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.status.Braked == nil {
		return false
	}
	r.confirmed, r.now = r.status.Braked.Missing, true
	r.wakeUp()
	return true
}

// AppsChanged says that there are other apps than before.
func (r *Reconciler) AppsChanged() {
	for _, id := range r.Status().UnknownApps {
		if _, there := r.cfg.Tenants.App(id); there {
			r.changed("")
			return
		}
	}
}

// note changes the status.
func (r *Reconciler) note(fn func(s *tenant.ProvisioningStatus)) {
	r.mu.Lock()
	fn(&r.status)
	s := r.status
	r.mu.Unlock()
	r.cfg.Metrics.status(r.cfg.Network.ID, r.cfg.Every, &s)
}

// failed counts and logs a failure. Errors of a source name nobody.
func (r *Reconciler) failed(what string, err error) {
	r.cfg.Metrics.failed(r.cfg.Network.ID, what)
	r.cfg.Log.Warn("provisioning failed", "what", what, "err", err)
	r.note(func(s *tenant.ProvisioningStatus) { s.LastError, s.ErrorAt = err.Error(), time.Now().UnixMilli() })
}
