package kill9

import (
	"syscall"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

// moment is when and how offhook is killed. Each leaves one that is up again.
type moment struct {
	name  string
	times int // in a round
	kill  func(a *attack)
}

// moments is one round.
var moments = []moment{
	{"under load", 6, func(a *attack) {
		a.struck(400 * time.Millisecond)
		a.serve()
	}},
	{"during start-up", 4, func(a *attack) {
		a.struck(100 * time.Millisecond)
		for range 1 + a.random.IntN(3) {
			a.almost()
		}
		a.serve()
	}},
	{"twice in a row", 3, func(a *attack) {
		a.struck(400 * time.Millisecond)
		a.serve()
		a.struck(60 * time.Millisecond)
		a.serve()
	}},
	{"while draining", 3, func(a *attack) {
		a.w.Signal(syscall.SIGTERM)
		a.struck(60 * time.Millisecond)
		a.serve()
	}},
	{"with the platform", 2, func(a *attack) {
		if a.random.IntN(2) == 0 {
			a.struck(400 * time.Millisecond)
			a.newPlatform()
		} else {
			a.newPlatform()
			a.struck(400 * time.Millisecond)
		}
		a.serve()
	}},
	{"after its channels broke", 2, func(a *attack) {
		kind := []string{"drop_channel", "end_channel", "forget_channel"}[a.random.IntN(3)]
		rig.Must(a.t, 201, "POST", a.w.URL("/simulator/faults"), "", `{"kind":"`+kind+`"}`)
		a.struck(400 * time.Millisecond)
		a.serve()
	}},
}

// round is the moments of one round, in any order.
func (a *attack) round() (all []moment) {
	for _, m := range moments {
		for range m.times {
			all = append(all, m)
		}
	}
	a.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// struck is kill -9 at some time from now.
func (a *attack) struck(within time.Duration) {
	a.wait(within)
	a.w.Kill()
}

// wait lets some time go by, the less the likelier.
func (a *attack) wait(within time.Duration) {
	f := a.random.Float64()
	<-time.After(time.Duration(f * f * float64(within)))
}

// almost starts offhook and kills it, most often before it is up.
func (a *attack) almost() {
	p := a.w.Launch(a.t)
	a.wait(a.w.Ready + a.w.Ready/4)
	p.Kill()
	a.early++
}

// newPlatform kills the platform and starts it anew; nobody is on the phone
// then. What was dialled is counted before.
func (a *attack) newPlatform() {
	a.t.Helper()
	a.countDials()
	all, open := a.book.wanted()
	a.dials = all - open
	a.w.RestartSimulator()
	a.quickPhones()
}

// countDials holds what the platform was asked to dial against what the apps
// wanted of the platform that runs.
func (a *attack) countDials() {
	a.t.Helper()
	dials := a.w.Dials()
	all, _ := a.book.wanted()
	if dials > all-a.dials {
		a.book.problem(report.NeverTwice, "%d calls were dialled for %d keys", dials, all-a.dials)
	}
}

// busy waits until there is something to lose.
func (a *attack) busy() {
	a.t.Helper()
	before := a.l.Count()
	for range rig.Poll(30 * time.Second) {
		if a.l.Count() >= before+15 {
			return
		}
	}
	require.Fail(a.t, "nothing happens any more", "%d events; %v", a.l.Count(), a.l.Problems())
}
