package broadworks

import "bytes"

// Bytes of names. What is above ASCII is let through: such a name is nobody
// we know.
var nameStart, nameByte, blank [256]bool

func init() {
	for c := 0; c < 256; c++ {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == ':' || c >= 0x80
		nameStart[c] = letter
		nameByte[c] = letter || c >= '0' && c <= '9' || c == '-' || c == '.'
		blank[c] = c == ' ' || c == '\t' || c == '\n' || c == '\r'
	}
}

// startTag reads a start tag from its name on and steps into the element.
func (s *scanner) startTag() error {
	if s.depth == maxDepth {
		return errTooDeep
	}
	b, i := s.b, s.i
	start := i
	colon := -1
	if !nameStart[b[i]] {
		return errSyntax
	}
	for i < len(b) && nameByte[b[i]] && b[i] != ':' {
		i++
	}
	if i < len(b) && b[i] == ':' {
		colon = i
		for i < len(b) && nameByte[b[i]] {
			i++
		}
	}
	if i == len(b) {
		return errUnfinished
	}
	name := b[start:i]
	s.open[s.depth] = openElement{from: start, to: i, bound: s.bound}
	s.depth++
	s.attributes = 0
	if b[i] == '>' { // most elements of an event
		s.i = i + 1
	} else {
		s.i = i
		if err := s.readAttributes(); err != nil {
			return err
		}
	}
	var prefix []byte
	if colon > start && colon+1 < start+len(name) {
		prefix, name = name[:colon-start], name[colon-start+1:]
	}
	s.local = name
	s.space = s.lookup(prefix)
	return nil
}

// readAttributes reads up to the end of the start tag. s.i is behind the name.
func (s *scanner) readAttributes() error {
	b, i := s.b, s.i
	for {
		for i < len(b) && blank[b[i]] {
			i++
		}
		if i >= len(b) {
			return errUnfinished
		}
		switch b[i] {
		case '>':
			s.i = i + 1
			return nil
		case '/':
			if i+1 >= len(b) {
				return errUnfinished
			}
			if b[i+1] != '>' {
				return errSyntax
			}
			s.closed = true
			s.i = i + 2
			return nil
		}
		if !nameStart[b[i]] {
			return errSyntax
		}
		start := i
		for i < len(b) && nameByte[b[i]] {
			i++
		}
		name := b[start:i]
		for i < len(b) && blank[b[i]] {
			i++
		}
		if i >= len(b) {
			return errUnfinished
		}
		if b[i] != '=' {
			return errSyntax
		}
		for i++; i < len(b) && blank[b[i]]; {
			i++
		}
		if i >= len(b) {
			return errUnfinished
		}
		quote := b[i]
		if quote != '"' && quote != '\'' {
			return errSyntax
		}
		i++
		n := bytes.IndexByte(b[i:], quote)
		if n < 0 {
			return errUnfinished
		}
		if err := s.addAttribute(name, b[i:i+n]); err != nil {
			return err
		}
		i += n + 1
	}
}

func (s *scanner) addAttribute(name, value []byte) error {
	if s.attributes == maxAttributes {
		return errAttributes
	}
	if bytes.IndexByte(value, '<') >= 0 || !s.harmless(value) {
		return errSyntax
	}
	a := attribute{local: name, value: value}
	if n := bytes.IndexByte(name, ':'); n > 0 && n+1 < len(name) {
		a.prefix, a.local = name[:n], name[n+1:]
	}
	s.attribute[s.attributes] = a
	s.attributes++
	switch {
	case string(a.prefix) == "xmlns":
		return s.bind(a.local, value)
	case a.prefix == nil && string(name) == "xmlns":
		return s.bind(nil, value)
	}
	return nil
}

func (s *scanner) bind(prefix, uri []byte) error {
	if s.bound == maxBindings {
		return errAttributes
	}
	sp := spaceOf(uri)
	if sp == spaceOther && (bytes.IndexByte(uri, '&') >= 0 || bytes.IndexByte(uri, '\r') >= 0) {
		var plain [64]byte // a longer one is none we know
		resolved, err := s.appendText(plain[:0], uri)
		if err != nil {
			return err
		}
		sp = spaceOf(resolved)
	}
	s.bindings[s.bound] = binding{prefix, sp}
	s.bound++
	return nil
}

// lookup resolves a prefix; nil is the default namespace.
func (s *scanner) lookup(prefix []byte) space {
	for i := s.bound - 1; i >= 0; i-- {
		if string(s.bindings[i].prefix) == string(prefix) {
			return s.bindings[i].space
		}
	}
	if len(prefix) == 0 {
		return spaceNone
	}
	return spaceOther
}

// typeName is the local part of the element's XMLSchema-instance type, as
// written; nil when it has none. Its value is a QName whose prefix is given
// by habit and told nobody anything yet, so any is taken.
func (s *scanner) typeName() []byte {
	for i := 0; i < s.attributes; i++ {
		a := &s.attribute[i]
		if string(a.local) == "type" && len(a.prefix) > 0 && s.lookup(a.prefix) == spaceInstance {
			v := bytes.TrimSpace(a.value)
			if n := bytes.LastIndexByte(v, ':'); n >= 0 {
				v = v[n+1:]
			}
			return v
		}
	}
	return nil
}

// attr is the value of an attribute without a prefix, as written.
func (s *scanner) attr(name string) []byte {
	for i := 0; i < s.attributes; i++ {
		if a := &s.attribute[i]; a.prefix == nil && string(a.local) == name {
			return a.value
		}
	}
	return nil
}
