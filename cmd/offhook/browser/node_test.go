package browser

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// node is an offhook with a platform of its own, busy with random calls, and an
// app that is told of all of them.
type node struct {
	*rig.Apart
	calls float64 // a second
	l     *rig.Ledger
}

// newNode starts so many calls a second after a while, for so long.
func newNode(t *testing.T, program *rig.Program, calls float64, phones int, after, long time.Duration) *node {
	t.Helper()
	story := filepath.Join(t.TempDir(), "traffic.txt")
	require.NoError(t, os.WriteFile(story, fmt.Appendf(nil, "call-duration 1500ms\n\n%v traffic %g\n+%v traffic 0\n", after, calls, long), 0o600))
	n := &node{Apart: program.Platform(t, phones, "--scenario", story), calls: calls, l: rig.NewLeanLedger(t)}
	n.Begin(t, n.l, phones)
	n.Followed(phones)
	return n
}

var transition = regexp.MustCompile(`(?m)^offhook_transitions_total\{.*\} (\S+)$`)

// transitions is how often a call changed so far, as offhook counts it.
func (n *node) transitions() (sum float64) {
	n.T.Helper()
	text := rig.Must(n.T, 200, "GET", n.Admin("/metrics"), "", "").Body
	for _, m := range transition.FindAllSubmatch(text, -1) {
		v, err := strconv.ParseFloat(string(m[1]), 64)
		require.NoError(n.T, err)
		sum += v
	}
	return sum
}

// seen is how many changes the page was told.
func seen(w *window) float64 {
	w.t.Helper()
	return js[float64](w, `import("/console/calls.mjs").then((m) => m.calls.seen)`)
}

// The same with nothing made up: a platform, an offhook that stores, tells an
// app's webhook and shows the board, each a process, on the processors that the
// browser has as well. What rate comes about is printed: it is no condition.
func TestTheBoardKeepsUpWithAWholeNode(t *testing.T) {
	seconds, really := measured(t)
	long := time.Duration(seconds) * time.Second
	var n *node
	if really {
		calls, err := strconv.ParseFloat(cmp.Or(os.Getenv("OFFHOOK_CONSOLE_CALLS"), "750"), 64)
		require.NoError(t, err)
		phones := max(100, int(calls*5)) // a call takes about three seconds
		// offhook is made ready before, and the rate is reached.
		after := 10*time.Second + time.Duration(phones)*10*time.Millisecond
		n = newNode(t, rig.Plain, calls, phones, after.Round(time.Second), long+15*time.Second)
	} else {
		n = newNode(t, rig.Checked, 20, 100, 0, long+15*time.Second)
	}
	w := in(t, n.Addr("admin"))
	live := fmt.Sprintf(`(document.querySelector(".tile.still b")?.innerText ?? "").replaceAll(",", "") > %g`, n.calls)
	for range rig.Poll(2 * time.Minute) { // until the traffic has begun, and calls end as well
		if js[bool](w, live) {
			break
		}
	}
	w.until("the calls", live)
	w.watch()

	end := w.profile()
	began, changes, told := time.Now(), n.transitions(), seen(w)
	half := func() (heap float64) {
		<-time.After(long / 2)
		return w.heap()
	}
	first := half()
	last := half()
	passed := time.Since(began).Seconds()
	changes, told = (n.transitions()-changes)/passed, (seen(w)-told)/passed
	end()
	stood, frames := w.stood()
	t.Logf("a whole node at %g calls/s: %.0f changes/s, %.0f/s told to the board, for %.0f s: %v; %d frames; heap %.1f MB, then %.1f MB",
		n.calls, changes, told, passed, stood, frames, first, last)

	require.Less(t, stood.total, float64(seconds)*1000*3/4, "the page stands still") // on two cores that serve it, too
	require.Greater(t, frames, seconds*3, "frames are drawn")
	require.Less(t, last, first*1.25+4, "the heap grows")
	w.shot("busy-node")

	// When all calls are over the page says so, and the app has heard of every one.
	for range rig.Poll(2 * time.Minute) {
		if len(rig.Must(t, 200, "GET", n.Admin("/admin/calls?limit=1"), rig.Operator, "").List(t)) == 0 {
			break
		}
	}
	w.sees(".empty", "No live calls")
	n.l.Wait(t, "the end of every call", func() bool { return len(n.l.Open()) == 0 && n.l.Count() > 0 })
	n.l.Audit(t)
}
