package broadworks

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// Bounds on one document. BroadWorks nests six deep and writes three
// attributes; whoever needs more is not BroadWorks.
const (
	maxDepth      = 64
	maxAttributes = 32
	maxBindings   = 32
)

var (
	errUnfinished  = errors.New("xml: document ends early")
	errSyntax      = errors.New("xml: not well-formed")
	errDoctype     = errors.New("xml: document type declarations are refused")
	errTooDeep     = errors.New("xml: nested too deep")
	errAttributes  = errors.New("xml: too many attributes")
	errEncoding    = errors.New("xml: encoding is neither UTF-8 nor ISO-8859-1")
	errInvalidUTF8 = errors.New("xml: invalid UTF-8")
)

// space is what a prefix is bound to. Prefixes say nothing by themselves: in
// events `xsi:` is BroadSoft's own namespace and `xsi1:` is
// XMLSchema-instance (dossier §3.4).
type space uint8

const (
	spaceNone     space = iota // no namespace
	spaceXsi                   // http://schema.broadsoft.com/xsi
	spaceInstance              // http://www.w3.org/2001/XMLSchema-instance
	spaceOther
)

const (
	xsiURI      = "http://schema.broadsoft.com/xsi"
	instanceURI = "http://www.w3.org/2001/XMLSchema-instance"
)

func spaceOf(uri []byte) space {
	switch string(uri) {
	case xsiURI:
		return spaceXsi
	case instanceURI:
		return spaceInstance
	case "":
		return spaceNone
	}
	return spaceOther
}

type binding struct {
	prefix []byte // empty for the default namespace
	space  space
}

type attribute struct {
	prefix, local, value []byte // value as written
}

// openElement has places in the document instead of pieces of it: what points to
// nothing costs the collector nothing.
type openElement struct {
	from, to int // its name, qualified, as written: the end tag repeats it
	bound    int // bindings in force outside of the element
}

// scanner walks one whole document in a single pass, without reflection and
// without allocating. It is a cursor over elements: child steps into the next
// child of the open element or past its end, text reads an element's
// characters, skip leaves it. It may be reused.
type scanner struct {
	b      []byte
	i      int
	latin1 bool
	closed bool // the open element was written <a/>: its end comes next

	depth      int
	open       [maxDepth]openElement
	bound      int
	bindings   [maxBindings]binding
	attributes int
	attribute  [maxAttributes]attribute

	// The element that child stepped into last.
	space space
	local []byte
}

// reset begins a document: it reads the declaration and settles the encoding.
func (s *scanner) reset(b []byte) error {
	s.b, s.i, s.latin1, s.closed, s.depth, s.bound, s.attributes = b, 0, false, false, 0, 0, 0
	s.space, s.local = spaceNone, nil
	if bytes.HasPrefix(b, []byte("\xef\xbb\xbf")) {
		s.i = 3
	}
	for s.i < len(b) && blank[b[s.i]] {
		s.i++
	}
	if rest := b[s.i:]; len(rest) > 5 && string(rest[:5]) == "<?xml" && blank[rest[5]] {
		end := bytes.Index(rest, []byte("?>"))
		if end < 0 {
			return errUnfinished
		}
		latin1, ok := isLatin1(rest[5:end])
		if !ok {
			return errEncoding
		}
		s.latin1 = latin1
		s.i += end + 2
	}
	if !s.latin1 && !utf8.Valid(b) {
		return errInvalidUTF8
	}
	return nil
}

// child steps into the next child element and reports true, or past the end
// of the open element and reports false.
func (s *scanner) child() (bool, error) {
	if s.closed {
		s.closed = false
		s.pop()
		return false, nil
	}
	for {
		text, err := s.upToMarkup()
		if err != nil {
			return false, err
		}
		if len(text) > 0 && !s.harmless(text) {
			return false, errSyntax
		}
		switch s.b[s.i] {
		case '/':
			s.i++
			return false, s.endTag()
		case '?':
			err = s.instruction()
		case '!':
			_, err = s.declaration()
		default:
			return true, s.startTag()
		}
		if err != nil {
			return false, err
		}
	}
}

