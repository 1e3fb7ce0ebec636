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
// each, in their order, as its own log has them.
type Tape struct {
	calls [][Steps]unit
	index atomic.Uint64 // of the last event
}

type unit []row

// row is one row of a transition, with what makes it another one each time.
type row struct {
	kind       tail
	gone       bool // it is deleted
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
)

var tails = []struct {
	prefix string
	tail   tail
}{{"ev/", tailIndex}, {"at/", tailSequence}, {"wait/", tailSequence}, {"call/", tailCall}, {"age/", tailOld}}

const recordMemory = 256 << 20 // so that all of it is in one log

// Record makes a tape of as many phones: a store in memory takes their
// transitions one by one, so each is a batch of its own in its log.
func Record(ctx context.Context, phones int) (*Tape, error) {
	fs := vfs.NewMem()
	const dir = "tape"
	if err := keep(ctx, fs, dir, phones); err != nil {
		return nil, fmt.Errorf("record a tape: %w", err)
	}
	t := &Tape{}
	if err := t.read(fs, dir); err != nil {
		return nil, fmt.Errorf("read a tape: %w", err)
	}
	if len(t.calls) != phones {
		return nil, fmt.Errorf("read a tape: %d calls of %d phones", len(t.calls), phones)
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
		for range Steps {
			if err := o.tell(p, done); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// read takes the transitions out of the logs.
func (t *Tape) read(fs vfs.FS, dir string) error {
	logs, err := wal.Scan(wal.Dir{FS: fs, Dirname: dir})
	if err != nil {
		return err
	}
	var call [Steps]unit
	at := 0
	for _, log := range logs { // in the order of their numbers
		err := batches(log.OpenForRead(), func(u unit) {
			if call[at] = u; at == Steps-1 {
				t.calls = append(t.calls, call)
			}
			at = (at + 1) % Steps
		})
		if err != nil {
			return fmt.Errorf("log %s: %w", log, err)
		}
	}
	return nil
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
		r := row{key: bytes.Clone(key), value: bytes.Clone(value), gone: kind == pebble.InternalKeyKindDelete, id: max(bytes.Index(key, []byte(prefix)), 0)}
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

// Writer has the transitions of one phone as rows, in their order and each as
// new as the first time.
type Writer struct {
	tape *Tape
	call *[Steps]unit
	n    int
	step int
	unit unit
}

// Writer makes the one of the nth phone; phones behind those that were recorded
// have rows like theirs.
func (t *Tape) Writer(n int) *Writer {
	return &Writer{tape: t, call: &t.calls[n%len(t.calls)], n: n}
}

// next makes the rows of the next transition; they are good until the one after.
func (w *Writer) next() unit {
	at, lap := w.step%Steps, uint64(w.step/Steps) // #nosec G115 -- a count
	w.step++
	from := w.call[at]
	for len(w.unit) < len(from) {
		w.unit = append(w.unit, row{})
	}
	w.unit = w.unit[:len(from)]
	index := w.tape.index.Add(1)
	for i := range from {
		r := &w.unit[i]
		*r = row{gone: from[i].gone, key: append(r.key[:0], from[i].key...), value: from[i].value}
		end := r.key[max(len(r.key)-8, 0):]
		switch from[i].kind {
		case tailIndex:
			binary.BigEndian.PutUint64(end, index)
		case tailSequence:
			binary.BigEndian.PutUint64(end, binary.BigEndian.Uint64(end)+lap*uint64(Steps))
		case tailOld:
			binary.BigEndian.PutUint64(r.key[len(r.key)-18:], uint64(time.Now().UnixMilli())) // #nosec G115 -- a time
			w.callID(end, lap)
		case tailCall:
			w.callID(end, lap)
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

// Size is how many bytes of keys and values a transition has, on the average.
func (t *Tape) Size() (rows, bytes float64) {
	n := 0
	for _, call := range t.calls {
		for _, u := range call {
			n++
			rows += float64(len(u))
			for _, r := range u {
				bytes += float64(len(r.key) + len(r.value))
			}
		}
	}
	return rows / float64(n), bytes / float64(n)
}
