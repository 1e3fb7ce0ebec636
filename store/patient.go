package store

import (
	"errors"
	"io"
	"log/slog"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// patient waits for a file descriptor when there is none. The process shares
// its own out so that there always is one, but the machine's may run out too.
// Pebble would end the process if it cannot make its next log; waiting for it
// only holds up those who wait for the disk.
type patient struct {
	vfs.FS
	log *slog.Logger
}

// patience is how long: after that the machine will not recover by itself.
const patience = 30 * time.Second

func await[T any](p patient, open func() (T, error)) (T, error) {
	var began time.Time
	wait := time.Millisecond
	for {
		f, err := open()
		if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) {
			return f, err
		}
		if began.IsZero() {
			began = time.Now()
			p.log.Error("no file descriptor for the store; it waits for one", "err", err)
		}
		if time.Since(began) >= patience {
			return f, err
		}
		<-time.After(wait)
		wait = min(2*wait, 100*time.Millisecond)
	}
}

// Create implements vfs.FS.
func (p patient) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return await(p, func() (vfs.File, error) { return p.FS.Create(name, category) })
}

// Open implements vfs.FS.
func (p patient) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	return await(p, func() (vfs.File, error) { return p.FS.Open(name, opts...) })
}

// OpenReadWrite implements vfs.FS.
func (p patient) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return await(p, func() (vfs.File, error) { return p.FS.OpenReadWrite(name, category, opts...) })
}

// OpenDir implements vfs.FS.
func (p patient) OpenDir(name string) (vfs.File, error) {
	return await(p, func() (vfs.File, error) { return p.FS.OpenDir(name) })
}

// ReuseForWrite implements vfs.FS.
func (p patient) ReuseForWrite(old, name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return await(p, func() (vfs.File, error) { return p.FS.ReuseForWrite(old, name, category) })
}

// Lock implements vfs.FS.
func (p patient) Lock(name string) (io.Closer, error) {
	return await(p, func() (io.Closer, error) { return p.FS.Lock(name) })
}

// List implements vfs.FS.
func (p patient) List(dir string) ([]string, error) {
	return await(p, func() ([]string, error) { return p.FS.List(dir) })
}

// Unwrap implements vfs.FS.
func (p patient) Unwrap() vfs.FS { return p.FS }
