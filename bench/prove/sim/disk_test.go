package sim

import (
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// disk is a file system in memory whose power can be cut, and whose syncs of
// the log take as long as somebody says.
type disk struct {
	mem     *vfs.MemFS
	latency *atomic.Int64 // nanoseconds; of the world
	over    chan struct{} // closed when the power is gone: nobody waits for it any more
}

func newDisk(mem *vfs.MemFS, latency *atomic.Int64) *disk {
	return &disk{mem, latency, make(chan struct{})}
}

func (d *disk) fs() vfs.FS {
	return watched{errorfs.Wrap(d.mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
			if wait := d.latency.Load(); wait > 0 && strings.HasSuffix(op.Path, ".log") && !rotating() {
				select {
				case <-time.After(time.Duration(wait)):
				case <-d.over:
				}
			}
		}
		return nil
	}))}
}

// rotating reports whether the sync is the last one of a log that is being
// closed. Pebble waits for that with locks held, and whoever waits for a lock
// stops a virtual clock.
func rotating() bool {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if strings.HasSuffix(f.Function, ".closeInternal") {
			return true
		}
		if !more {
			return false
		}
	}
}

// watched has each operation of a file system go past an injector. errorfs
// alone loses sight of a log that is used again.
type watched struct{ vfs.FS }

// ReuseForWrite implements vfs.FS.
func (w watched) ReuseForWrite(was, is string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := w.Rename(was, is); err != nil {
		return nil, err
	}
	return w.OpenReadWrite(is, category)
}

// Unwrap implements vfs.FS.
func (w watched) Unwrap() vfs.FS { return w.FS }
