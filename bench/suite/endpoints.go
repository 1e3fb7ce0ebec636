package suite

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"offhook/bench/busy"
	"offhook/bench/figures"
	"offhook/engine/actor"
	"offhook/store"
	"offhook/transport/webhook"
)

// endpointPhones are busy while endpoints grow; each belongs to one of them.
const endpointPhones = 256

// growEndpoints has the same events go to more and more webhooks: from the event
// to its webhook at a receiver in this process, over loopback.
func growEndpoints(ctx context.Context, p *figures.Plan, dir string) (rows []figures.Row, err error) {
	for _, n := range []int{1, 4, 16, 64, endpointPhones} {
		g := &growing{x: "endpoints", what: "events to webhooks", at: n, unit: "events/s", extra: fmt.Sprintf("%d busy subscribers spread over the endpoints; the next event of each comes when its webhook has arrived; receiver in this process", endpointPhones)}
		if err := endpoints(ctx, p, g, dir); err != nil {
			return rows, err
		}
		rows = append(rows, g.rows()...)
	}
	return rows, nil
}

// patience is how long what must come may take.
const patience = 30 * time.Second

// hooked is an outbox that delivers.
type hooked struct{ *webhook.Dispatcher }

// Logged implements actor.Outbox; nobody streams.
func (hooked) Logged(string) {}

// arrivals is a receiver that knows what comes next of each phone.
type arrivals struct {
	server fasthttp.Server
	next   [endpointPhones]chan uint32
	wrong  atomic.Pointer[error]
	url    string
	done   chan error
}

func newArrivals() (*arrivals, error) {
	a := &arrivals{done: make(chan error, 1)}
	for i := range a.next {
		a.next[i] = make(chan uint32, 1)
	}
	a.server = fasthttp.Server{Handler: a.take, NoDefaultServerHeader: true}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a.url = "http://" + ln.Addr().String() + "/"
	go func() { a.done <- a.server.Serve(ln) }()
	return a, nil
}

func (a *arrivals) close() error { return errors.Join(a.server.Shutdown(), <-a.done) }

func (a *arrivals) take(ctx *fasthttp.RequestCtx) {
	phone, sequence, err := busy.Numbers(ctx.PostBody())
	if err == nil && phone >= endpointPhones {
		err = fmt.Errorf("nobody has phone %d", phone)
	}
	if err != nil {
		a.wrong.CompareAndSwap(nil, &err)
		return
	}
	select {
	case a.next[phone] <- sequence:
	default: // it was told already: a repeat
	}
}

func endpoints(ctx context.Context, p *figures.Plan, g *growing, dir string) (err error) {
	a, err := newArrivals()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	var dispatcher *webhook.Dispatcher
	c := busy.Config{
		Apps: g.at, URL: func(n int) string { return fmt.Sprintf("%s%d", a.url, n) },
		Outbox: func(s *store.Store, r *prometheus.Registry) actor.Outbox {
			dispatcher = webhook.New(webhook.Config{
				Outbox: s, Tenants: s, Metrics: webhook.NewMetrics(r),
				Poster: webhook.NewClient(webhook.ClientConfig{Guard: webhook.Guard{AllowHTTP: true, AllowPrivate: true}, Version: "bench"}),
			})
			return hooked{dispatcher}
		},
	}
	return inOffice(ctx, dir, c, func(o *busy.Office) (err error) {
		err = errors.Join(o.Provision(ctx, 0, endpointPhones, 0, func(phone int) []int { return []int{phone % g.at} }), o.Start(ctx))
		if err != nil {
			return err
		}
		dispatcher.Start()
		defer func() { err = errors.Join(err, dispatcher.Stop(ctx)) }()
		phones := busy.Phones(0, endpointPhones)
		// What never comes ends the round too.
		waiting, cancel := context.WithTimeout(ctx, time.Duration(p.Runs)*(2*p.Round)+patience)
		defer cancel()
		steps := make([]func() error, len(phones))
		for i, phone := range phones {
			tell := o.Tell(phone)
			steps[i] = func() error { return a.step(waiting, phone, tell) }
		}
		if err := rounds(ctx, p, g, o, len(phones), func(i int) func() error { return steps[i] }); err != nil {
			return err
		}
		if wrong := a.wrong.Load(); wrong != nil {
			return *wrong
		}
		return o.Check(phones...)
	})
}

// step lets one thing happen to a phone and waits until its webhook has come.
func (a *arrivals) step(ctx context.Context, phone *busy.Phone, tell func() error) error {
	if err := tell(); err != nil {
		return err
	}
	select {
	case got := <-a.next[phone.N]:
		if int(got) != phone.Steps {
			return fmt.Errorf("phone %d: event %d came, and %d was due", phone.N, got, phone.Steps)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
