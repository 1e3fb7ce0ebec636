package simulator

import (
	"strconv"
	"unicode/utf8"
)

// xsiNamespace is BroadSoft's namespace of every document (dossier §1.1).
const (
	xsiNamespace    = "http://schema.broadsoft.com/xsi"
	schemaInstance  = "http://www.w3.org/2001/XMLSchema-instance"
	declaration     = `<?xml version="1.0" encoding="UTF-8"?>`
	declarationLat1 = `<?xml version="1.0" encoding="ISO-8859-1"?>`
)

// node is one element of a document. The same tree is written as XML with or
// without a prefix, and as JSON.
type node struct {
	name  string
	attrs []attr
	text  string
	kids  []*node
}

// attr is an attribute. A qname's value is the name of a type, and takes the
// prefix of its document.
type attr struct {
	name, value string
	qname       bool
}

func el(name string, kids ...*node) *node     { return &node{name: name, kids: kids} }
func textEl(name, text string) *node          { return &node{name: name, text: text} }
func itoa(n int64) string                     { return strconv.FormatInt(n, 10) }
func (n *node) add(kids ...*node)             { n.kids = append(n.kids, kids...) }
func (n *node) with(a ...attr) *node          { n.attrs = append(n.attrs, a...); return n }
func (n *node) addText(name string, v string) { n.kids = append(n.kids, textEl(name, v)) }
func (n *node) addTime(name string, ms int64) { n.addText(name, itoa(ms)) }
func (n *node) addMaybe(name string, v string) {
	if v != "" {
		n.addText(name, v)
	}
}

// appendXML writes n with every element name prefixed.
func appendXML(b []byte, n *node, prefix string) []byte {
	b = append(b, '<')
	b = append(b, prefix...)
	b = append(b, n.name...)
	for _, a := range n.attrs {
		b = append(b, ' ')
		b = append(b, a.name...)
		b = append(b, '=', '"')
		if a.qname {
			b = append(b, prefix...)
		}
		b = appendText(b, a.value)
		b = append(b, '"')
	}
	if n.text == "" && len(n.kids) == 0 {
		return append(b, '/', '>')
	}
	b = append(b, '>')
	b = appendText(b, n.text)
	for _, k := range n.kids {
		b = appendXML(b, k, prefix)
	}
	b = append(b, '<', '/')
	b = append(b, prefix...)
	b = append(b, n.name...)
	return append(b, '>')
}

// appendText escapes text. Anything beyond ASCII becomes a numeric reference,
// which every known reader of the stream survives (dossier §3.10, 5).
func appendText(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c == '<':
				b = append(b, "&lt;"...)
			case c == '>':
				b = append(b, "&gt;"...)
			case c == '&':
				b = append(b, "&amp;"...)
			case c == '"':
				b = append(b, "&quot;"...)
			case c >= ' ':
				b = append(b, c)
			case c == '\t', c == '\n', c == '\r':
				// As a reference, so that a document stays one line.
				b = appendReference(b, rune(c))
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		b = appendReference(b, r)
		i += size
	}
	return b
}

func appendReference(b []byte, r rune) []byte {
	b = append(b, '&', '#')
	b = strconv.AppendInt(b, int64(r), 10)
	return append(b, ';')
}

// xmlDocument is a whole REST answer: declaration, one newline, the element
// (dossier §3.1).
func xmlDocument(n *node) []byte {
	b := append(make([]byte, 0, 512), declaration...)
	b = append(b, '\n')
	return appendXML(b, rooted(n), "")
}

// lat1Document is an answer from the provisioning store, in ISO-8859-1
// (dossier §1.3). What that charset lacks stays a reference.
func lat1Document(n *node) []byte {
	b := append(make([]byte, 0, 1024), declarationLat1...)
	b = append(b, '\n')
	return foldLat1(appendXML(b, rooted(n), ""))
}

// foldLat1 turns references that ISO-8859-1 has a byte for into that byte.
// Writing bytes and not references is the point: it is what makes a client
// honour the declared charset.
func foldLat1(doc []byte) []byte {
	out := doc[:0]
	for i := 0; i < len(doc); i++ {
		if doc[i] == '&' && i+5 < len(doc) && doc[i+1] == '#' && doc[i+5] == ';' {
			if v, err := strconv.Atoi(string(doc[i+2 : i+5])); err == nil && v >= 0xA0 && v <= 0xFF {
				out = append(out, byte(v))
				i += 5
				continue
			}
		}
		out = append(out, doc[i])
	}
	return out
}

// rooted is n with the namespaces a root element declares.
func rooted(n *node) *node {
	root := *n
	root.attrs = append([]attr{{name: "xmlns", value: xsiNamespace}}, n.attrs...)
	if usesTypes(n) {
		root.attrs = append(root.attrs, attr{name: "xmlns:xsi1", value: schemaInstance})
	}
	return &root
}

func usesTypes(n *node) bool {
	for _, a := range n.attrs {
		if a.qname {
			return true
		}
	}
	for _, k := range n.kids {
		if usesTypes(k) {
			return true
		}
	}
	return false
}
