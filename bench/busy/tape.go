package busy

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/wal"

	"offhook/engine"
)

// Tape is what offhook writes for the transitions of a few phones: the rows of
// each, in their order, as its own log has them. There are as many calls of each
// as it takes until the record of a subscriber, who remembers calls that ended,
// grows no more, and then those of a lap, in which the record is written whole
// several times and otherwise only what is behind it.
type Tape struct {
	phones [][tapeCalls][Steps]unit
	index  atomic.Uint64 // of the last event
}

const (
	tapeCalls = warmCalls + lapCalls
	warmCalls = 20
	lapCalls  = 16
)

type unit []row

// row is one row of a transition, with what makes it another one each time.
type row struct {
	kind       tail
	gone       bool // it is deleted
	merged     bool // it goes behind what is there
	key, value []byte
	id         int // where the phone's number is in the key; 0 for nowhere
}

// tail is what a key ends with (see the drawing of the keyspace in package store).
type tail uint8

const (
	tailNone     tail = iota
	tailIndex         // ev/: the index of the event
	tailSequence      // at/, wait/: the number in the stream
	tailCall          // call/: the call
	tailOld           // age/: a time, a slot and a call
	tailPast          // past/: a time and a call
	tailSlice         // log/: the call and a slice of the day
)

var tails = []struct {
	prefix string
	tail   tail
}{{"ev/", tailIndex}, {"at/", tailSequence}, {"wait/", tailSequence}, {"call/", tailCall}, {"age/", tailOld}, {"past/", tailPast}, {"log/", tailSlice}}

const recordMemory = 256 << 20 // so that all of it is in one log

// Record makes a tape of as many phones: a store in memory takes their
// transitions one by one, so each is a batch of its own in its log.
func Record(ctx context.Context, phones int) (*Tape, error) {
	fs := vfs.NewMem()
	const dir = "tape"
	if err := keep(ctx, fs, dir, phones); err != nil {
		return nil, fmt.Errorf("record a tape: %w", err)
	}
	t := &Tape{phones: make([][tapeCalls][Steps]unit, phones)}
	found, err := t.read(fs, dir)
	if err != nil {
		return nil, fmt.Errorf("read a tape: %w", err)
	}
	if want := phones * tapeCalls * Steps; found != want {
		return nil, fmt.Errorf("read a tape: %d transitions instead of %d", found, want)
	}
	return t, nil
}

