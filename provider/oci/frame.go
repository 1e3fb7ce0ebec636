package oci

import (
	"errors"
	"io"
)

// framer cuts what comes over a connection into documents.
type framer struct {
	r      io.Reader
	limits limits
	buf    []byte
	seen   int // bytes of buf that were scanned
	used   int // bytes of buf that were handed out
	scan   scan
}

const (
	readSize = 16 << 10
	keepSize = 1 << 20 // a larger buffer is given back
)

// next is the next document. It is good until next is called again.
func (f *framer) next() ([]byte, error) {
	f.buf = append(f.buf[:0], f.buf[f.used:]...)
	f.used, f.seen = 0, 0
	if cap(f.buf) > keepSize && len(f.buf) < keepSize/4 {
		f.buf = append(make([]byte, 0, 2*len(f.buf)), f.buf...)
	}
	f.scan.begin()
	for silent := 0; ; {
		f.skip()
		for ; f.seen < len(f.buf); f.seen++ {
			if f.seen == f.limits.bytes {
				return nil, errTooLong
			}
			done, err := f.scan.next(f.buf[f.seen], &f.limits)
			if err != nil {
				return nil, err
			}
			if done {
				f.seen++
				f.used = f.seen
				return f.buf[:f.used], nil
			}
		}
		if len(f.buf) == cap(f.buf) {
			f.buf = append(f.buf, make([]byte, max(readSize, len(f.buf)))...)[:len(f.buf)]
		}
		n, err := f.r.Read(f.buf[len(f.buf):cap(f.buf)])
		f.buf = f.buf[:len(f.buf)+n]
		switch {
		case n > 0:
			silent = 0
		case err == nil:
			if silent++; silent > 100 {
				return nil, io.ErrNoProgress
			}
		case errors.Is(err, io.EOF) && f.begun():
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}

// skip drops the white space before a document: it may be all that ever comes.
func (f *framer) skip() {
	if f.seen > 0 {
		return
	}
	n := 0
	for n < len(f.buf) && space(f.buf[n]) {
		n++
	}
	f.buf = append(f.buf[:0], f.buf[n:]...)
}

// begun reports whether part of a document is there.
func (f *framer) begun() bool { return f.used == 0 && f.seen > 0 }
