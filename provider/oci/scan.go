package oci

import "bytes"

// limits are the bounds of one document.
type limits struct {
	bytes    int
	depth    int
	elements int
}

// scan finds where a document ends, byte by byte, so that it does not matter
// how the stream was cut. It ends with the closing tag of its root, even where
// what is inside is not well-formed: the next document is not lost for it.
//
// What it does not look at, the decoder does.
type scan struct {
	state    scanState
	name     []byte // of the tag, or the word after <!
	root     []byte // the root's; empty before it
	named    int    // open elements with the root's name
	depth    int
	elements int
	quote    byte
	slash    bool   // the last byte of the tag is /
	tail     uint32 // the last bytes of a comment, section or instruction
}

type scanState uint8

const (
	inText        scanState = iota // between tags
	inMark                         // behind <
	inBang                         // behind <!
	inComment                      // until -->
	inSection                      // CDATA, until ]]>
	inInstruction                  // until ?>
	inStart                        // a start tag's name
	inAttributes                   // behind it
	inQuotes                       // of an attribute
	inEnd                          // an end tag
)

const maxName = 256 // bytes of an element's name

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// next takes one byte; done says that the document ends with it.
func (s *scan) next(c byte, l *limits) (done bool, err error) {
	switch s.state {
	case inText:
		switch {
		case c == '<':
			s.state = inMark
		case len(s.root) == 0 && !space(c) && c < 0xbb: // a byte order mark may come first
			return false, errSyntax
		}
	case inMark:
		s.name, s.tail, s.slash = s.name[:0], 0, false
		switch {
		case c == '!':
			s.state = inBang
		case c == '?':
			s.state = inInstruction
		case c == '/':
			s.state = inEnd
		case c == '>' || c == '<' || space(c):
			return false, errSyntax
		default:
			s.state = inStart
			s.name = append(s.name, c)
		}
	case inBang:
		s.name = append(s.name, c)
		switch {
		case string(s.name) == "--":
			s.state = inComment
		case string(s.name) == "[CDATA[" && len(s.root) > 0:
			s.state = inSection
		case !bytes.HasPrefix([]byte("[CDATA["), s.name) && string(s.name) != "-":
			return false, errSyntax // documents have no DTD
		case len(s.name) == len("[CDATA["):
			return false, errSyntax
		}
	case inComment, inSection, inInstruction:
		s.until(c)
	case inStart:
		switch {
		case c == '>':
			return s.open(l)
		case c == '/':
			s.slash, s.state = true, inAttributes
		case space(c):
			s.state = inAttributes
		case len(s.name) == maxName:
			return false, errTooLong
		default:
			s.name = append(s.name, c)
		}
	case inAttributes:
		switch {
		case c == '>':
			return s.open(l)
		case c == '"' || c == '\'':
			s.quote, s.state = c, inQuotes
		}
		s.slash = c == '/'
	case inQuotes:
		if c == s.quote {
			s.state = inAttributes
		}
	case inEnd:
		switch {
		case c == '>':
			return s.close()
		case len(s.name) == maxName:
			return false, errTooLong
		case !space(c):
			s.name = append(s.name, c)
		}
	}
	return false, nil
}

// until leaves what ends with two or three characters.
func (s *scan) until(c byte) {
	s.tail = s.tail<<8 | uint32(c)
	switch {
	case s.state == inComment && s.tail&0xffffff == '-'<<16|'-'<<8|'>',
		s.state == inSection && s.tail&0xffffff == ']'<<16|']'<<8|'>',
		s.state == inInstruction && s.tail&0xffff == '?'<<8|'>':
		s.state = inText
	}
}

func (s *scan) open(l *limits) (done bool, err error) {
	s.state = inText
	if s.elements++; s.elements > l.elements || s.depth >= l.depth {
		return false, errTooDeep
	}
	if len(s.root) == 0 {
		s.root = append(s.root, s.name...)
	}
	if s.slash {
		return s.depth == 0, nil
	}
	if bytes.Equal(s.name, s.root) {
		s.named++
	}
	s.depth++
	return false, nil
}

func (s *scan) close() (done bool, err error) {
	s.state = inText
	if len(s.root) == 0 {
		return false, errSyntax
	}
	if bytes.Equal(s.name, s.root) {
		s.named--
	}
	s.depth--
	return s.depth <= 0 || s.named <= 0, nil
}

// begin forgets the document.
func (s *scan) begin() { *s = scan{name: s.name[:0], root: s.root[:0]} }
