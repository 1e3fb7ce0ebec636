package store

import (
	"encoding/binary"
	"fmt"

	"offhook/engine"
)

// A row of sub/ is the subscriber's record and, behind it, what was said since
// of how things went on:
//
//	record progress*
//
// Each progress is merged into the row: Pebble appends it, and puts the pieces
// together when it reads or compacts. A record that is set takes the place of
// all of them.

// progress1 and progress2 are the versions of a progress, with the calls of
// version1 and version2. They are none of a record, so that a row without its
// record is not taken for one.
const (
	progress1 = 0x81
	progress2 = 0x82
)

const (
	minEnded = 14 // bytes of an ended call with nothing in it
	maxHeard = len(engine.Source{}.Recent)
)

func appendProgress(b []byte, p *engine.Progress) []byte {
	b = append(b, progress2)
	b = appendEach(b, p.Calls, appendCall)
	b = appendEach(b, p.Ended, appendEnded)
	b = binary.AppendUvarint(b, uint64(p.Remembered)) // #nosec G115 -- a length
	b = binary.AppendUvarint(b, uint64(len(p.Told)))
	for _, n := range p.Told {
		b = binary.AppendUvarint(b, n)
	}
	b = binary.AppendUvarint(b, uint64(p.Sequence))
	b = append(b, p.Next)
	b = binary.AppendUvarint(b, uint64(len(p.Heard)))
	for _, h := range p.Heard {
		b = binary.BigEndian.AppendUint64(b, h)
	}
	return b
}

// progress reads one progress into the memory of another.
func (d *decoder) progress(p *engine.Progress) {
	v := d.byte()
	if d.old = v == progress1; d.err == nil && v != progress1 && v != progress2 {
		d.fail(errVersion)
	}
	p.Calls = sized(p.Calls, d.count(minCall))
	for i := range p.Calls {
		d.call(&p.Calls[i])
	}
	p.Ended = sized(p.Ended, d.count(minEnded))
	for i := range p.Ended {
		d.ended(&p.Ended[i])
	}
	p.Remembered = d.length()
	p.Told = sized(p.Told, d.count(1))
	for i := range p.Told {
		p.Told[i] = d.uint()
	}
	p.Sequence = d.uint32()
	p.Next = d.byte()
	p.Heard = sized(p.Heard, d.count(8))
	if len(p.Heard) > maxHeard {
		d.fail(errRange)
	}
	for i := range p.Heard {
		p.Heard[i] = d.fixed64()
	}
}

// sized is a list of n with nothing in it.
func sized[T any](list []T, n int) []T {
	if n > cap(list) {
		return make([]T, n)
	}
	list = list[:n]
	clear(list)
	return list
}

// behind applies what is behind the record of a subscriber.
func (d *decoder) behind(s *engine.Subscriber) {
	var p engine.Progress
	for n := 1; d.err == nil && len(d.b) > 0; n++ {
		if d.progress(&p); d.err == nil {
			d.err = s.Apply(&p)
		}
		if d.err != nil {
			d.err = fmt.Errorf("progress %d behind the record: %w", n, d.err)
		}
	}
}