func keep(ctx context.Context, fs vfs.FS, dir string, phones int) (err error) {
	o, err := Open(Config{Dir: dir, FS: fs, Memory: recordMemory})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	if err := o.Provision(ctx, 0, phones, 0, Everybody); err != nil {
		return err
	}
	if err := o.Start(ctx); err != nil {
		return err
	}
	done := make(settled, 1)
	for n := range phones {
		p := NewPhone(n)
		for range tapeCalls * Steps {
			if err := o.tell(p, done); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// read takes the transitions out of the logs. It returns how many there are.
func (t *Tape) read(fs vfs.FS, dir string) (found int, err error) {
	logs, err := wal.Scan(wal.Dir{FS: fs, Dirname: dir})
	if err != nil {
		return 0, err
	}
	for _, log := range logs { // in the order of their numbers
		err := batches(log.OpenForRead(), func(u unit) {
			if call := found / Steps; call/tapeCalls < len(t.phones) {
				t.phones[call/tapeCalls][call%tapeCalls][found%Steps] = u
			}
			found++
		})
		if err != nil {
			return found, fmt.Errorf("log %s: %w", log, err)
		}
	}
	return found, nil
}

// batches calls fn with each transition of a log.
func batches(log wal.Reader, fn func(unit)) (err error) {
	defer func() { err = errors.Join(err, log.Close()) }()
	for {
		one, _, err := log.NextRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		repr, err := io.ReadAll(one)
		if err != nil {
			return err
		}
		u, calls, err := rows(repr)
		if err != nil {
			return err
		}
		if calls {
			fn(u)
		}
	}
}

// rows reads a batch; calls says whether it holds an event of a calls webhook.
func rows(repr []byte) (u unit, calls bool, err error) {
	for reader := batchrepr.Read(repr); ; {
		kind, key, value, more, err := reader.Next()
		if err != nil || !more {
			return u, calls, err
		}
		if bytes.HasPrefix(key, []byte("meta/")) {
			continue // one for each batch, however many transitions are in it
		}
		r := row{key: bytes.Clone(key), value: bytes.Clone(value), gone: kind == pebble.InternalKeyKindDelete, merged: kind == pebble.InternalKeyKindMerge, id: max(bytes.Index(key, []byte(prefix)), 0)}
		for _, t := range tails {
			if bytes.HasPrefix(key, []byte(t.prefix)) {
				r.kind = t.tail
			}
		}
		if r.kind == tailSequence && key[len(key)-9] == byte(engine.StreamCalls) {
			calls = true
		}
		u = append(u, r)
	}
}

// Writer has the transitions of one phone as rows, in their order. Calls after
// those that were recorded are like those of the lap, with rows as new.
type Writer struct {
	tape  *Tape
	calls *[tapeCalls][Steps]unit
	n     int
	step  int
	unit  unit
}

// Writer makes the one of the nth phone; phones behind those that were recorded
// have rows like theirs.
func (t *Tape) Writer(n int) *Writer {
	return &Writer{tape: t, calls: &t.phones[n%len(t.phones)], n: n}
}

// next makes the rows of the next transition; they are good until the one after.
func (w *Writer) next() unit {
	call, at := w.step/Steps, w.step%Steps
	lap := uint64(max(call-warmCalls, 0) / lapCalls) // #nosec G115 -- a count
	if call >= tapeCalls {
		call = warmCalls + (call-warmCalls)%lapCalls
	}
	from := w.calls[call][at]
	w.step++
	for len(w.unit) < len(from) {
		w.unit = append(w.unit, row{})
	}
	w.unit = w.unit[:len(from)]
	index := w.tape.index.Add(1)
	for i := range from {
		r := &w.unit[i]
		*r = row{gone: from[i].gone, merged: from[i].merged, key: append(r.key[:0], from[i].key...), value: from[i].value}
		end := r.key[max(len(r.key)-8, 0):]
		switch from[i].kind {
		case tailIndex:
			binary.BigEndian.PutUint64(end, index)
		case tailSequence:
			binary.BigEndian.PutUint64(end, binary.BigEndian.Uint64(end)+lap*uint64(lapCalls*Steps))
		case tailOld:
			binary.BigEndian.PutUint64(r.key[len(r.key)-18:], uint64(time.Now().UnixMilli())) // #nosec G115 -- a time
			w.callID(end, lap)
		case tailPast:
			binary.BigEndian.PutUint64(r.key[len(r.key)-16:], uint64(time.Now().UnixMilli())) // #nosec G115 -- a time
			w.callID(end, lap)
		case tailCall:
			w.callID(end, lap)
		case tailSlice:
			w.callID(r.key[len(r.key)-10:], lap)
		}
		if from[i].id > 0 {
			number := r.key[from[i].id+len(prefix):][:digits]
			for k, n := digits-1, w.n; k >= 0; k, n = k-1, n/10 {
				number[k] = '0' + byte(n%10)
			}
		}
	}
	return w.unit
}

// callID makes another call of the one that was recorded: as random, of the
// same slot.
func (w *Writer) callID(end []byte, lap uint64) {
	const odd = 0x9e3779b97f4a7c15
	id := binary.BigEndian.Uint64(end)
	id ^= (lap*odd + uint64(w.n)*odd>>7) &^ (engine.Slots - 1) &^ (1 << 63) // #nosec G115 -- a number
	binary.BigEndian.PutUint64(end, id)
}

// Size is how many rows, and bytes of keys and values, a transition has, on the
// average of all calls.
func (t *Tape) Size() (rows, bytes float64) {
	n := 0
	for p := range t.phones {
		for c := range t.phones[p] {
			for _, u := range t.phones[p][c] {
				n++
				rows += float64(len(u))
				for _, r := range u {
					bytes += float64(len(r.key) + len(r.value))
				}
			}
		}
	}
	return rows / float64(n), bytes / float64(n)
}
