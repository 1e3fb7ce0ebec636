package overload

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

// Ten times as many facts are told as offhook can keep up with, for so long that
// no queue could hold them. Facts cannot be refused: what cannot be taken in is
// made up for by comparing. Memory is bounded, commands are answered meanwhile,
// and afterwards offhook knows what the platform knows, every call that was
// reported ends, and each subscriber's webhooks are 1, 2, 3 without a hole.
func TestTenTimesTheFactsThatTheNodeKeepsUpWith(t *testing.T) {
	const (
		people = 500
		clerks = 40 // subscribers of the app's clients; the others are the crowd
		share  = 20 // offhook has this part of the time
		// A subscriber's queue holds 256 facts of about a kilobyte; for what is more
		// he is compared.
		bound = people*256<<10 + storeMemory
	)
	long := seconds(t)
	row := report.Attack(t, report.EveryCallEnds, "ten times the facts that the node keeps up with", "facts")
	ledger := rig.NewLedger(t)
	w := begin(t, ledger, people+clerks, "")
	phones(w, `{"answer_after_ms":20,"far_end_after_ms":20}`)
	d, c := newDesk(w.App, w.Subscribers[:clerks]), newCrowd(w.Subscribers[clerks:])
	dials := w.Dials()
	few, all := lines(w, 48), atPlatform(w, 96)

	lift := throttle(t, w.Process, share)
	usual := offer(few, 20, time.Second, d.next)
	require.Empty(t, usual.wrong)
	t.Logf("usual:     %v", usual)
	sustained := c.sustained(t, w, all)
	m := watch(w)
	told, rate := ledger.Count(), 10*sustained
	var meanwhile *tally
	var asking sync.WaitGroup
	asking.Go(func() { meanwhile = offer(few, 20, long, d.next) })
	y := offer(all, rate, long, c.next)
	told = ledger.Count() - told
	asking.Wait()
	t.Logf("offered:   %v; %d told", y, told)
	t.Logf("meanwhile: %v", meanwhile)
	again, recovered := asBeforeAgain(few, usual, d.next)
	t.Logf("again:     %v after %v", again, recovered)
	lift()
	same := c.compared(t, w)
	grew := m.grew()
	t.Logf("compared after %v; memory %d MB + %d MB", same, m.idle/mega, grew/mega)

	require.Empty(t, y.wrong)
	require.Len(t, y.accepted, y.asked, "the platform takes everything%s", y.others())
	require.Less(t, told, y.asked, "more was told than can be kept up with")
	require.Empty(t, meanwhile.wrong, "nobody hangs")
	require.Less(t, grew, int64(bound), "memory")
	require.Less(t, recovered, recovers, "%v", again)

	require.NoError(t, c.goHome(all))
	d.settle(t, w, dials)
	of := acknowledged(t, w)
	row.Add(y.asked)
	row.Note("with a %dth of the time it keeps up with %.0f/s; %.0f/s were wanted and %.0f/s offered for %v; of all that was told %s; commands meanwhile p50 %v p99 %v, slowest answer %v%s; as before %v later; memory %d MB + %d MB of %d",
		share, sustained, rate, y.offered(), long, of, meanwhile.p(0.5), meanwhile.p(0.99), meanwhile.slowest.Round(time.Millisecond), meanwhile.others(),
		recovered.Round(time.Millisecond), m.idle/mega, grew/mega, bound/mega)
}

// throttle gives a process a part of the time only, as if the machine were so
// much slower: the platform and its people share the machine with it, and could
// not offer ten times as much to all of it.
func throttle(t *testing.T, p *rig.Process, part int) (lift func()) {
	const turn = 20 * time.Millisecond
	stop := make(chan struct{})
	var turns sync.WaitGroup
	turns.Go(func() {
		for {
			p.Signal(syscall.SIGSTOP)
			await(time.Now().Add(turn - turn/time.Duration(part)))
			p.Signal(syscall.SIGCONT)
			select {
			case <-stop:
				return
			default:
			}
			await(time.Now().Add(turn / time.Duration(part)))
		}
	})
	lift = sync.OnceFunc(func() { close(stop); turns.Wait() })
	t.Cleanup(lift)
	return lift
}

// sustained is how many facts a second become webhooks when ever more are told,
// until a third of them do not, twice: that shows the most there is. It returns
// when the platform waits for nothing.
func (c *crowd) sustained(t *testing.T, w *rig.Apart, all []*line) (most float64) {
	t.Helper()
	for rate, behind := 500.0, 0; behind < 2; {
		before := w.Ledger.Count()
		y := offer(all, rate, time.Second, c.next)
		told := w.Ledger.Count() - before
		most = max(most, float64(told)/y.took.Seconds())
		t.Logf("sustained: %v; %d told at once", y, told)
		require.Empty(t, y.wrong)
		acknowledged(t, w)
		if told < y.asked-y.asked/3 {
			behind++ // or something else kept the machine busy
		} else {
			rate, behind = 2*rate, 0
		}
	}
	return most
}

// compared waits until offhook knows what the platform knows, while everybody
// is still talking.
func (c *crowd) compared(t *testing.T, w *rig.Apart) time.Duration {
	t.Helper()
	began := time.Now()
	var ours, theirs map[string]string
	for range rig.Poll(60 * time.Second) {
		ours, theirs = w.Picture()
		if fmt.Sprint(ours) == fmt.Sprint(theirs) {
			require.NotEmpty(t, ours)
			return time.Since(began)
		}
	}
	require.Equal(t, theirs, ours)
	return 0
}

// acknowledged checks that the platform waits for nothing any more, and says
// what became of the events.
func acknowledged(t *testing.T, w *rig.Apart) string {
	t.Helper()
	var stats map[string]any
	for range rig.Poll(30 * time.Second) {
		stats = rig.Must(t, 200, "GET", w.URL("/simulator/stats"), "", "").JSON(t)
		if stats["live"].(map[string]any)["waiting_for_ack"].(float64) == 0 {
			return fmt.Sprintf("%.0f were acknowledged, %.0f of them as a mark, and %.0f lost with %.0f channels and made up for",
				stats["events_acked"], metric(w, "offhook_facts_overflowed_total"), stats["events_lost"], stats["channels_ended"])
		}
	}
	require.Fail(t, "the platform still waits", "%v", stats["live"])
	return ""
}
