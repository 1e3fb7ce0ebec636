package rig

import (
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// watched has each operation of a file system go past an injector. errorfs
// alone loses sight of a log that is used again.
type watched struct{ vfs.FS }

// Watch has see told of each operation of a file system, and fail it.
func Watch(fs vfs.FS, see func(errorfs.Op) error) vfs.FS {
	return watched{errorfs.Wrap(fs, errorfs.InjectorFunc(see))}
}

// ReuseForWrite implements vfs.FS.
func (w watched) ReuseForWrite(was, is string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := w.Rename(was, is); err != nil {
		return nil, err
	}
	return w.OpenReadWrite(is, category)
}

// Unwrap implements vfs.FS.
func (w watched) Unwrap() vfs.FS { return w.FS }

// Stubborn is a disk whose syncs of the log do not return while it is shut.
type Stubborn struct {
	FS     vfs.FS
	shut   atomic.Pointer[chan struct{}]
	waited atomic.Int64
}

// NewStubborn makes a disk stubborn. It is open at first.
func NewStubborn(fs vfs.FS) *Stubborn {
	s := &Stubborn{}
	s.FS = Watch(fs, func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
			if gate := s.shut.Load(); gate != nil && strings.HasSuffix(op.Path, ".log") {
				s.waited.Add(1)
				<-*gate
			}
		}
		return nil
	})
	return s
}

// Shut has syncs wait from now on, until Open.
func (s *Stubborn) Shut() { gate := make(chan struct{}); s.shut.Store(&gate) }

// Open lets them go.
func (s *Stubborn) Open() { close(*s.shut.Swap(nil)) }

// Waited is how many syncs had to wait.
func (s *Stubborn) Waited() int64 { return s.waited.Load() }
