package crash

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
	"offhook/engine"
)

// While a sync does not return, nothing leaves that rests on it: no
// acknowledgement to the platform, no answer to an app, no dial request, no
// webhook, nothing new in the log. When it returns, all of it leaves.
func TestNothingLeavesBeforeItsSyncReturned(t *testing.T) {
	seed := number(t, "OFFHOOK_CRASH_SEED", usualSeed)
	t.Logf("OFFHOOK_CRASH_SEED=%d", seed)
	row := report.Attack(t, report.Durable, "a sync that does not return", "first inputs")
	for first, what := range map[string]func(w *world){
		"a call":                func(w *world) { w.platform.live() },
		"a deleted subscriber":  func(w *world) { w.running.Go(func() { w.remove(1) }) },
		"a subscriber's number": func(w *world) { w.running.Go(func() { w.put(2) }) },
		"a dial request":        func(w *world) { w.originate(3) },
	} {
		t.Run("first comes "+first, func(t *testing.T) {
			row.Add(1)
			synctest.Test(t, func(t *testing.T) { nothingLeaves(t, newWorld(seed), what) })
		})
	}
}

func nothingLeaves(t *testing.T, w *world, what func(*world)) {
	disk := rig.NewStubborn(vfs.NewMem())
	w.roomy = true
	require.NoError(t, w.start(disk.FS))
	w.provision()
	for range 40 {
		w.platform.live()
	}
	w.settle("before")
	logged := w.store.Durable()
	w.mu.Lock()
	w.frozen = true
	taken, acked, answered := w.taken, w.rows.acked, w.commands
	w.mu.Unlock()

	disk.Shut()
	what(w)
	synctest.Wait()
	require.Positive(t, disk.Waited(), "the disk was asked")
	// Everybody, the deleted subscriber's user among them, has more to tell.
	for _, u := range w.platform.users {
		w.mu.Lock()
		w.platform.begin(u, engine.Fact{Personality: engine.Terminator, RemoteNumber: "+15125550177"}, engine.EventReceived)
		w.mu.Unlock()
		synctest.Wait()
	}
	for i := range 60 {
		switch i % 6 {
		case 0:
			w.originate(i / 6 % users)
		case 1:
			w.command()
		case 2:
			w.running.Go(func() { w.link(apps[i%len(apps)], i/6%users, i%4 > 0) })
		case 3:
			w.running.Go(func() { w.remove(i / 6 % users) })
		case 4:
			if i == 4 { // whoever is next waits for a lock, which no clock waits for
				w.tune(0)
			}
		default:
			w.platform.live()
		}
		time.Sleep(time.Duration(i) * time.Millisecond)
	}
	time.Sleep(2 * time.Minute)
	synctest.Wait()
	w.mu.Lock()
	require.Empty(t, w.faults, strings.Join(w.faults, "\n"))
	require.Equal(t, taken, w.taken, "no webhook")
	require.Equal(t, acked, w.rows.acked, "nothing is durable")
	waiting := 0
	for _, u := range w.platform.users {
		waiting += len(u.unsettled)
	}
	require.Positive(t, waiting)
	w.mu.Unlock()
	require.Equal(t, logged, w.store.Durable())
	for _, app := range apps {
		_, err := w.store.Events(app, logged, 0, func(ev engine.StoredEvent) error {
			require.Fail(t, "the log shows an event that is not durable")
			return nil
		})
		require.NoError(t, err)
	}

	w.mu.Lock()
	w.frozen = false
	w.mu.Unlock()
	disk.Open()
	time.Sleep(time.Minute)
	synctest.Wait()
	w.mu.Lock()
	require.Empty(t, w.faults, strings.Join(w.faults, "\n"))
	require.Greater(t, w.taken, taken, "now the webhooks leave")
	require.Greater(t, w.rows.acked, acked)
	require.GreaterOrEqual(t, w.commands, answered)
	for _, u := range w.platform.users {
		require.Empty(t, u.unsettled, "now everything is acknowledged")
	}
	w.mu.Unlock()
	require.NoError(t, w.stop())
}
