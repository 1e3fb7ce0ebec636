package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// witness remembers how much of each log and manifest was synced, and the
// checksum of that. Pebble takes a log with a damaged record for one that was
// being written when the power went, if nothing behind it says otherwise, and a
// manifest with one always: it begins with what is before the damage and deletes
// the rest. A flipped bit would take away what was acknowledged, without a word.
// So whoever opens the directory asks the witness first.
//
// It is noted before anybody is told that a sync returned, and not synced by
// itself, which would cost as much again. If only the process dies it knows
// everything; after a power cut it may have known less, and that is still true.
// What it must not know is a file that is gone or used again: that it is made to
// forget, for good, before.
//
// The file has two places, written in turn: one that is torn or damaged leaves
// the other, which is one sync older.
//
//	WITNESS  |0      |4 KiB  |
//	place    | magic 4 | turn 8 | n 1 | n × (name's length 1, name, length 8, checksum 4) | checksum 4 |
type witness struct {
	file vfs.File

	mu    sync.Mutex
	knows map[string]prefix // by the name of the file
	turn  uint64
	buf   []byte
}

// prefix is what was synced of a file.
type prefix struct {
	length uint64
	sum    uint32
}

const (
	witnessName  = "WITNESS"
	witnessMagic = "oh\x00\x01"
	witnessPlace = 4 << 10
	witnessMost  = 100 // files; names are 15 bytes
)

// ErrDamaged: something on the disk is not what it was when it was synced.
var ErrDamaged = errors.New("data directory is damaged")

// castagnoli is what processors have an instruction for.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// openWitness asks the witness of a directory whether all that it knows is so,
// and goes on with it. A directory of before has none: it gets one.
func openWitness(dir string, disk vfs.FS) (*witness, error) {
	w := &witness{}
	path := disk.PathJoin(dir, witnessName)
	err := w.load(disk, path)
	if errors.Is(err, fs.ErrNotExist) {
		return w, w.create(disk, dir, path)
	}
	if err != nil {
		return nil, err
	}
	if err := w.verify(dir, disk); err != nil {
		return nil, err
	}
	if w.file, err = disk.OpenReadWrite(path, "offhook-witness"); err != nil {
		return nil, err
	}
	return w, nil
}

// create makes the file under another name first: one that is there is whole.
func (w *witness) create(disk vfs.FS, dir, path string) error {
	w.knows = map[string]prefix{}
	fresh := path + ".new"
	blank, err := disk.Create(fresh, "offhook-witness")
	if err != nil {
		return err
	}
	place := make([]byte, witnessPlace)
	copy(place, w.encode())
	_, err = blank.Write(append(place, place...))
	if err = errors.Join(err, blank.Sync(), blank.Close()); err != nil {
		return err
	}
	if err := disk.Rename(fresh, path); err != nil {
		return err
	}
	folder, err := disk.OpenDir(dir)
	if err != nil {
		return err
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return err
	}
	w.file, err = disk.OpenReadWrite(path, "offhook-witness")
	return err
}

func (w *witness) load(disk vfs.FS, path string) error {
	file, err := disk.Open(path)
	if err != nil {
		return err
	}
	all, err := io.ReadAll(io.LimitReader(file, 2*witnessPlace))
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	for at := 0; at < len(all); at += witnessPlace {
		if turn, knows, ok := decodeWitness(all[at:min(at+witnessPlace, len(all))]); ok && (w.knows == nil || turn > w.turn) {
			w.turn, w.knows = turn, knows
		}
	}
	if w.knows == nil {
		return fmt.Errorf("%w: %s cannot be read", ErrDamaged, witnessName)
	}
	return nil
}

// verify looks at the logs and at the manifest that counts. Another one may
// never have been more than begun.
func (w *witness) verify(dir string, disk vfs.FS) error {
	is, err := pebble.Peek(dir, disk)
	if err != nil {
		return err
	}
	current := ""
	if is.Exists {
		current = disk.PathBase(is.ManifestFilename)
	}
	for _, name := range slices.Sorted(maps.Keys(w.knows)) {
		if isManifest(name) && name != current {
			continue
		}
		if err := w.knows[name].verify(disk, disk.PathJoin(dir, name)); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrDamaged, name, err)
		}
	}
	return nil
}

func (p prefix) verify(disk vfs.FS, path string) error {
	file, err := disk.Open(path, vfs.SequentialReadsOption)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := crc32.New(castagnoli)
	n, err := io.CopyBuffer(sum, io.LimitReader(file, int64(p.length)), make([]byte, 256<<10)) // #nosec G115 -- the length of a file
	switch {
	case err != nil:
		return err
	case uint64(n) < p.length: // #nosec G115 -- a count
		return fmt.Errorf("%d bytes were synced, and %d are there", p.length, n)
	case sum.Sum32() != p.sum:
		return fmt.Errorf("the %d bytes that were synced are not what they were", p.length)
	}
	return nil
}

// synced notes what is on the disk of a file.
func (w *witness) synced(name string, p prefix) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.knows[name] == p {
		return nil
	}
	w.knows[name] = p
	return w.write()
}

// forget is called before a file is removed, or used again under another name.
// The older place must not bring it back either.
func (w *witness) forget(name string) error {
	w.mu.Lock()
	if _, known := w.knows[name]; !known {
		w.mu.Unlock()
		return nil
	}
	delete(w.knows, name)
	err := errors.Join(w.write(), w.write())
	w.mu.Unlock()
	return errors.Join(err, w.file.SyncData())
}

// write takes the next place. w.mu is held.
func (w *witness) write() error {
	w.turn++
	_, err := w.file.WriteAt(w.encode(), int64(w.turn%2)*witnessPlace)
	if err != nil {
		return fmt.Errorf("write %s: %w", witnessName, err)
	}
	return nil
}

func (w *witness) close() error { return errors.Join(w.file.SyncData(), w.file.Close()) }

func (w *witness) encode() []byte {
	b := append(w.buf[:0], witnessMagic...)
	b = binary.BigEndian.AppendUint64(b, w.turn)
	n := len(b)
	b = append(b, 0)
	for name, p := range w.knows {
		if b[n] == witnessMost { // never seen: a handful of logs are kept
			break
		}
		b[n]++
		b = append(b, byte(len(name)))
		b = append(b, name...)
		b = binary.BigEndian.AppendUint64(b, p.length)
		b = binary.BigEndian.AppendUint32(b, p.sum)
	}
	w.buf = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	return w.buf
}

func decodeWitness(b []byte) (turn uint64, knows map[string]prefix, ok bool) {
	const head, each = len(witnessMagic) + 8 + 1, 8 + 4
	if len(b) < head || string(b[:len(witnessMagic)]) != witnessMagic {
		return 0, nil, false
	}
	turn, knows = binary.BigEndian.Uint64(b[len(witnessMagic):]), map[string]prefix{}
	at := head
	for range b[head-1] {
		if at >= len(b) || at+1+int(b[at])+each > len(b) {
			return 0, nil, false
		}
		name := string(b[at+1 : at+1+int(b[at])])
		at += 1 + len(name)
		knows[name] = prefix{binary.BigEndian.Uint64(b[at:]), binary.BigEndian.Uint32(b[at+8:])}
		at += each
	}
	if at+4 > len(b) || binary.BigEndian.Uint32(b[at:]) != crc32.Checksum(b[:at], castagnoli) {
		return 0, nil, false
	}
	return turn, knows, true
}
