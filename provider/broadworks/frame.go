package broadworks

import (
	"bytes"
	"errors"
)

var (
	errStray    = errors.New("event stream: text outside of a document")
	errOverlong = errors.New("event stream: a document without end")
)

// overlong is how many times the document bound a document may be long before
// the stream is given up. Up to there it is read to its end, so that the ones
// behind it are not lost; its start, where the ids are, is kept.
const overlong = 64

// framer cuts a never-ending stream into documents. It frames by XML, never
// by chunk or line: documents split anywhere, and several arrive at once
// (dossier §3.4). Bytes are looked at once.
type framer struct {
	limit int // bytes of one document that are kept

	buf     []byte
	at      int // how far buf was looked at
	start   int // where the document began
	dropped int // bytes of it that were over the limit

	state  frameState
	quote  byte // the quote an attribute value ends with; 0 outside of one
	ending bool // the tag is an end tag
	depth  int
}

type frameState uint8

const (
	betweenTags frameState = iota // at depth 0: between documents, or inside a prologue
	afterOpen                     // a `<` was read
	inTag
	inInstruction
	inBang // `<!`: a comment, or CDATA, not yet known which
	inComment
	inData
)

// feed adds bytes that were read.
func (f *framer) feed(b []byte) { f.buf = append(f.buf, b...) }

// next returns the next whole document. With ok false more bytes are needed.
// truncated says that doc is only the start of a document over the limit. doc
// is good until the next call of feed.
func (f *framer) next() (doc []byte, truncated, ok bool, err error) {
	for f.at < len(f.buf) {
		done, more, err := f.step()
		if err != nil {
			return nil, false, false, err
		}
		if done {
			doc = f.buf[f.start:f.at]
			if truncated = len(doc)+f.dropped > f.limit; truncated {
				doc = doc[:f.limit]
			}
			f.start, f.dropped, f.state = f.at, 0, betweenTags
			return doc, truncated, true, nil
		}
		if more {
			break
		}
	}
	return nil, false, false, f.compact()
}

// pending reports whether a document has begun.
func (f *framer) pending() bool { return f.start < len(f.buf) || f.dropped > 0 }

// compact makes room: what was returned goes, and so does what is over the
// limit, except the last bytes, which may begin what ends a construct.
func (f *framer) compact() error {
	if f.start > 0 {
		n := copy(f.buf, f.buf[f.start:])
		f.buf, f.at, f.start = f.buf[:n], f.at-f.start, 0
	}
	const tail = 16
	if over := f.at - tail - f.limit; over > 0 {
		n := copy(f.buf[f.limit:], f.buf[f.limit+over:])
		f.buf, f.at = f.buf[:f.limit+n], f.at-over
		f.dropped += over
	}
	if f.dropped > overlong*f.limit {
		return errOverlong
	}
	return nil
}

// step looks at the next construct. done: a document ended at f.at. more: it
// is not whole yet.
func (f *framer) step() (done, more bool, err error) {
	rest := f.buf[f.at:]
	switch f.state {
	case betweenTags:
		n := bytes.IndexByte(rest, '<')
		text := rest
		if n >= 0 {
			text = rest[:n]
		}
		if f.depth == 0 && len(text) > 0 {
			if !isBlank(text) {
				return false, false, errStray
			}
			if !f.begun() {
				f.start = f.at + len(text)
			}
		}
		if n < 0 {
			f.at = len(f.buf)
			return false, true, nil
		}
		f.at += n + 1
		f.state = afterOpen
	case afterOpen:
		f.ending, f.quote = false, 0
		switch rest[0] {
		case '?':
			f.state = inInstruction
		case '!':
			f.state = inBang
		case '/':
			f.state, f.ending = inTag, true
		default:
			f.state = inTag
			return false, false, nil // the byte may already end the tag
		}
		f.at++
	case inTag:
		return f.tag(rest)
	case inInstruction:
		return false, f.seek("?>"), nil
	case inBang:
		switch {
		case bytes.HasPrefix(rest, []byte("--")):
			f.state = inComment
			f.at += 2
		case bytes.HasPrefix(rest, []byte("[CDATA[")):
			f.state = inData
			f.at += 7
		case bytes.HasPrefix([]byte("--"), rest), bytes.HasPrefix([]byte("[CDATA["), rest):
			return false, true, nil
		default:
			return false, false, errDoctype
		}
	case inComment:
		return false, f.seek("-->"), nil
	case inData:
		return false, f.seek("]]>"), nil
	}
	return false, false, nil
}

// tag looks for the end of a tag; a `>` inside quotes is none.
func (f *framer) tag(rest []byte) (done, more bool, err error) {
	for i := 0; i < len(rest); i++ {
		c := rest[i]
		if f.quote != 0 {
			n := bytes.IndexByte(rest[i:], f.quote)
			if n < 0 {
				break
			}
			f.quote = 0
			i += n
			continue
		}
		switch c {
		case '"', '\'':
			f.quote = c
		case '<':
			return false, false, errSyntax
		case '>':
			f.at += i + 1
			f.state = betweenTags
			switch selfClosed := i > 0 && rest[i-1] == '/' || i == 0 && f.at >= 2 && f.buf[f.at-2] == '/'; {
			case f.ending:
				f.depth--
			case !selfClosed:
				f.depth++
			}
			if f.depth < 0 {
				return false, false, errSyntax
			}
			return f.depth == 0, false, nil
		}
	}
	f.at = len(f.buf)
	return false, true, nil
}

// seek moves behind the end of an instruction, a comment or CDATA, and
// reports whether it is not there yet.
func (f *framer) seek(end string) (more bool) {
	n := bytes.Index(f.buf[f.at:], []byte(end))
	if n < 0 {
		// The last bytes may begin the end.
		f.at = max(f.at, len(f.buf)-len(end)+1)
		return true
	}
	f.at += n + len(end)
	f.state = betweenTags
	return false
}

// begun reports whether markup of the document that is being read was seen:
// its declaration, or a comment before its root.
func (f *framer) begun() bool { return f.at > f.start }

func isBlank(b []byte) bool {
	for _, c := range b {
		if !blank[c] {
			return false
		}
	}
	return true
}
