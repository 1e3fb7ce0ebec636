package suite

import (
	"context"
	"errors"
	"runtime"
	"time"

	"offhook/bench/busy"
	"offhook/bench/figures"
)

// rest clears up before a measurement, so that it does not pay for what came
// before.
func rest() { runtime.GC() }

// perOp is how long one call of f takes, in ns, in a loop of about a round. each
// is how many it does at a time.
func perOp(ctx context.Context, round time.Duration, each int, f func() error) (float64, error) {
	var sum time.Duration
	n := 0
	for end := time.Now().Add(round); sum == 0 || time.Now().Before(end); n += each {
		began := time.Now()
		if err := errors.Join(f(), ctx.Err()); err != nil {
			return 0, err
		}
		sum += time.Since(began)
	}
	return float64(sum.Nanoseconds()) / float64(n), nil
}

// allocated is what one call of f allocates, on the average of so many: whole
// objects, as testing.AllocsPerRun counts them, and bytes.
func allocated(times int, f func()) (objects, bytes float64) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // others count too
	f()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		f()
	}
	runtime.ReadMemStats(&after)
	n := uint64(times) // #nosec G115 -- a count
	return float64((after.Mallocs - before.Mallocs) / n), float64((after.TotalAlloc - before.TotalAlloc) / n)
}

// counts are the rows of what f allocates; it does each things at a time.
func counts(suite, name string, most float64, each int, f func()) []figures.Row {
	objects, bytes := allocated(max(2000/each, 10), f)
	row := func(unit string, v float64) figures.Row {
		return figures.Row{Suite: suite, Name: name, Unit: unit, Ours: []float64{v / float64(each)}, Exact: true}
	}
	rows := []figures.Row{row("allocs", objects), row("B", bytes)}
	if most >= 0 {
		rows[0].Budget = &figures.Budget{Limit: most}
	}
	return rows
}

const (
	perSecond = "transitions/s"
	ms        = "ms"
)

// millis is a quantile of what was measured, in ms.
func millis(r *busy.Result, q float64) float64 {
	return float64(figures.Quantile(r.Took, q)) / 1e6
}
