package busy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Result is what a round found.
type Result struct {
	Count   int // that ended within it, after the warm-up
	Elapsed time.Duration
	Took    []int64 // of each, ns
}

// Rate is how many a second.
func (r *Result) Rate() float64 { return float64(r.Count) / r.Elapsed.Seconds() }

// WarmUp is how much of a round is left out, before it.
func WarmUp(round time.Duration) time.Duration { return round / 4 }

// Closed lets so many workers do one thing after the other, each as soon as its
// last one is done, for a round after its warm-up, and until one ended. Each
// worker gets its own do.
func Closed(ctx context.Context, workers int, round time.Duration, worker func(n int) (do func() error)) (*Result, error) {
	var counting, over atomic.Bool
	var mu sync.Mutex
	var first error
	r := &Result{}
	some := make(chan struct{}) // closed when one ended, or failed
	ended := sync.OnceFunc(func() { close(some) })
	var wg sync.WaitGroup
	for n := range workers {
		do := worker(n)
		wg.Go(func() {
			var took []int64
			for !over.Load() {
				began := time.Now()
				if err := do(); err != nil {
					mu.Lock()
					defer mu.Unlock()
					if first == nil {
						first = err
					}
					over.Store(true)
					ended()
					return
				}
				if counting.Load() && !over.Load() {
					if took = append(took, int64(time.Since(began))); len(took) == 1 {
						ended()
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			r.Took = append(r.Took, took...)
		})
	}
	pause(ctx, WarmUp(round))
	began := time.Now()
	counting.Store(true)
	pause(ctx, round)
	select {
	case <-some:
	case <-ctx.Done():
	}
	over.Store(true)
	r.Elapsed = time.Since(began)
	wg.Wait()
	if r.Count = len(r.Took); first == nil {
		first = ctx.Err()
	}
	return r, first
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// settled is a receipt that can be waited for.
type settled chan struct{}

// Settle implements actor.Receipt.
func (s settled) Settle() { s <- struct{}{} }

// Advance lets the phones make so many transitions each, as many phones at a time
// as there are callers.
func (o *Office) Advance(ctx context.Context, from, to, steps, callers int) error {
	var next atomic.Int64
	next.Store(int64(from))
	errs := make(chan error, callers)
	for range callers {
		go func() {
			done := make(settled, 1)
			for n := next.Add(1) - 1; n < int64(to); n = next.Add(1) - 1 {
				p := NewPhone(int(n))
				for range steps {
					if err := errors.Join(ctx.Err(), o.tell(p, done)); err != nil {
						errs <- err
						return
					}
				}
			}
			errs <- nil
		}()
	}
	var err error
	for range callers {
		err = errors.Join(err, <-errs)
	}
	return err
}

// Tell gives a worker what lets the phone make one transition after the other.
func (o *Office) Tell(p *Phone) (do func() error) {
	done := make(settled, 1)
	return func() error { return o.tell(p, done) }
}

// tell hands an event to the phone's owner and waits until it is durable.
func (o *Office) tell(p *Phone, done settled) error {
	o.Directory.Deliver(Network, p.user, p.Next(), done)
	select {
	case <-done:
		return nil
	case <-o.dead:
		return o.err
	}
}

// Busy lets the phones talk, all at once and each for itself, for a round. When
// it is over everything that happened is found on disk, or it fails.
func (o *Office) Busy(ctx context.Context, phones []*Phone, round time.Duration) (*Result, error) {
	before, steps := o.Store.Durable(), total(phones)
	r, err := Closed(ctx, len(phones), round, func(n int) func() error { return o.Tell(phones[n]) })
	if err != nil {
		return nil, err
	}
	return r, o.verify(phones, before, steps)
}

// verify compares what happened with what is stored.
func (o *Office) verify(phones []*Phone, before uint64, steps int) error {
	happened, stored := total(phones)-steps, o.Store.Durable()-before
	if stored < uint64(happened) { // #nosec G115 -- a count
		return fmt.Errorf("%d transitions were acknowledged, and %d events are durable", happened, stored)
	}
	for i := 0; i < len(phones); i += max(1, len(phones)/64) {
		if err := check(o.Store, phones[i]); err != nil {
			return err
		}
	}
	return nil
}

func total(phones []*Phone) (n int) {
	for _, p := range phones {
		n += p.Steps
	}
	return n
}

// Hot keeps so many events of one phone under way for a round.
func (o *Office) Hot(ctx context.Context, p *Phone, inFlight int, round time.Duration) (*Result, error) {
	before, steps := o.Store.Durable(), p.Steps
	done := make(settled, inFlight)
	for range inFlight - 1 {
		o.Directory.Deliver(Network, p.user, p.Next(), done)
	}
	r, err := Closed(ctx, 1, round, func(int) func() error {
		return func() error { return o.tell(p, done) }
	})
	if err != nil {
		return nil, err
	}
	for range inFlight - 1 {
		<-done
	}
	return r, o.verify([]*Phone{p}, before, steps)
}

// Phones makes phones from a number up to another one.
func Phones(from, to int) []*Phone {
	phones := make([]*Phone, 0, to-from)
	for n := from; n < to; n++ {
		phones = append(phones, NewPhone(n))
	}
	return phones
}
