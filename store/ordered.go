package store

import (
	"errors"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ordered makes names durable in the order in which they matter. Pebble names
// its current manifest by an empty file, the marker. It makes the manifest, then
// the marker, then takes the old marker away, and syncs the directory once,
// behind all three. A file system that keeps some of the names and not the
// others leaves a marker of a manifest that is not there, which cannot be
// opened, or no marker at all, which looks like a directory that was never used.
// Journaling file systems keep the order by themselves; POSIX does not ask them
// to. It costs a sync of the directory for each new manifest.
type ordered struct{ vfs.FS }

const markers = "marker."

// Create implements vfs.FS.
func (o ordered) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := o.before(name); err != nil {
		return nil, err
	}
	return o.FS.Create(name, category)
}

// Remove implements vfs.FS.
func (o ordered) Remove(name string) error {
	if err := o.before(name); err != nil {
		return err
	}
	return o.FS.Remove(name)
}

// Unwrap implements vfs.FS.
func (o ordered) Unwrap() vfs.FS { return o.FS }

// before makes durable what was done to a directory before its marker changes.
func (o ordered) before(name string) error {
	if !strings.HasPrefix(o.PathBase(name), markers) {
		return nil
	}
	dir, err := o.OpenDir(o.PathDir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
