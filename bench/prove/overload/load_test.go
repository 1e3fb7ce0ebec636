package overload

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// tally is what came of the requests of a load.
type tally struct {
	asked    int
	accepted []time.Duration // how long each took; sorted by p
	answered map[string]int  // what else was said, by status and code
	refused  int             // told to come back later
	slowest  time.Duration   // of all answers
	late     time.Duration   // the most that a request left later than it was meant to
	wrong    []string        // what may not be; the first ones
	took     time.Duration
}

// wrongKept bounds the list.
const wrongKept = 10

func (y *tally) problem(format string, args ...any) {
	if len(y.wrong) < wrongKept {
		y.wrong = append(y.wrong, fmt.Sprintf(format, args...))
	}
}

// take notes one answer. What is overloaded accepts, or refuses and says when to
// come back; what it has sent to the platform by then may stay unconfirmed.
func (y *tally) take(a answer, err error, took time.Duration) {
	y.asked++
	y.slowest = max(y.slowest, took)
	if err != nil {
		y.problem("not answered after %v: %v", took.Round(time.Millisecond), err)
		return
	}
	if a.status < 300 {
		y.accepted = append(y.accepted, took)
		return
	}
	code := a.code()
	y.answered[fmt.Sprint(a.status, " ", code)]++
	switch {
	case code == "":
		y.problem("%d without a problem document: %q %.100s", a.status, a.kind, a.body)
	case a.status == 503 || a.status == 429:
		y.refused++
		if n, err := strconv.Atoi(a.retry); err != nil || n < 1 {
			y.problem("%d %s with Retry-After %q", a.status, code, a.retry)
		}
	case a.status != 504 && !a.expected:
		y.problem("%d: %.200s", a.status, a.body)
	}
}

// others is what else was said.
func (y *tally) others() string {
	s := ""
	for _, what := range slices.Sorted(maps.Keys(y.answered)) {
		s += fmt.Sprintf(", %d × %s", y.answered[what], what)
	}
	return s
}

// p is a quantile of how long the accepted took.
func (y *tally) p(q float64) time.Duration {
	slices.Sort(y.accepted)
	return quantile(y.accepted, q)
}

// quantile is one of what is sorted.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)].Round(time.Millisecond)
}

// rate is how many were accepted a second, offered how many were asked for.
func (y *tally) rate() float64    { return float64(len(y.accepted)) / y.took.Seconds() }
func (y *tally) offered() float64 { return float64(y.asked) / y.took.Seconds() }

func (y *tally) String() string {
	return fmt.Sprintf("asked %.0f/s, accepted %.0f/s, p50 %v p99 %v max %v, slowest answer %v, late %v%s", y.offered(), y.rate(),
		y.p(0.5), y.p(0.99), y.p(1), y.slowest.Round(time.Millisecond), y.late.Round(time.Millisecond), y.others())
}

func (y *tally) add(o *tally) {
	y.asked += o.asked
	y.refused += o.refused
	y.accepted = append(y.accepted, o.accepted...)
	for k, n := range o.answered {
		y.answered[k] += n
	}
	y.slowest, y.late = max(y.slowest, o.slowest), max(y.late, o.late)
	y.wrong = append(y.wrong, o.wrong[:min(len(o.wrong), max(0, wrongKept-len(y.wrong)))]...)
}

// client does one thing with a connection.
type client func(l *line) (answer, error)

// offer has requests leave at a rate, whatever becomes of those before, as far
// as there are connections to ask on. A rate of 0 is as fast as answers come.
func offer(all []*line, rate float64, long time.Duration, do client) *tally {
	began := time.Now()
	var tickets atomic.Int64
	var mu sync.Mutex
	sum := &tally{answered: map[string]int{}}
	var running sync.WaitGroup
	for _, l := range all {
		running.Go(func() {
			y := &tally{answered: map[string]int{}}
			defer func() {
				mu.Lock()
				defer mu.Unlock()
				sum.add(y)
			}()
			for time.Since(began) < long {
				if rate > 0 {
					meant := time.Duration(float64(tickets.Add(1)-1) / rate * float64(time.Second))
					if meant >= long {
						return
					}
					await(began.Add(meant))
					y.late = max(y.late, time.Since(began)-meant)
				}
				left := time.Now()
				a, err := do(l)
				y.take(a, err, time.Since(left))
			}
		})
	}
	running.Wait()
	sum.took = min(time.Since(began), max(long, time.Millisecond)) // what was under way at the end counts too
	return sum
}

// await waits for a moment.
func await(when time.Time) {
	if wait := time.Until(when); wait > 0 {
		alarm := time.NewTimer(wait)
		defer alarm.Stop()
		<-alarm.C
	}
}
