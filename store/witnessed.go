package store

import (
	"hash/crc32"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// witnessed tells the witness what becomes of the logs and manifests of one
// directory.
type witnessed struct {
	vfs.FS
	w   *witness
	dir string
}

func isManifest(name string) bool { return strings.HasPrefix(name, "MANIFEST-") }

// watches reports whether a path is one of those files, and its name.
func (f witnessed) watches(path string) (name string, ours bool) {
	name = f.PathBase(path)
	return name, (isManifest(name) || strings.HasSuffix(name, ".log")) && f.PathDir(path) == f.PathDir(f.PathJoin(f.dir, name))
}

func (f witnessed) forget(path string) error {
	if name, ours := f.watches(path); ours {
		return f.w.forget(name)
	}
	return nil
}

func (f witnessed) summed(file vfs.File, err error, path string) (vfs.File, error) {
	name, ours := f.watches(path)
	if err != nil || !ours {
		return file, err
	}
	return &summed{File: file, w: f.w, name: name}, nil
}

// Create implements vfs.FS.
func (f witnessed) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.forget(name); err != nil {
		return nil, err
	}
	file, err := f.FS.Create(name, category)
	return f.summed(file, err, name)
}

// ReuseForWrite implements vfs.FS.
func (f witnessed) ReuseForWrite(was, is string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.forget(was); err != nil {
		return nil, err
	}
	file, err := f.FS.ReuseForWrite(was, is, category)
	return f.summed(file, err, is)
}

// Remove implements vfs.FS.
func (f witnessed) Remove(name string) error {
	if err := f.forget(name); err != nil {
		return err
	}
	return f.FS.Remove(name)
}

// Unwrap implements vfs.FS.
func (f witnessed) Unwrap() vfs.FS { return f.FS }

// summed is a file that is written from its beginning, by one goroutine at a
// time: it is synced by the one that writes.
type summed struct {
	vfs.File
	w    *witness
	name string
	prefix
}

func (s *summed) Write(p []byte) (int, error) {
	sum := crc32.Update(s.sum, castagnoli, p) // before: a File may change p
	n, err := s.File.Write(p)
	if err == nil {
		s.length, s.sum = s.length+uint64(n), sum // #nosec G115 -- a count
	}
	return n, err
}

func (s *summed) Sync() error { return s.noted(s.File.Sync()) }

func (s *summed) SyncData() error { return s.noted(s.File.SyncData()) }

func (s *summed) SyncTo(length int64) (fullSync bool, err error) {
	if fullSync, err = s.File.SyncTo(length); !fullSync {
		return fullSync, err
	}
	return fullSync, s.noted(err)
}

func (s *summed) noted(err error) error {
	if err != nil {
		return err
	}
	return s.w.synced(s.name, s.prefix)
}
