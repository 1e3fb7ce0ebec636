package store

import (
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// calm lets Pebble try again in its own time. When there is no room for a table
// it is making in the background it begins the next at once, some thousand
// times a second; here that waits for a moment.
type calm struct {
	vfs.FS
	stop <-chan struct{} // closed: nobody waits any more
	full *atomic.Int64   // when there was no room last, ns since born; zero for never
	born time.Time
}

const calmFor = time.Second

// Create implements vfs.FS. Pebble holds no lock when it makes a table.
func (c calm) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if !strings.HasSuffix(name, ".sst") && !strings.HasSuffix(name, ".blob") {
		return c.FS.Create(name, category)
	}
	if full := c.full.Load(); full != 0 && c.since(full) < calmFor {
		timer := time.NewTimer(calmFor - c.since(full))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.stop:
		}
	}
	f, err := c.FS.Create(name, category)
	if c.heed(err); err != nil {
		return nil, err
	}
	return calmFile{f, c}, nil
}

func (c calm) since(moment int64) time.Duration { return time.Since(c.born) - time.Duration(moment) }

// Unwrap implements vfs.FS.
func (c calm) Unwrap() vfs.FS { return c.FS }

func (c calm) heed(err error) {
	if errors.Is(err, syscall.ENOSPC) {
		c.full.Store(max(int64(time.Since(c.born)), 1))
	}
}

type calmFile struct {
	vfs.File
	fs calm
}

func (f calmFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.fs.heed(err)
	return n, err
}

func (f calmFile) Sync() error {
	err := f.File.Sync()
	f.fs.heed(err)
	return err
}
