package busy

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"offhook/engine"
	"offhook/store"
)

// maxUnsynced bounds what was submitted and is not durable yet.
const maxUnsynced = 4096

// Provision makes subscribers from a number up to another one, links each to the
// apps that linked names, and lets so many transitions of a call happen. Nothing
// of it waits for delivery. The directory must not know them yet.
func (o *Office) Provision(ctx context.Context, from, to, steps int, linked func(n int) []int) error {
	w := writer{o: o, gate: make(chan struct{}, maxUnsynced)}
	for n := from; n < to; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			break
		}
		var sub engine.Subscriber
		profile := Profile(n)
		err := w.step(&sub, &engine.Input{Profile: &profile})
		for _, app := range linked(n) {
			if err == nil {
				err = w.step(&sub, &engine.Input{Link: App(app)})
			}
		}
		p := NewPhone(n)
		for range steps {
			if err == nil {
				err = w.step(&sub, &engine.Input{Event: p.Next()})
			}
		}
		if err != nil {
			return fmt.Errorf("provision %d: %w", n, err)
		}
		w.submit()
	}
	w.wait()
	if err := w.err.Load(); err != nil {
		return fmt.Errorf("provision: %w", *err)
	}
	return ctx.Err()
}

// Everybody links all subscribers to the first app.
func Everybody(int) []int { return []int{0} }

// writer steps subscribers and stores what comes of it, as their owners would.
type writer struct {
	o    *Office
	gate chan struct{} // one in it for each submission that is not durable yet
	out  engine.Effects
	err  atomic.Pointer[error]
}

func (w *writer) step(sub *engine.Subscriber, in *engine.Input) error {
	in.Entropy = [2]uint64{rand.Uint64(), rand.Uint64()}
	return engine.Step(sub, in, time.Now().UnixMilli(), &w.out)
}

func (w *writer) submit() {
	w.gate <- struct{}{}
	w.o.Store.Submit(0, 0, w.out.Put, w.out.Emit, w)
	w.out.Reset()
}

// Done implements actor.Completion.
func (w *writer) Done(_ uint64, err error) {
	if err != nil {
		w.err.CompareAndSwap(nil, &err)
	}
	<-w.gate
}

// wait waits until everything is durable: until it could fill the gate itself.
func (w *writer) wait() {
	for range cap(w.gate) {
		w.gate <- struct{}{}
	}
}

// Check reads the subscribers of phones back: everything that happened is on disk.
func (o *Office) Check(phones ...*Phone) error {
	for _, p := range phones {
		if err := check(o.Store, p); err != nil {
			return err
		}
	}
	return nil
}

// check reads a phone's subscriber back: everything that happened is on disk.
func check(s *store.Store, p *Phone) error {
	sub, err := s.Load(ID(p.N))
	switch {
	case err != nil:
		return err
	case sub == nil || len(sub.Streams) == 0:
		return fmt.Errorf("phone %d is not stored", p.N)
	}
	for _, stream := range sub.Streams {
		if stream.Calls != uint64(p.Steps) { // #nosec G115 -- a count
			return fmt.Errorf("phone %d: %d transitions happened, and %d are stored", p.N, p.Steps, stream.Calls)
		}
	}
	return nil
}
