package crash

import (
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
)

const faultsInTests = 24

// The log's disk is full, or broken, from some write or sync on: the process
// asks to be ended, acknowledges nothing any more, and what it acknowledged
// before is there.
func TestAfterAFailedWriteNothingIsAcknowledgedAndNothingIsLost(t *testing.T) {
	seed := number(t, "OFFHOOK_CRASH_SEED", uint64(time.Now().UnixNano())%1_000_000_007)
	t.Logf("OFFHOOK_CRASH_SEED=%d", seed)
	l := newLooks(2)
	defer l.close()
	random := rand.New(rand.NewPCG(seed, 3))
	for n := range faultsInTests {
		w := newWorld(seed + uint64(n))
		w.roomy = true // a log that cannot be made is the operating system's to survive
		fault := []error{syscall.ENOSPC, syscall.EIO}[n%2]
		w.fails(t, l, fault, n%4 < 2, int64(1+random.IntN(120)))
	}
}

// fails is a life whose log cannot be written, or synced, from one time on.
func (w *world) fails(t *testing.T, l *looks, fault error, writes bool, from int64) {
	t.Helper()
	mem := vfs.NewCrashableMem()
	var seen atomic.Int64
	var on, broke atomic.Bool
	fs := watch(mem, func(op errorfs.Op) error {
		is := op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpFileWriteAt
		if !writes {
			is = op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo
		}
		if !on.Load() || !is || !strings.HasSuffix(op.Path, ".log") || seen.Add(1) < from {
			return nil
		}
		broke.Store(true)
		return fault
	})
	var exits atomic.Int64
	w.exit = func(int) { exits.Add(1) }
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, w.start(fs))
		w.provision()
		on.Store(true)
		for n := 0; n < 400 && !broke.Load(); n++ {
			w.act()
		}
		synctest.Wait()
		require.True(t, broke.Load(), "the disk was not written %d times", from)
		require.Positive(t, exits.Load(), "the process asks to be ended")
		w.mu.Lock()
		acked, taken, commands := w.rows.acked, w.taken, w.commands
		w.mu.Unlock()
		on.Store(false) // a disk that comes back does not bring back what was lost
		for range 40 {
			w.act()
		}
		synctest.Wait()
		w.mu.Lock()
		require.Equal(t, acked, w.rows.acked, "nothing is durable any more")
		_, _ = taken, commands
		w.mu.Unlock()
		d := &disk{w: w, mem: mem, looks: l, seen: map[uint64]*copied{}, random: w.random}
		d.mu.Lock()
		d.power("after the failure", true)
		d.mu.Unlock()
		require.Error(t, w.stop())
	})
	l.wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Empty(t, w.faults, "seed %d:\n%s", w.seed, strings.Join(w.faults, "\n"))
}
