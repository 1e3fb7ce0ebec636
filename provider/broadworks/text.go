package broadworks

import (
	"bytes"
	"unicode/utf8"
)

// isLatin1 reads the encoding out of the pseudo-attributes of a declaration.
// Resources from the provisioning store are ISO-8859-1, calls and events
// UTF-8 (dossier §1.3); ok is false for any other.
func isLatin1(declaration []byte) (latin1, ok bool) {
	_, rest, found := bytes.Cut(declaration, []byte("encoding"))
	if !found {
		return false, true
	}
	rest = bytes.TrimLeft(rest, " \t\r\n")
	if len(rest) == 0 || rest[0] != '=' {
		return false, false
	}
	rest = bytes.TrimLeft(rest[1:], " \t\r\n")
	if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
		return false, false
	}
	end := bytes.IndexByte(rest[1:], rest[0])
	if end < 0 {
		return false, false
	}
	name := rest[1 : 1+end]
	switch {
	case bytes.EqualFold(name, []byte("utf-8")), bytes.EqualFold(name, []byte("utf8")), bytes.EqualFold(name, []byte("us-ascii")):
		return false, true
	case bytes.EqualFold(name, []byte("iso-8859-1")), bytes.EqualFold(name, []byte("latin1")):
		return true, true
	}
	return false, false
}

// appendText appends characters as UTF-8: references resolved, line ends
// normalised.
func (s *scanner) appendText(dst, raw []byte) ([]byte, error) {
	for {
		n := bytes.IndexByte(raw, '&')
		if n < 0 {
			return s.appendData(dst, raw), nil
		}
		dst = s.appendData(dst, raw[:n])
		r, size := reference(raw[n:])
		if size == 0 {
			return dst, errSyntax
		}
		dst = utf8.AppendRune(dst, r)
		raw = raw[n+size:]
	}
}

// appendData appends characters in which an ampersand is just one.
func (s *scanner) appendData(dst, raw []byte) []byte {
	if !s.latin1 && bytes.IndexByte(raw, '\r') < 0 {
		return append(dst, raw...)
	}
	for i, c := range raw {
		switch {
		case c == '\r' && i+1 < len(raw) && raw[i+1] == '\n':
		case c == '\r':
			dst = append(dst, '\n')
		case s.latin1:
			dst = utf8.AppendRune(dst, rune(c)) // ISO-8859-1 is the first 256 of Unicode
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// reference reads the reference raw begins with; size is 0 when it is none.
// Only the five of XML and numbers exist: there is no document type.
func reference(raw []byte) (r rune, size int) {
	end := bytes.IndexByte(raw[:min(len(raw), 16)], ';')
	if end < 2 {
		return 0, 0
	}
	name := raw[1:end]
	switch string(name) {
	case "amp":
		return '&', end + 1
	case "lt":
		return '<', end + 1
	case "gt":
		return '>', end + 1
	case "quot":
		return '"', end + 1
	case "apos":
		return '\'', end + 1
	}
	if name[0] != '#' || len(name) < 2 {
		return 0, 0
	}
	base, digits := rune(10), name[1:]
	if digits[0] == 'x' {
		base, digits = 16, digits[1:]
	}
	if len(digits) == 0 {
		return 0, 0
	}
	for _, c := range digits {
		d := rune(99)
		switch {
		case c >= '0' && c <= '9':
			d = rune(c - '0')
		case c >= 'a' && c <= 'f':
			d = rune(c-'a') + 10
		case c >= 'A' && c <= 'F':
			d = rune(c-'A') + 10
		}
		if d >= base {
			return 0, 0
		}
		if r = r*base + d; r > utf8.MaxRune {
			return 0, 0
		}
	}
	if !isCharacter(r) {
		return 0, 0
	}
	return r, end + 1
}

// isCharacter reports whether XML has the character at all.
func isCharacter(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd || r >= 0x10000
}
