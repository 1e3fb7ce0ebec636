package broadworks

import (
	"errors"
	"io"
)

var errCut = errors.New("event stream: ended inside a document")

// reader takes documents off a channel's never-ending body.
type reader struct {
	src   io.Reader
	alive func() // called with each whole document: bytes that become none are no life
	frame framer
	chunk [16 << 10]byte
	d     decoder
	eof   error
}

func newReader(src io.Reader, limit int, countryCode string, alive func()) *reader {
	r := &reader{src: src, alive: alive, frame: framer{limit: limit}}
	r.d.countryCode = countryCode
	return r
}

// next returns the next document, good until the call after. misread is why
// it was not understood to its end; err means that the stream is over.
func (r *reader) next() (doc *document, misread, err error) {
	for {
		raw, truncated, ok, err := r.frame.next()
		if err != nil {
			return nil, nil, err
		}
		if ok {
			r.alive()
			doc, misread = r.d.decode(raw)
			if misread == nil && truncated {
				misread = errTooLong
			}
			return doc, misread, nil
		}
		if r.eof != nil {
			if r.eof == io.EOF && r.frame.pending() {
				return nil, nil, errCut
			}
			return nil, nil, r.eof
		}
		n, err := r.src.Read(r.chunk[:])
		if n > 0 {
			r.frame.feed(r.chunk[:n])
		}
		r.eof = err // what came with it is read first
	}
}
