package webhooks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"offhook/bench/busy"
	"offhook/bench/child"
	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/store"
	"offhook/transport/webhook"
)

// maxUnsynced bounds what was submitted and is not durable yet.
const maxUnsynced = 4096

// bed is one offhook as far as delivery goes: a store on a directory of its
// own, phones whose events it journals, and a dispatcher.
type bed struct {
	dir        string
	store      *store.Store
	dispatcher *webhook.Dispatcher // nil until start
	ledger     *ledger
	phones     []*phone
	perApp     int // phones of one app, which come one after the other
	deaf       int // the app whose receiver never answers; -1 for none
	log        *slog.Logger
	registry   *prometheus.Registry

	due  [][]int64     // by phone: when each of its events was due, ns since the epoch
	gate chan struct{} // one in it for each submission that is not durable yet
	err  atomic.Pointer[error]
}

// making says what bed is wanted.
type making struct {
	dir    string // where its directory is made
	apps   int
	perApp int
	deaf   int
	log    *slog.Logger
}

// newBed makes a bed with its phones provisioned. Close it, whatever happens.
func newBed(ctx context.Context, k *keeper, m making) (*bed, error) {
	b := &bed{
		perApp: m.perApp, deaf: m.deaf, log: m.log, registry: prometheus.NewRegistry(),
		due: make([][]int64, m.apps*m.perApp), gate: make(chan struct{}, maxUnsynced),
	}
	if err := b.make(ctx, k, m); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *bed) make(ctx context.Context, k *keeper, m making) (err error) {
	if b.dir, err = os.MkdirTemp(m.dir, "store-"); err != nil {
		return err
	}
	b.store, err = store.Open(b.dir, store.Options{Logger: b.log, Metrics: store.NewMetrics(b.registry), Exit: func(int) {}})
	if err != nil {
		return err
	}
	if b.ledger, err = k.open(ctx, m.apps*m.perApp, true); err != nil {
		return err
	}
	for app := range m.apps {
		url := b.ledger.url()
		if app == m.deaf {
			url = "http://" + k.addr.Silent + "/"
		}
		a := &tenant.App{ID: busy.App(app), Name: "bench", Calls: tenant.Receiver{URL: url, Secrets: []string{secret}}}
		if err := b.store.PutApp(a); err != nil {
			return err
		}
		for range m.perApp {
			b.phones = append(b.phones, newPhone(a.ID, len(b.phones)))
		}
	}
	for _, p := range b.phones {
		if err := p.provision(time.Now().UnixMilli()); err != nil {
			return err
		}
		b.submit(p)
	}
	return b.synced(ctx)
}

// start begins to deliver, and finds what waits.
func (b *bed) start() {
	b.dispatcher = webhook.New(webhook.Config{
		Outbox: b.store, Tenants: b.store, Metrics: webhook.NewMetrics(b.registry), Log: b.log,
		Poster: webhook.NewClient(webhook.ClientConfig{Guard: webhook.Guard{AllowHTTP: true, AllowPrivate: true}, Version: "bench"}),
	})
	b.dispatcher.Start()
}

// ring lets the next thing happen to a phone, whose event was due at a time.
func (b *bed) ring(phone int, due time.Time) error {
	p := b.phones[phone]
	if err := p.next(time.Now().UnixMilli()); err != nil {
		return err
	}
	b.due[phone] = append(b.due[phone], due.UnixNano())
	b.submit(p)
	return nil
}

func (b *bed) submit(p *phone) {
	b.gate <- struct{}{}
	b.store.Submit(0, 0, p.out.Put, p.out.Emit, &durable{b: b, phone: p, sequence: uint64(p.Steps)})
}

// durable hears that a phone's event is on disk, and tells the dispatcher, as
// the owner of a subscriber does.
type durable struct {
	b        *bed
	phone    *phone
	sequence uint64
}

func (d *durable) Done(_ uint64, err error) {
	switch {
	case err != nil:
		d.b.err.CompareAndSwap(nil, &err)
	case d.b.dispatcher != nil && d.sequence > 0:
		d.b.dispatcher.Ready(d.phone.app, d.phone.sub.ID, engine.StreamCalls, d.sequence)
	}
	<-d.b.gate
}

// synced waits until everything submitted is durable: until it could fill the
// gate itself.
func (b *bed) synced(ctx context.Context) error {
	mine := 0
	defer func() {
		for range mine {
			<-b.gate
		}
	}()
	for ; mine < cap(b.gate); mine++ {
		select {
		case b.gate <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := b.err.Load(); err != nil {
		return fmt.Errorf("journal: %w", *err)
	}
	return nil
}

// heard is how many events the receiver should have by now.
func (b *bed) heard() (n int) {
	for i, p := range b.phones {
		if i/b.perApp != b.deaf {
			n += p.Steps
		}
	}
	return n
}

// finish ends delivery and checks that every stream arrived whole.
func (b *bed) finish(ctx context.Context) error {
	limit := child.Patience
	if b.deaf >= 0 {
		limit = time.Second // long enough for all but the one that never answers
	}
	stopping, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := b.dispatcher.Stop(stopping); err != nil && b.deaf < 0 {
		return fmt.Errorf("stop delivery: %w", err)
	}
	p, err := b.ledger.turn(ctx)
	if err != nil {
		return err
	}
	if err := p.check(); err != nil {
		return err
	}
	waiting, err := b.waiting()
	if err != nil {
		return err
	}
	for i, phone := range b.phones {
		switch deaf := i/b.perApp == b.deaf; {
		case !deaf && int(p.Last[i]) != phone.Steps:
			return fmt.Errorf("%w: stream %d ended at %d of %d", errLoss, i, p.Last[i], phone.Steps)
		case !deaf && waiting[i] != 0:
			return fmt.Errorf("stream %d still waits in the store from %d on, after everything arrived", i, waiting[i])
		case deaf && phone.Steps > 0 && waiting[i] != 1:
			return fmt.Errorf("%w: stream %d, of a receiver that never answered, waits from %d on", errLoss, i, waiting[i])
		}
	}
	return nil
}

// waiting is the first number that waits, by phone.
func (b *bed) waiting() (map[int]uint64, error) {
	list := map[int]uint64{}
	err := b.store.Waiting(engine.StreamID{}, 0, func(w engine.Waiting) error {
		n, err := busy.Number(w.Stream.Subscriber)
		list[n] = w.Sequence
		return err
	})
	return list, err
}

// close lets go of everything, in whatever state it is.
func (b *bed) close() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var errs []error
	if b.ledger != nil {
		errs = append(errs, b.ledger.close(ctx))
	}
	if b.dispatcher != nil {
		cancel()
		_ = b.dispatcher.Stop(ctx) // a second time is nothing
	}
	if b.store != nil {
		errs = append(errs, b.store.Close())
	}
	if b.dir != "" {
		errs = append(errs, os.RemoveAll(b.dir))
	}
	return errors.Join(errs...)
}
