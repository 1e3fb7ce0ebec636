package busy

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// counter has a cache line to itself.
type counter struct {
	n atomic.Int64
	_ [56]byte
}

// PerOp is Closed for what is too short to be timed one by one. It returns how
// many ns pass for each, all workers together.
func PerOp(ctx context.Context, workers int, round time.Duration, worker func(n int) (do func() error)) (float64, error) {
	counters := make([]counter, workers)
	var over atomic.Bool
	var first atomic.Pointer[error]
	var wg sync.WaitGroup
	for n := range workers {
		do, c := worker(n), &counters[n]
		wg.Go(func() {
			for !over.Load() {
				if err := do(); err != nil {
					first.CompareAndSwap(nil, &err)
					over.Store(true)
					return
				}
				c.n.Add(1)
			}
		})
	}
	sum := func() (n int64) {
		for i := range counters {
			n += counters[i].n.Load()
		}
		return n
	}
	pause(ctx, WarmUp(round))
	began, before := time.Now(), sum()
	pause(ctx, round)
	for sum() == before && first.Load() == nil && ctx.Err() == nil {
		pause(ctx, time.Millisecond)
	}
	elapsed, count := time.Since(began), sum()-before
	over.Store(true)
	wg.Wait()
	switch err := first.Load(); {
	case err != nil:
		return 0, *err
	case ctx.Err() != nil:
		return 0, ctx.Err()
	}
	return float64(elapsed.Nanoseconds()) / float64(count), nil
}
