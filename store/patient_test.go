package store

import (
	"io/fs"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/store/storetest"
)

// dry is a file system of a machine that has no file descriptor left, a few
// times over.
type dry struct {
	vfs.FS
	times atomic.Int32
	met   atomic.Int32
}

func (d *dry) none(name string) error {
	if d.times.Add(-1) < 0 {
		return nil
	}
	d.met.Add(1)
	return &fs.PathError{Op: "open", Path: name, Err: syscall.ENFILE}
}

func (d *dry) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := d.none(name); err != nil {
		return nil, err
	}
	return d.FS.Create(name, category)
}

func (d *dry) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	if err := d.none(name); err != nil {
		return nil, err
	}
	return d.FS.Open(name, opts...)
}

func TestTheStoreWaitsForAFileDescriptor(t *testing.T) {
	d := &dry{FS: vfs.NewMem()}
	exits := 0
	s, err := Open("data", Options{FS: d, SweepEvery: -1, Exit: func(int) { exits++ }, OnFailure: func(err error) { t.Error(err) }})
	require.NoError(t, err)
	storetest.Put(t, s, []engine.Record{storetest.Of(storetest.Subscriber("alice"))}, nil)
	d.times.Store(5)
	require.NoError(t, s.db.Flush(), "a table and a log are made")
	require.EqualValues(t, 5, d.met.Load())
	require.NoError(t, s.Close())
	require.Zero(t, exits)
}
