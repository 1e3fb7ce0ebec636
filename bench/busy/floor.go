package busy

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Floor is a bare Pebble, set up as the store's, that holds a record of each of
// many subscribers. What it writes for a transition is as little as a transition
// can be written in: the record, replaced, and a body, appended.
type Floor struct {
	*Bare
	subscribers int
	record      int // bytes
	body        int
	rounds      int
}

// OpenFloor makes one in a directory, with all the records.
func OpenFloor(dir string, subscribers, record, body int) (f *Floor, err error) {
	b, err := OpenBare(dir, &Tape{})
	if err != nil {
		return nil, err
	}
	f = &Floor{Bare: b, subscribers: subscribers, record: record, body: body}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	const part = 1000
	value := make([]byte, record)
	for n := 0; n < subscribers; {
		batch := b.db.NewBatch()
		for range min(part, subscribers-n) {
			if _, err := crand.Read(value); err != nil {
				return nil, err
			}
			if err := batch.Set(recordKey(n), value, nil); err != nil {
				return nil, err
			}
			n++
		}
		if err := errors.Join(batch.Commit(pebble.Sync), batch.Close()); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func recordKey(n int) []byte { return append([]byte("sub/"), ID(n)...) }

// Round makes transitions of subscribers picked at random, as many at a time as
// there are writers, and reads back the last of each.
func (f *Floor) Round(ctx context.Context, writers int, round time.Duration) (*Result, error) {
	f.rounds++
	all := make([]*floorWriter, writers)
	r, err := f.coalesced(ctx, writers, round, func(n int) func() unit {
		all[n] = f.writer(n)
		return all[n].next
	})
	if err != nil {
		return nil, err
	}
	for _, w := range all {
		if err := f.holds(w.unit[1]); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (f *Floor) holds(r row) error {
	value, closer, err := f.db.Get(r.key)
	if err != nil {
		return fmt.Errorf("bare: the body %q: %w", r.key, err)
	}
	same := bytes.Equal(value, r.value)
	if err := closer.Close(); err != nil || same {
		return err
	}
	return fmt.Errorf("bare: the body %q is not the one that was acknowledged", r.key)
}

type floorWriter struct {
	f    *Floor
	unit unit
	pick *rand.Rand
}

func (f *Floor) writer(n int) *floorWriter {
	w := &floorWriter{f: f, pick: rand.New(rand.NewPCG(uint64(n), uint64(f.rounds)))} // #nosec G404 G115 -- a load
	w.unit = unit{{value: make([]byte, f.record)}, {value: make([]byte, f.body)}}
	for _, r := range w.unit {
		for i := range r.value {
			r.value[i] = byte(w.pick.Uint32())
		}
	}
	return w
}

// next is a transition. Its values differ from all others in their beginning;
// the rest is made of chance as it is.
func (w *floorWriter) next() unit {
	index := w.f.tape.index.Add(1)
	w.unit[0].key = recordKey(w.pick.IntN(w.f.subscribers))
	w.unit[1].key = binary.BigEndian.AppendUint64(append(w.unit[1].key[:0], "ev/"...), index)
	for _, r := range w.unit {
		binary.BigEndian.PutUint64(r.value, index)
	}
	return w.unit
}
