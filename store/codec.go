package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// How records are written. The first byte of each is its version; what follows
// is the fields in the order of the encoder, without names:
//
//	number   unsigned LEB128 (uvarint); signed ones zigzag first
//	string   its length as a number, then its bytes
//	list     its length as a number, then its items
//	flags    one byte, a bit each
//	hash     fixed width, big-endian
//
// A record is decoded to its last byte or not at all: what is too short, too
// long or of a version we do not know is an error and never a guess. A new
// field means a new version; decoders read the older ones too.
const version1 = 1

// version2 is that of the rows with calls and intents in them, which had fewer
// fields in formats 1 to 3: a subscriber's, an intent's, a call's.
const version2 = 2

var (
	errShort   = errors.New("record ends too early")
	errLong    = errors.New("record goes on after its end")
	errVersion = errors.New("record of an unknown version")
	errRange   = errors.New("record holds a number out of range")
)

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendSized appends what text appends, as a string. Its length is known only
// then: room is how many bytes it mostly takes.
func appendSized(b []byte, room int, text func([]byte) []byte) []byte {
	var length [binary.MaxVarintLen64]byte
	from := len(b)
	b = text(append(b, length[:room]...))
	n := binary.PutUvarint(length[:], uint64(len(b)-from-room)) // #nosec G115 -- it only grew
	return slices.Replace(b, from, from+room, length[:n]...)
}

// appendEach appends a list.
func appendEach[T any](b []byte, list []T, one func([]byte, *T) []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for i := range list {
		b = one(b, &list[i])
	}
	return b
}

func appendFlags(b []byte, flags ...bool) []byte {
	var f byte
	for i, set := range flags {
		if set {
			f |= 1 << i
		}
	}
	return append(b, f)
}

// decoder reads one record. After the first error everything reads as zero;
// done tells.
type decoder struct {
	b   []byte
	err error
	old bool // calls, ended calls and intents are as they were before version2
}

// decode begins a record and checks its version.
func decode(b []byte) decoder {
	d := decoder{b: b}
	if v := d.byte(); d.err == nil && v != version1 {
		d.fail(errVersion)
	}
	return d
}

// decode2 begins a record that is of version2 now.
func decode2(b []byte) decoder {
	d := decoder{b: b}
	switch v := d.byte(); {
	case d.err != nil:
	case v == version1:
		d.old = true
	case v != version2:
		d.fail(errVersion)
	}
	return d
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.b = nil
}

// done is called after the last field.
func (d *decoder) done(what string) error {
	if d.err == nil && len(d.b) > 0 {
		d.err = errLong
	}
	if d.err != nil {
		return fmt.Errorf("decode %s: %w", what, d.err)
	}
	return nil
}

func (d *decoder) take(n int) []byte {
	if d.err != nil || n > len(d.b) {
		d.fail(errShort)
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uint() uint64 {
	n, size := binary.Uvarint(d.b)
	if size <= 0 {
		d.fail(errShort)
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) uint32() uint32 {
	n := d.uint()
	if n > math.MaxUint32 {
		d.fail(errRange)
		return 0
	}
	return uint32(n)
}

// length is a number that is not the length of what follows.
func (d *decoder) length() int {
	n := d.uint32()
	if n > math.MaxInt32 {
		d.fail(errRange)
		return 0
	}
	return int(n)
}

func (d *decoder) int() int64 {
	n := d.uint()
	return int64(n>>1) ^ -int64(n&1)
}

func (d *decoder) fixed64() uint64 {
	if b := d.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// bytes is valid as long as the record is.
func (d *decoder) bytes() []byte {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.fail(errShort)
		return nil
	}
	return d.take(int(n)) // #nosec G115 -- no longer than what there is
}

func (d *decoder) string() string { return string(d.bytes()) }

// known reads a string into one that mostly is the same already.
func (d *decoder) known(s *string) {
	if b := d.bytes(); string(b) != *s {
		*s = string(b)
	}
}

// count reads the length of a list whose items take at least min bytes each,
// so that garbage cannot make us allocate more than it is long.
func (d *decoder) count(min int) int {
	n := d.uint()
	if n > uint64(len(d.b)/min) { // #nosec G115 -- no longer than what there is
		d.fail(errShort)
		return 0
	}
	return int(n) // #nosec G115 -- no longer than what there is
}

func (d *decoder) flags(to ...*bool) {
	f := d.byte()
	if f>>len(to) != 0 {
		d.fail(errRange)
		return
	}
	for i, b := range to {
		*b = f&(1<<i) != 0
	}
}

// appendNumber is a record that is one number: an index, a format.
func appendNumber(b []byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, version1), n)
}

const numberLen = 1 + 8

func decodeNumber(b []byte) (uint64, error) {
	d := decode(b)
	n := d.fixed64()
	return n, d.done("number")
}

// appendName is a record that is one string.
func appendName(b []byte, s string) []byte { return appendString(append(b, version1), s) }

func decodeName(b []byte) (string, error) {
	d := decode(b)
	s := d.string()
	return s, d.done("name")
}

// appendBlob is a record that is bytes of somebody else's.
func appendBlob(b, value []byte) []byte { return append(append(b, version1), value...) }

func decodeBlob(b []byte) ([]byte, error) {
	d := decode(b)
	value := d.take(len(d.b))
	if err := d.done("memory"); err != nil {
		return nil, err
	}
	return append(make([]byte, 0, len(value)), value...), nil
}
