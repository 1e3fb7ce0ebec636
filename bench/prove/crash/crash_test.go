package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"offhook/bench/prove/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// number reads a setting from the environment.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 64)
	require.NoError(t, err, name)
	return n
}

// usualSeed is that of a change's tests: a red one says something about the
// change. Others are for the night.
const usualSeed = 1

const livesInAnEra = 8 // on one disk; then a new one

// The power goes at every write to the disk, over lives that each begin on what
// the one before left: whatever had left the process by then is there.
func TestWhatLeftTheProcessOutlivesAPowerCutAtAnyWrite(t *testing.T) {
	seed := number(t, "OFFHOOK_CRASH_SEED", usualSeed)
	want := int64(number(t, "OFFHOOK_CRASH_N", pointsInTests))
	durable := report.Attack(t, report.Durable, "power cut at every write, with 0, 50 and 100 % of what was not synced", "points")
	ordered := report.Attack(t, report.Ordered, "what receivers took before and after power cuts", "events")
	twice := report.Attack(t, report.NeverTwice, "dial requests and their keys before and after power cuts", "commands")
	t.Logf("make crash SEED=%d N=%d", seed, want)
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // disks come and go
	l := newLooks(2)
	defer l.close()
	began, said := time.Now(), time.Now()
	var all tally
	for era := seed; l.points.Load() < want; era++ {
		w := newWorld(era)
		left := vfs.NewCrashableMem()
		for life := 0; life < livesInAnEra && l.points.Load() < want; life++ {
			left = w.live(t, l, left)
			w.mu.Lock()
			faults := w.faults
			w.mu.Unlock()
			require.Empty(t, faults, "replay with make crash SEED=%d N=1000: promises broken in life %d:\n%s", era, w.lives, strings.Join(faults, "\n"))
			if time.Since(said) > 10*time.Second && want > pointsInTests {
				said = time.Now()
				fmt.Fprintf(os.Stderr, "%d of %d points, %d disks opened, %.0f points a second, era %d\n", l.points.Load(), want, l.disks.Load(), float64(l.points.Load())/time.Since(began).Seconds(), era)
			}
		}
		all.add(w)
	}
	t.Logf("%d points on %d different disks in %d lives; %d submissions, %d commands answered, %d events taken by receivers, %d of them repeated, %d gaps",
		l.points.Load(), l.disks.Load(), all.lives, all.submissions, all.commands, all.taken, all.repeats, all.gaps)
	durable.Add(int(l.points.Load()))
	durable.Note("seed %d, %d disks opened, %d lives, %.0f points a second", seed, l.disks.Load(), all.lives, float64(l.points.Load())/time.Since(began).Seconds())
	ordered.Add(all.taken)
	ordered.Note("%d came again", all.repeats)
	twice.Add(all.commands)
	if want >= pointsInTests {
		require.Greater(t, all.taken, 30, "a run in which nothing happens proves nothing")
		require.Greater(t, all.commands, 10)
	}
}

const hastyLives = 4

// Power cuts one after another, in as many stories as there are seeds: what is
// looked at is what the next life begins on.
func TestPowerCutsOneAfterAnother(t *testing.T) {
	seed := number(t, "OFFHOOK_CRASH_SEED", usualSeed)
	seeds := number(t, "OFFHOOK_CRASH_SEEDS", seedsInTests)
	row := report.Attack(t, report.Durable, "power cuts one after another", "lives")
	l := newLooks(2)
	defer l.close()
	var all tally
	for n := seed; n < seed+seeds; n++ {
		w := newWorld(n)
		w.hasty = true
		left := vfs.NewCrashableMem()
		for range hastyLives {
			left = w.live(t, l, left)
			w.mu.Lock()
			faults := w.faults
			w.mu.Unlock()
			require.Empty(t, faults, "OFFHOOK_CRASH_SEED=%d OFFHOOK_CRASH_SEEDS=1: promises broken in life %d:\n%s", n, w.lives, strings.Join(faults, "\n"))
		}
		all.add(w)
	}
	row.Add(all.lives)
	row.Note("seed %d, %d stories, %d submissions", seed, seeds, all.submissions)
	t.Logf("%d lives; %d submissions, %d commands answered, %d events taken by receivers", all.lives, all.submissions, all.commands, all.taken)
	require.Greater(t, all.taken, int(seeds)) // #nosec G115 -- a number of seeds
}

// tally is what happened in all worlds.
type tally struct{ lives, submissions, commands, taken, repeats, gaps int }

func (a *tally) add(w *world) {
	a.lives += w.lives
	a.submissions += w.submissions
	a.commands += w.commands
	a.taken += w.taken
	a.repeats += w.repeats
	a.gaps += w.gaps
}

// live is one life on a disk: until the power goes, or until it ends in good
// order. What it returns is what the next one begins on.
func (w *world) live(t *testing.T, l *looks, left *vfs.MemFS) *vfs.MemFS {
	t.Helper()
	d := &disk{
		w: w, mem: left, looks: l, seen: map[uint64]*copied{}, random: rand.New(rand.NewPCG(w.seed, uint64(1000+w.lives))),
		cutAt: 40 + w.random.IntN(600), cut: w.random.IntN(len(losses)),
	}
	if w.random.IntN(4) == 0 {
		d.cutAt = 1 + w.random.IntN(60) // while it comes up
	}
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, w.start(d.fs()))
		if w.lives == 1 || w.lives == 2 && w.unborn() {
			w.provision()
		} else if w.random.IntN(2) == 0 {
			w.settle(fmt.Sprintf("life %d, after its start", w.lives))
		}
		for n := 0; n < 400 && !w.isDead(); n++ {
			w.act()
		}
		synctest.Wait()
		if !w.isDead() {
			w.settle(fmt.Sprintf("life %d, at its end", w.lives))
		}
		require.NoError(t, w.stop())
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.left == nil {
			d.ops++
			d.power("nothing, after the end", true)
		}
		w.clock.Store(w.now() + int64(w.random.IntN(60_000)))
		if w.random.IntN(10) == 0 {
			w.clock.Add((25 * time.Hour).Milliseconds())
		}
	})
	l.wait()
	pic, err := d.left.picture(w)
	if err != nil {
		return d.left.next // it is among the faults already
	}
	w.carry(pic)
	return d.left.next
}

// unborn reports whether the first life ended before everybody was provisioned.
func (w *world) unborn() bool {
	return w.rows.base["link/"+apps[len(apps)-1]+"/"+w.catalog.subs[users-1]] == ""
}
