package crash

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
)

const rotten = 4 // directories that share the flips

// A bit flips on the disk after the process was killed: the directory is
// refused, or a read fails, or all that left the process is there all the same.
// A shorter history, or another one, is never taken for the whole.
func TestAFlippedBitIsNoticedOrHarmless(t *testing.T) {
	seed := number(t, "OFFHOOK_CRASH_SEED", usualSeed)
	want := number(t, "OFFHOOK_CRASH_FLIPS", flipsInTests)
	t.Logf("make rot SEED=%d N=%d", seed, want)
	row := report.Attack(t, report.Durable, "a bit flipped in every part of every file, and a start", "bits")
	var all flips
	dirs := max(rotten, want/20_000)
	for n := range dirs {
		w := newWorld(seed + n)
		all.turn(w, w.killed(t), int(want/dirs)) // #nosec G115 -- a number of bits
		w.mu.Lock()
		faults := w.faults
		w.mu.Unlock()
		require.Empty(t, faults, "replay with make rot SEED=%d N=%d:\n%s", seed+n, want/dirs, strings.Join(faults, "\n"))
	}
	row.Add(int(all.bits.Load()))
	row.Note("seed %d, in %d files of %d directories; %d starts were refused, %d reads failed, %d did no harm", seed, all.files, dirs, all.refused.Load(), all.failed.Load(), all.harmless.Load())
	t.Logf("%d bits in %d files of %d directories; %d starts were refused, %d reads failed, %d did no harm", all.bits.Load(), all.files, dirs, all.refused.Load(), all.failed.Load(), all.harmless.Load())
	require.Greater(t, all.refused.Load(), all.bits.Load()/10)
	require.Positive(t, all.failed.Load())
}

// killed is the disk of a process that was killed in the midst of its life. All
// it wrote is there, synced or not.
func (w *world) killed(t *testing.T) (left *vfs.MemFS) {
	t.Helper()
	mem := vfs.NewCrashableMem()
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, w.start(mem))
		w.provision()
		for range 250 + w.random.IntN(250) {
			w.act()
		}
		synctest.Wait()
		w.mu.Lock()
		left = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: w.random})
		w.dead = true
		require.Empty(t, w.faults)
		require.Greater(t, w.rows.acked, 100)
		w.catalog.thorough = true
		w.mu.Unlock()
		require.NoError(t, w.stop())
	})
	return left
}

// flips is what became of them.
type flips struct {
	bits, refused, failed, harmless atomic.Int64
	files                           int
}

// spot is a byte of a file.
type spot struct {
	path string
	at   int64
}

// spots are about n bytes: the first and last of each file, where headers and
// what was written last are, and others in equal distances.
func spots(fs vfs.FS, random *rand.Rand, n int) (all []spot, files int, err error) {
	names, err := fs.List(dataDir)
	if err != nil {
		return nil, 0, err
	}
	slices.Sort(names)
	sizes := map[string]int64{}
	var total int64
	for _, name := range names {
		path := fs.PathJoin(dataDir, name)
		info, err := fs.Stat(path)
		if err != nil {
			return nil, 0, err
		}
		if info.Size() > 0 && !info.IsDir() {
			names[files], sizes[path] = path, info.Size()
			total += info.Size()
			files++
		}
	}
	for _, path := range names[:files] {
		size := sizes[path]
		edge := min(size/2, int64(n/files/6))
		for i := range edge {
			all = append(all, spot{path, i}, spot{path, size - 1 - i})
		}
		for step, at := max(total/int64(n), 1), edge; at < size-edge; at += step {
			all = append(all, spot{path, min(at+random.Int64N(step), size-1)})
		}
	}
	return all, files, nil
}

// turn flips one bit of about n bytes, each on a disk of its own.
func (f *flips) turn(w *world, left *vfs.MemFS, n int) {
	w.mu.Lock()
	pt := point{what: "kill", loss: 100, acked: w.rows.acked, moment: w.promises.moment}
	w.mu.Unlock()
	where, files, err := spots(left, w.random, n)
	if err != nil {
		w.mu.Lock()
		w.violated("%v", err)
		w.mu.Unlock()
		return
	}
	f.files += files
	jobs := make(chan spot)
	var workers sync.WaitGroup
	for i := range 2 {
		dice := rand.New(rand.NewPCG(w.seed, uint64(50+i)))
		workers.Go(func() {
			for at := range jobs {
				f.flip(w, left, pt, at, dice)
			}
		})
	}
	for _, at := range where {
		jobs <- at
	}
	close(jobs)
	workers.Wait()
}

func (f *flips) flip(w *world, left *vfs.MemFS, pt point, at spot, dice *rand.Rand) {
	f.bits.Add(1)
	bit := byte(1) << dice.IntN(8)
	w.mu.Lock()
	names := w.catalog
	w.mu.Unlock()
	fs := left.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: dice})
	err := turnBit(fs, at, bit)
	var pic *picture
	if err == nil {
		pic, err = w.look(fs, &names)
		switch {
		case errors.Is(err, errUnopened):
			f.refused.Add(1)
			return
		case err != nil:
			f.failed.Add(1)
			return
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		err = w.check(pic, pt)
	}
	if err != nil {
		w.violated("bit %08b of byte %d of %s: %v", bit, at.at, at.path, err)
		return
	}
	f.harmless.Add(1)
}

func turnBit(fs vfs.FS, at spot, bit byte) error {
	file, err := fs.OpenReadWrite(at.path, "rot")
	if err != nil {
		return err
	}
	defer file.Close()
	var b [1]byte
	if _, err := file.ReadAt(b[:], at.at); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("byte %d of %s: %w", at.at, at.path, err)
	}
	b[0] ^= bit
	_, err = file.WriteAt(b[:], at.at)
	return err
}
