package kill9

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

// knob reads a whole number from the environment.
func knob(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(cmp.Or(os.Getenv(name), fmt.Sprint(otherwise)), 10, 64)
	require.NoError(t, err, name)
	return n
}

// Whenever the program is killed, whatever it acknowledged is there when it is
// up again, and at the end it knows what the platform knows.
func TestKilledAtAnyMomentKeepsWhatItAcknowledged(t *testing.T) {
	cycles := int(knob(t, "OFFHOOK_KILL9_CYCLES", 20)) // #nosec G115 -- a number of cycles
	seed := knob(t, "OFFHOOK_KILL9_SEED", 5)
	t.Logf("OFFHOOK_KILL9_SEED=%d", seed)
	rows := map[report.Promise]*report.Row{}
	for _, p := range []report.Promise{report.Durable, report.Ordered, report.EveryCallEnds, report.NeverTwice} {
		rows[p] = report.Attack(t, p, "kill -9 of the real program, at any moment", "cycles")
	}
	a := begin(t, seed)
	stop := a.load()
	defer func() { stop() }()
	var round []moment
	for cycle := range cycles {
		if len(round) == 0 {
			round = a.round()
		}
		refuses := a.random.IntN(3) == 0
		if refuses { // webhooks wait for their second attempt when it happens
			a.l.Refuse(func(n int) bool { return n%5 == 0 })
		}
		a.busy()
		m := round[0]
		round = round[1:]
		m.kill(a)
		a.l.Refuse(nil)
		if a.random.IntN(2) == 0 {
			a.look()
		}
		for _, r := range rows {
			r.Add(1)
		}
		if (cycle+1)%20 == 0 || cycle+1 == cycles {
			t.Logf("%d cycles, the last %s; %d webhooks, %d of them again; %s", cycle+1, m.name, a.l.Count(), a.l.Repeats(), &a.times)
		}
		if a.failed() {
			break
		}
	}
	a.busy()
	stop()
	stop = func() {}
	a.look()
	a.finish()
	for p, broken := range a.book.broken {
		r := rows[p]
		if r == nil {
			r = rows[report.Durable]
		}
		r.Violated(len(broken))
		t.Errorf("%s:\n%s", p, strings.Join(broken, "\n"))
	}
	rows[report.Durable].Note("%s; %d calls placed, %d holds, %d changes by the operator; seed %d", &a.times, a.book.acked["placed"], a.book.acked["hold"], a.changes(), seed)
	rows[report.Ordered].Note("%d webhooks and as many events on a stream that was opened %d times, %d webhooks came again", a.l.Count(), a.f.Opened(), a.l.Repeats())
	rows[report.EveryCallEnds].Note("%d calls, and at the end the platform's truth", len(a.book.calls))
	rows[report.NeverTwice].Note("%d keys, asked for %d times", len(a.book.keys), a.tries())
	t.Logf("acknowledged: %v; killed before it was up %d times", a.book.acked, a.early)
	for _, kind := range []string{"placed", "answer", "hold", "resume", "end", "links", "keys", "secrets", "webhooks set", "subscribers", "uploads"} {
		require.Positive(t, a.book.acked[kind], "%s was never acknowledged, so nothing is proved of it", kind)
	}
}

func (a *attack) failed() bool {
	// The ledger and the follower tell the book while they hold their own locks.
	told := len(a.l.Problems()) > 0 || len(a.f.Problems()) > 0
	a.book.mu.Lock()
	defer a.book.mu.Unlock()
	return told || len(a.book.broken) > 0
}

// finish has every open request settled and every call ended, and compares.
func (a *attack) finish() {
	t := a.t
	for _, p := range a.book.open() {
		for range rig.Poll(30 * time.Second) {
			if a.tryPlace(p) {
				break
			}
		}
	}
	require.Empty(t, a.book.open(), "each key is settled once all is quiet")
	a.countDials()
	a.same("before the calls are ended")
	for range rig.Poll(40 * time.Second) {
		calls := rig.Must(t, 200, "GET", a.w.API("/calls"), a.w.Key, "").List(t)
		if len(calls) == 0 {
			break
		}
		for _, c := range calls {
			a.w.End(c["call_id"].(string))
		}
	}
	a.l.Wait(t, "the end of every call", func() bool { return len(a.l.Open()) == 0 })
	a.same("at the end")
	a.l.Wait(t, "as many events on the stream as on the webhook", func() bool { return a.f.Count() == a.l.Count() })
	for _, p := range append(a.l.Problems(), a.f.Problems()...) {
		a.book.problem(report.Ordered, "%s", p)
	}
	a.book.settle()
	a.w.Drain()
}

// same waits until offhook and the platform know the same calls.
func (a *attack) same(when string) {
	var ours, theirs map[string]string
	for range rig.Poll(40 * time.Second) {
		if ours, theirs = a.w.Picture(); fmt.Sprint(ours) == fmt.Sprint(theirs) {
			return
		}
	}
	a.book.problem(report.EveryCallEnds, "%s offhook knows %v, and the platform %v", when, ours, theirs)
}

func (a *attack) changes() (n int) {
	for kind, count := range a.book.acked {
		if _, command := may[kind]; !command && kind != "placed" {
			n += count
		}
	}
	return n
}

func (a *attack) tries() (n int) {
	for _, p := range a.book.keys {
		n += p.tries
	}
	return n
}
