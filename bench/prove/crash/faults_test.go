package crash

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

const faultsInTests = 24

// The log's disk is full, or broken, from some write or sync on: the process
// asks to be ended, acknowledges nothing any more, and what it acknowledged
// before is there. Each time is a process of its own: where another write is
// under way when the first fails, Pebble panics before we can ask.
func TestAfterAFailedWriteNothingIsAcknowledgedAndNothingIsLost(t *testing.T) {
	seed := number(t, "OFFHOOK_CRASH_SEED", usualSeed)
	if n := number(t, "OFFHOOK_CRASH_FAULT", 0); n > 0 {
		failAt(t, seed, n)
		return
	}
	t.Logf("OFFHOOK_CRASH_SEED=%d", seed)
	row := report.Attack(t, report.Durable, "the log's disk is full or broken from some write on", "processes")
	panicked := 0
	for n := range faultsInTests {
		child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$") //nolint:gosec // this test again
		child.Env = append(os.Environ(), rig.Races, fmt.Sprintf("OFFHOOK_CRASH_SEED=%d", seed), fmt.Sprintf("OFFHOOK_CRASH_FAULT=%d", 1+n))
		out, err := child.CombinedOutput()
		if err != nil && bytes.Contains(out, []byte("panic: ")) && bytes.Contains(out, []byte("pebble/v2.(*DB).commitWrite")) {
			panicked++
			continue
		}
		require.NoError(t, err, "OFFHOOK_CRASH_FAULT=%d:\n%s", 1+n, out)
	}
	row.Add(faultsInTests)
	row.Note("%d asked to be ended, Pebble ended %d", faultsInTests-panicked, panicked)
	t.Logf("%d processes asked to be ended, Pebble ended %d", faultsInTests-panicked, panicked)
	require.Less(t, panicked, faultsInTests/2)
}

// failAt is one of the failures.
func failAt(t *testing.T, seed, n uint64) {
	l := newLooks(2)
	defer l.close()
	random := rand.New(rand.NewPCG(seed, n))
	w := newWorld(seed + n)
	w.roomy = true // a log that cannot be made is the operating system's to survive
	w.fails(t, l, []error{syscall.ENOSPC, syscall.EIO}[n%2], n%4 < 2, int64(1+random.IntN(120)))
}

// ballast has Pebble grow its table in memory, which begins small whatever it
// was told: a log that is full at the very moment it fails is more than Pebble
// outlives.
func (w *world) ballast(t *testing.T) {
	memory, stone := w.store.Memory("ballast"), make([]byte, 32<<10)
	for n := range 25 {
		require.NoError(t, memory.Put(strconv.Itoa(n), stone))
	}
}

// fails is a life whose log cannot be written, or synced, from one time on.
func (w *world) fails(t *testing.T, l *looks, fault error, writes bool, from int64) {
	t.Helper()
	mem := vfs.NewCrashableMem()
	var seen atomic.Int64
	var on, broke atomic.Bool
	fs := rig.Watch(mem, func(op errorfs.Op) error {
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
		w.ballast(t)
		on.Store(true)
		for n := 0; n < 400 && exits.Load() == 0; n++ { // a write nobody waits for is missed by the next who waits
			w.act()
			synctest.Wait()
		}
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
