package store

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"offhook/engine/actor"
)

// ErrNoRoom: the file system of the data directory is all but full.
var ErrNoRoom = errors.New("there is no room on the disk of the data directory")

// Mark is how much of a file system is to be free: an amount, a share of the
// whole, or both; then the smaller counts, so that one mark fits disks of any
// size.
type Mark struct {
	Bytes uint64  // 0 with a Share: no amount
	Share float64 // of the whole, 0 to 1; 0 with Bytes: no share
}

// Of is the mark on a file system of that size.
func (m Mark) Of(total uint64) uint64 {
	share := uint64(m.Share * float64(total))
	switch {
	case m.Share == 0:
		return m.Bytes
	case m.Bytes == 0:
		return share
	}
	return min(m.Bytes, share)
}

// Marks are what is kept free. With less than Low nothing new is taken, until
// there is High again. What is between Low and nothing is for what goes on:
// deliveries, deletions, marks for what was not taken, Pebble's own files. With
// less than a quarter of Low these wait too.
// A Low of nothing is never reached.
type Marks struct{ Low, High Mark }

// UsualMarks are those of the zero Options. They are never changed.
var UsualMarks = Marks{
	Low:  Mark{Bytes: 1 << 30, Share: 0.1},
	High: Mark{Bytes: 5 << 28, Share: 0.125},
}

const (
	spaceEvery  = time.Second
	leastStep   = 64 << 10 // bytes written until the disk is looked at again, whatever the marks
	mostStep    = 64 << 20
	lowParts    = 16 // of Low: so much is written before the disk is looked at again
	noneParts   = 4  // of Low: with less than one of them nothing is written that can wait
	usualMem    = 64 << 20
	leastMem    = 1 << 20
	memOfVolume = 64 // rows that were just written are kept twice, on disk too: a small disk holds few
)

// space watches how much room is left: at an interval, and when much was
// written meanwhile. The zero value is that of a file system that cannot tell.
type space struct {
	fs   vfs.FS
	dir  string
	log  *slog.Logger
	wake func() // what waited for room goes on

	low, high, none, total uint64 // bytes; set once

	free    atomic.Uint64
	room    atomic.Uint32 // an actor.Room
	written atomic.Int64  // bytes since the last look
	step    int64
	nudge   chan struct{} // room for one; nil when nobody watches
	blind   bool          // the last look failed; the watcher's
}

// watch measures the disk for the first time. A file system that cannot tell is
// not watched.
func (w *space) watch(s *Store) {
	*w = space{fs: s.opts.FS, dir: s.dir, log: s.log, wake: func() { signal(s.lazy.wake) }}
	usage, err := w.fs.GetDiskUsage(w.dir)
	if err != nil {
		if !errors.Is(err, vfs.ErrUnsupported) {
			w.log.Warn("free space of the data directory is not known", "dir", w.dir, "err", err)
		}
		return
	}
	w.total = usage.TotalBytes
	w.free.Store(usage.AvailBytes)
	w.low = s.opts.Space.Low.Of(w.total)
	w.high, w.none = max(w.low, s.opts.Space.High.Of(w.total)), w.low/noneParts
	w.step = min(max(int64(w.low/lowParts), leastStep), mostStep) // #nosec G115 -- a part of a disk
	w.nudge = make(chan struct{}, 1)
}

// memTable is how much memory there is for rows that were just written.
func (w *space) memTable() uint64 {
	if w.total == 0 {
		return usualMem
	}
	return min(max(w.total/memOfVolume, leastMem), usualMem)
}

// opens refuses to open a directory whose disk has no room for the first thing
// that Pebble does: to bring its log into a table. It would wait for ever.
func (w *space) opens(memTable uint64) error {
	if free := w.free.Load(); w.total > 0 && free < memTable {
		return fmt.Errorf("open %s: %w: %v are free, and %v are needed; make room first", w.dir, ErrNoRoom, Size(free), Size(memTable))
	}
	return nil
}

// watcher looks until the store is closed.
func (s *Store) watcher() {
	defer s.stopped.Done()
	ticker := time.NewTicker(spaceEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-s.space.nudge:
		case <-s.stop:
			return
		}
		s.space.look()
	}
}

// wrote notes bytes on their way to the disk.
func (w *space) wrote(n int) {
	if w.nudge == nil || w.written.Add(int64(n)) < w.step {
		return
	}
	w.written.Store(0)
	signal(w.nudge)
}

// look finds out how much is free and what follows from it. One line says when
// that is too little, and one when it is enough again.
func (w *space) look() {
	usage, err := w.fs.GetDiskUsage(w.dir)
	if err != nil {
		if !w.blind {
			w.log.Warn("free space of the data directory is not known", "dir", w.dir, "err", err)
		}
		w.blind = true
		return
	}
	w.blind = false
	free := usage.AvailBytes
	w.free.Store(free)
	was, is := w.now(), w.judge(free)
	w.room.Store(uint32(is))
	switch {
	case was == actor.RoomEnough && is != was:
		w.log.Error("the disk is nearly full: nothing new is taken until there is room",
			"dir", w.dir, "free", Size(free), "low", Size(w.low), "high", Size(w.high))
	case is == actor.RoomEnough && is != was:
		w.log.Info("there is room on the disk again", "dir", w.dir, "free", Size(free))
	}
	if was == actor.RoomNone && is != was {
		w.wake()
	}
}

func (w *space) judge(free uint64) actor.Room {
	switch {
	case free < w.none:
		return actor.RoomNone
	case free < w.low, free < w.high && w.now() != actor.RoomEnough:
		return actor.RoomShort
	}
	return actor.RoomEnough
}

func (w *space) now() actor.Room { return actor.Room(w.room.Load()) } // #nosec G115 -- one of three

// full reports whether even what is begun has to wait.
func (w *space) full() bool { return w.now() == actor.RoomNone }

// Room says how much may still be stored.
func (s *Store) Room() actor.Room { return s.space.now() }

// Shortage says for people why nothing new is taken; "" while there is room.
func (s *Store) Shortage() string {
	if s.Room() == actor.RoomEnough {
		return ""
	}
	w := &s.space
	return fmt.Sprintf("the disk of the data directory is nearly full: %v free; nothing new is taken below %v, and until there are %v again",
		Size(w.free.Load()), Size(w.low), Size(w.high))
}

// Size is a number of bytes as people read it.
type Size uint64

func (n Size) String() string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	v, u := float64(n), 0
	for v >= 1024 && u < len(units)-1 {
		v /= 1024
		u++
	}
	if u == 0 || v == float64(uint64(v)) {
		return fmt.Sprintf("%d %s", uint64(v), units[u])
	}
	return fmt.Sprintf("%.1f %s", v, units[u])
}
