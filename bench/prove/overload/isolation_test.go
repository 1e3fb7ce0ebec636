package overload

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

// quiet is what those who behave ask for, in commands a second.
const quiet = 40

// One subscriber is asked for a hundred times as much as each of the others. He
// is refused what is beyond his share; nobody else is refused anything.
func TestAHotSubscriberSlowsOnlyHimself(t *testing.T) {
	row := report.Attack(t, report.Isolation, "one subscriber is asked a hundred times his share", "commands")
	w := begin(t, rig.NewLedger(t), 41, "", "OFFHOOK_LIMITS_COMMANDS_PER_SUBSCRIBER=20")
	phones(w, `{"answer_after_ms":20,"far_end_after_ms":20}`)
	dials := w.Dials()
	hot, others := newDesk(w.App, w.Subscribers[:1]), newDesk(w.App, w.Subscribers[1:])
	before, with, noise := beside(lines(w, 16), others, func(long time.Duration) *tally {
		return offer(lines(w, 32), 100*quiet/float64(len(others.subs)), long, hot.next)
	})
	t.Logf("hot:    %v", noise)
	require.Empty(t, noise.wrong)
	require.Positive(t, noise.answered["429 rate_limited"])
	asBefore(t, before, with)

	hot.finish(lines(w, 4))
	others.finish(lines(w, 4))
	for call := range hot.placed {
		others.placed[call] = true
	}
	others.doubts += hot.doubts
	others.settle(t, w, dials)
	row.Add(noise.asked)
	row.Note("%.0f/s for one, %.0f/s accepted; the others' p50 %v p99 %v, before %v and %v", noise.offered(), noise.rate(), with.p(0.5), with.p(0.99), before.p(0.5), before.p(0.99))
}

// An app floods the API. It is refused what is beyond the bound of an app;
// another app is refused nothing.
func TestANoisyAppSlowsOnlyItself(t *testing.T) {
	row := report.Attack(t, report.Isolation, "an app floods the API", "requests")
	w := begin(t, rig.NewLedger(t), 40, "", "OFFHOOK_LIMITS_PER_APP=100")
	phones(w, `{"answer_after_ms":20,"far_end_after_ms":20}`)
	noisy, key := addApp(w, "a noisy app", "", w.Subscribers[:20])
	flood, calm := newDesk(noisy, w.Subscribers[:20]), newDesk(w.App, w.Subscribers[20:])
	before, with, noise := beside(lines(w, 16), calm, func(long time.Duration) *tally {
		return offer(linesOf(w, key, 64), 2000, long, flood.next)
	})
	t.Logf("noisy:  %v", noise)
	require.Empty(t, noise.wrong)
	require.Positive(t, noise.answered["429 rate_limited"])
	asBefore(t, before, with)

	flood.finish(linesOf(w, key, 4))
	calm.finish(lines(w, 4))
	w.Ledger.Wait(t, "the end of every call", func() bool { return len(w.Ledger.Open()) == 0 })
	w.Ledger.Audit(t)
	row.Add(noise.asked)
	row.Note("%.0f/s, %.0f/s accepted; the other app's p50 %v p99 %v, before %v and %v", noise.offered(), noise.rate(), with.p(0.5), with.p(0.99), before.p(0.5), before.p(0.99))
}

// beside has those who behave ask by themselves, then beside the noise, by turns.
func beside(all []*line, d *desk, noise func(time.Duration) *tally) (before, with, loud *tally) {
	before, with, loud = &tally{answered: map[string]int{}}, &tally{answered: map[string]int{}}, &tally{answered: map[string]int{}}
	const turns, long = 2, 1500 * time.Millisecond
	for range turns {
		before.add(offer(all, quiet, long, d.next))
		var making sync.WaitGroup
		making.Go(func() { loud.add(noise(long)) })
		with.add(offer(all, quiet, long, d.next))
		making.Wait()
	}
	before.took, with.took, loud.took = turns*long, turns*long, turns*long
	return before, with, loud
}

// asBefore checks that those who behave are not told to come back, and are
// answered about as fast. The machine is shared with the noise and with the
// clients that make it, so that it is a generous bound.
func asBefore(t *testing.T, before, with *tally) {
	t.Helper()
	t.Logf("before: %v", before)
	t.Logf("with:   %v", with)
	for _, y := range []*tally{before, with} {
		require.Empty(t, y.wrong)
		require.Zero(t, y.refused, "refused%s", y.others())
		require.Len(t, y.accepted, y.asked, "accepted; others%s", y.others())
	}
	require.Less(t, with.p(0.5), 4*before.p(0.5)+500*time.Millisecond, fmt.Sprint(with))
}