// text appends the characters of the element stepped into last, references
// resolved, and leaves it. Elements inside are skipped.
func (s *scanner) text(dst []byte) ([]byte, error) {
	if s.closed {
		s.closed = false
		s.pop()
		return dst, nil
	}
	for {
		raw, err := s.upToMarkup()
		if err != nil {
			return dst, err
		}
		if dst, err = s.appendText(dst, raw); err != nil {
			return dst, err
		}
		switch s.b[s.i] {
		case '/':
			s.i++
			return dst, s.endTag()
		case '?':
			err = s.instruction()
		case '!':
			var data []byte
			if data, err = s.declaration(); err == nil {
				dst = s.appendData(dst, data)
			}
		default:
			if err = s.startTag(); err == nil {
				err = s.skip()
			}
		}
		if err != nil {
			return dst, err
		}
	}
}

// skip leaves the element stepped into last.
func (s *scanner) skip() error {
	outside := s.depth - 1
	for s.depth > outside {
		if _, err := s.child(); err != nil {
			return err
		}
	}
	return nil
}

// upToMarkup returns the characters up to the next `<` and moves past it.
// There is at least one more byte after that.
func (s *scanner) upToMarkup() ([]byte, error) {
	b, i := s.b, s.i
	n := 0
	if i >= len(b) || b[i] != '<' { // tag after tag needs no search
		if n = bytes.IndexByte(b[i:], '<'); n < 0 {
			return nil, errUnfinished
		}
	}
	if i+n+1 >= len(b) {
		return nil, errUnfinished
	}
	s.i = i + n + 1
	return b[i : i+n], nil
}

// harmless reports whether characters nobody reads are well-formed.
func (s *scanner) harmless(text []byte) bool {
	if s.depth == 0 {
		return len(bytes.TrimSpace(text)) == 0
	}
	for {
		n := bytes.IndexByte(text, '&')
		if n < 0 {
			return true
		}
		_, size := reference(text[n:])
		if size == 0 {
			return false
		}
		text = text[n+size:]
	}
}

// instruction skips <?…?>; s.i is at the question mark.
func (s *scanner) instruction() error {
	rest := s.b[s.i+1:]
	if len(rest) == 0 || !nameStart[rest[0]] || len(rest) > 4 && string(rest[:3]) == "xml" && (blank[rest[3]] || rest[3] == '?') {
		return errSyntax // a declaration stands at the start, where reset took it
	}
	n := bytes.Index(rest, []byte("?>"))
	if n < 0 {
		return errUnfinished
	}
	s.i += 1 + n + 2
	return nil
}

// declaration skips <!--…--> and returns the data of <![CDATA[…]]>; s.i is at
// the exclamation mark.
func (s *scanner) declaration() ([]byte, error) {
	rest := s.b[s.i:]
	switch {
	case bytes.HasPrefix(rest, []byte("!--")):
		n := bytes.Index(rest[3:], []byte("-->"))
		if n < 0 {
			return nil, errUnfinished
		}
		s.i += 3 + n + 3
		return nil, nil
	case bytes.HasPrefix(rest, []byte("![CDATA[")):
		if s.depth == 0 {
			return nil, errSyntax
		}
		n := bytes.Index(rest[8:], []byte("]]>"))
		if n < 0 {
			return nil, errUnfinished
		}
		s.i += 8 + n + 3
		return rest[8 : 8+n], nil
	}
	return nil, errDoctype
}

func (s *scanner) endTag() error {
	if s.depth == 0 {
		return errSyntax
	}
	open := &s.open[s.depth-1]
	name := s.b[open.from:open.to]
	rest := s.b[s.i:]
	if len(rest) <= len(name) {
		return errUnfinished
	}
	if string(rest[:len(name)]) != string(name) {
		return errSyntax
	}
	i := len(name)
	for i < len(rest) && blank[rest[i]] {
		i++
	}
	if i == len(rest) {
		return errUnfinished
	}
	if rest[i] != '>' {
		return errSyntax
	}
	s.i += i + 1
	s.pop()
	return nil
}

func (s *scanner) pop() {
	s.depth--
	s.bound = s.open[s.depth].bound
}
