package store

import (
	"encoding/binary"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// write puts a group into a batch and numbers its events.
func (j *journal) write(batch *pebble.Batch, group []*submission) (queued int, err error) {
	if len(group) > 1 {
		j.supersede(group)
	}
	before := j.next
	for _, s := range group {
		queued += s.queued
		buf := s.buf
		for i := range s.ops {
			o := &s.ops[i]
			key := buf[:o.klen]
			value := buf[o.klen : o.klen+o.vlen]
			buf = buf[o.klen+o.vlen:]
			switch o.kind {
			case opDelete:
				err = batch.Delete(key, nil)
			case opMerge:
				err = batch.Merge(key, value, nil)
			case opSubscriber, opProgress:
				if o.superseded {
					continue
				}
				if !o.earlier {
					err = j.note(batch, o)
				}
				if err == nil && o.kind == opProgress {
					err = batch.Merge(key, value, nil)
				} else if err == nil {
					err = batch.Set(key, value, nil)
				}
			case opEvent:
				binary.BigEndian.PutUint64(key[len(key)-8:], j.next)
				j.next++
				j.events = append(j.events, row{key, value})
			case opIndexed:
				binary.BigEndian.PutUint64(value[len(value)-8:], j.next-1)
				err = batch.Set(key, value, nil)
			default:
				err = batch.Set(key, value, nil)
			}
			if err != nil {
				return 0, err
			}
		}
	}
	if err := j.writeEvents(batch); err != nil {
		return 0, err
	}
	if j.next != before {
		err = batch.Set(indexRow, appendNumber(make([]byte, 0, numberLen), j.next-1), nil)
	}
	return queued, err
}

// row is one that is written later.
type row struct{ key, value []byte }

// writeEvents writes the events of a group behind all its other rows: they are each
// other's neighbours, and Pebble finds the place of one beside that of the last.
func (j *journal) writeEvents(batch *pebble.Batch) error {
	defer func() {
		clear(j.events)
		j.events = j.events[:0]
	}()
	for _, e := range j.events {
		if err := batch.Set(e.key, e.value, nil); err != nil {
			return err
		}
	}
	return nil
}

// supersede finds, from the last op to the first, what of subscribers need not
// be written: all before the last whole record of each.
func (j *journal) supersede(group []*submission) {
	if len(j.last) > maxLast {
		j.last = nil
	}
	if clear(j.last); j.last == nil {
		j.last = map[string]bool{}
	}
	for i := len(group) - 1; i >= 0; i-- {
		ops := group[i].ops
		for k := len(ops) - 1; k >= 0; k-- {
			o := &ops[k]
			if o.kind != opSubscriber && o.kind != opProgress {
				continue
			}
			o.superseded, o.earlier = j.last[o.folded]
			if !o.superseded {
				j.last[o.folded] = o.kind == opSubscriber
			}
		}
	}
}

var indexRow = []byte(keyIndex)

// note keeps live/: the row comes when a subscriber becomes unsettled, and goes
// when it settles. What is there is known, so most steps write nothing.
func (j *journal) note(batch *pebble.Batch, o *op) error {
	_, have := j.live[o.folded]
	if have == o.unsettled {
		return nil
	}
	j.keySpace = ofSubscriber(j.keySpace[:0], prefixLive, o.slot, o.folded)
	if have {
		delete(j.live, o.folded)
		return batch.Delete(j.keySpace, nil)
	}
	j.live[strings.Clone(o.folded)] = struct{}{}
	return batch.Set(j.keySpace, []byte{version1}, nil)
}
