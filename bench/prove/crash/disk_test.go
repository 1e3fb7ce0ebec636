package crash

import (
	"fmt"
	"hash/maphash"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"offhook/bench/prove/rig"
)

// losses are how much of what was not synced is still there, in percent.
var losses = []int{100, 50, 0}

// disk is the disk of one life. At each write it is copied as it would be found
// if the power went before that write, and those who look at copies get it.
type disk struct {
	w     *world
	mem   *vfs.MemFS
	looks *looks

	mu     sync.Mutex
	random *rand.Rand
	seen   map[uint64]*copied
	ops    int
	cutAt  int // the write at which the power really goes
	cut    int // and what of the unsynced is there then: an index of losses
	left   *copied
	at     point
}

// copied is what was found on equal disks: it is looked at once.
type copied struct {
	catalog catalog
	next    *vfs.MemFS // the same once more, for the next life to begin on; nil but after a cut

	once sync.Once
	fs   *vfs.MemFS
	is   *picture
	err  error
}

func (c *copied) picture(w *world) (*picture, error) {
	c.once.Do(func() {
		c.is, c.err = w.look(c.fs, &c.catalog)
		c.fs = nil
	})
	return c.is, c.err
}

func (d *disk) fs() vfs.FS {
	return rig.Watch(d.mem, func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpLock {
			d.write(fmt.Sprintf("%s %s", writes[op.Kind], op.Path))
		}
		return nil
	})
}

var writes = map[errorfs.OpKind]string{
	errorfs.OpCreate: "create", errorfs.OpLink: "link", errorfs.OpRemove: "remove", errorfs.OpRemoveAll: "remove all of",
	errorfs.OpRename: "rename", errorfs.OpReuseForWrite: "reuse", errorfs.OpMkdirAll: "make", errorfs.OpFileClose: "close",
	errorfs.OpFileWrite: "write", errorfs.OpFileWriteAt: "write at", errorfs.OpFileSync: "sync", errorfs.OpFileSyncData: "sync data of",
	errorfs.OpFileSyncTo: "sync a part of", errorfs.OpFileFlush: "flush", errorfs.OpFilePreallocate: "preallocate",
}

func (d *disk) write(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ops++
	d.power(what, d.ops == d.cutAt)
}

// power looks at what would be left now; if it is cut, this is the end. d.mu is
// held.
func (d *disk) power(what string, cut bool) {
	w := d.w
	w.mu.Lock()
	if w.dead || w.hasty && !cut {
		w.mu.Unlock()
		return
	}
	pt := point{op: d.ops, what: what, acked: w.rows.acked, moment: w.promises.moment}
	w.dead = cut
	names := w.catalog
	w.mu.Unlock()
	for i, percent := range losses {
		pt.loss = percent
		c := d.copy(percent, names, cut && i == d.cut)
		if cut && i == d.cut {
			d.left, d.at = c, pt
		}
		d.looks.add(look{w, c, pt})
	}
}

// thoroughEvery is how many disks share one thorough look.
const thoroughEvery = 20

// copy is the disk after a power cut.
func (d *disk) copy(percent int, names catalog, keep bool) *copied {
	fs := d.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: d.random})
	sum := digest(fs)
	if c := d.seen[sum]; c != nil && !keep {
		return c
	}
	names.thorough = keep || len(d.seen)%thoroughEvery == 0
	names.app = apps[len(d.seen)%len(apps)]
	if !names.thorough {
		names.hot = d.w.hot()
	}
	c := &copied{fs: fs, catalog: names}
	if keep {
		c.next = fs.CrashClone(vfs.CrashCloneCfg{})
	}
	d.seen[sum] = c
	d.looks.disks.Add(1)
	return c
}

var digestSeed = maphash.MakeSeed()

// digest tells disks apart.
func digest(fs *vfs.MemFS) uint64 {
	var h maphash.Hash
	h.SetSeed(digestSeed)
	var walk func(dir string)
	walk = func(dir string) {
		names, err := fs.List(dir)
		if err != nil {
			return
		}
		slices.Sort(names)
		for _, name := range names {
			path := fs.PathJoin(dir, name)
			info, err := fs.Stat(path)
			if err != nil {
				continue
			}
			_, _ = h.WriteString(path)
			if info.IsDir() {
				walk(path)
				continue
			}
			_, _ = fmt.Fprint(&h, " ", info.Size(), " ")
			f, err := fs.Open(path)
			if err != nil {
				continue
			}
			_, _ = io.Copy(&h, f)
			_ = f.Close()
		}
	}
	walk("")
	return h.Sum64()
}

// look is a copy to be held against what was promised up to a point.
type look struct {
	w  *world
	c  *copied
	pt point
}

// looks are those who look, outside of the world's time.
type looks struct {
	jobs    chan look
	workers sync.WaitGroup
	points  atomic.Int64
	disks   atomic.Int64

	mu      sync.Mutex
	none    *sync.Cond
	pending int
}

func newLooks(workers int) *looks {
	l := &looks{jobs: make(chan look, 64)}
	l.none = sync.NewCond(&l.mu)
	for range workers {
		l.workers.Go(func() {
			for j := range l.jobs {
				l.look(j)
			}
		})
	}
	return l
}

func (l *looks) add(j look) {
	l.mu.Lock()
	l.pending++
	l.mu.Unlock()
	l.jobs <- j
}

func (l *looks) look(j look) {
	defer l.done()
	pic, err := j.c.picture(j.w)
	j.w.mu.Lock()
	defer j.w.mu.Unlock()
	if err == nil {
		err = j.w.check(pic, j.pt)
	}
	if err != nil {
		j.w.violated("life %d, %s: %v", j.w.lives, j.pt, err)
	}
	l.points.Add(1)
}

// wait returns when everything was looked at.
func (l *looks) wait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.pending > 0 {
		l.none.Wait()
	}
}

func (l *looks) done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending--; l.pending == 0 {
		l.none.Broadcast()
	}
}

func (l *looks) close() {
	close(l.jobs)
	l.workers.Wait()
}
