package oci

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// element is one element of a document, without its namespaces: only xsi:type
// and xsi:nil say anything here.
type element struct {
	name  string
	kind  string   // xsi:type, without a prefix
	null  bool     // xsi:nil
	attrs []string // names and values, in turn
	space string   // namespaces it declares, as written
	text  string
	kids  []*element
	raw   []byte // behind the kids, written already: what is long is no tree
}

func el(name string, kids ...*element) *element { return &element{name: name, kids: kids} }
func text(name, value string) *element          { return &element{name: name, text: value} }
func null(name string) *element                 { return &element{name: name, null: true} }

// kid finds the first child of a name; it may be nil, and then has no text.
func (e *element) kid(name string) *element {
	if e != nil {
		for _, k := range e.kids {
			if k.name == name {
				return k
			}
		}
	}
	return nil
}

func (e *element) get(name string) string {
	if k := e.kid(name); k != nil {
		return strings.TrimSpace(k.text)
	}
	return ""
}

// The bounds of a document.
const (
	maxDepth    = 24
	maxElements = 4096
	maxCommands = 15 // dossier §4.1
)

const schemaInstance = "http://www.w3.org/2001/XMLSchema-instance"

var errTooMuch = errors.New("the document is too deep, or has too many elements")

// readDocument reads one document. Without a declaration it is ISO-8859-1, as
// all of the protocol is (dossier §4.1).
func readDocument(doc []byte) (*element, error) {
	doc = bytes.TrimSpace(doc)
	if !bytes.HasPrefix(doc, []byte("<?xml")) {
		utf, err := charmap.ISO8859_1.NewDecoder().Bytes(doc)
		if err != nil {
			return nil, err
		}
		doc = utf
	}
	d := xml.NewDecoder(bytes.NewReader(doc))
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		if strings.EqualFold(label, "ISO-8859-1") {
			return charmap.ISO8859_1.NewDecoder().Reader(in), nil
		}
		return nil, fmt.Errorf("the charset %q is not spoken here", label)
	}
	root := &element{}
	open := []*element{root}
	said := [maxDepth + 1][]byte{} // the text of each that is open
	for n := 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && len(open) == 1 && len(root.kids) == 1 {
			return root.kids[0], nil
		}
		if err != nil {
			return nil, err
		}
		top := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			if n++; n > maxElements || len(open) > maxDepth {
				return nil, errTooMuch
			}
			e := startOf(t)
			top.kids = append(top.kids, e)
			said[len(open)] = said[len(open)][:0]
			open = append(open, e)
		case xml.EndElement:
			top.text = string(said[len(open)-1])
			open = open[:len(open)-1]
		case xml.CharData:
			said[len(open)-1] = append(said[len(open)-1], t...)
		case xml.Directive:
			return nil, errors.New("a document has no DTD")
		}
	}
}

func startOf(t xml.StartElement) *element {
	e := &element{name: t.Name.Local}
	for _, a := range t.Attr {
		switch {
		case a.Name.Space == schemaInstance && a.Name.Local == "type":
			e.kind = a.Value
			if _, after, prefixed := strings.Cut(a.Value, ":"); prefixed {
				e.kind = after
			}
		case a.Name.Space == schemaInstance && a.Name.Local == "nil":
			e.null = a.Value == "true" || a.Value == "1"
		case a.Name.Space == "" && a.Name.Local == "echo":
			e.attrs = append(e.attrs, "echo", a.Value)
		}
	}
	return e
}

// The namespaces an element declares: all but the document itself are in none,
// and the types that are the protocol's own are in C (dossier §4.1).
const (
	noSpace  = ` xmlns=""`
	inSpaceC = ` xmlns:c="C" xmlns=""`
)

// append writes e. Bytes beyond ASCII are ISO-8859-1 where that has them, so
// that a reader honours the charset, and references where it does not.
func (e *element) append(b []byte) []byte {
	b = append(b, '<')
	b = append(b, e.name...)
	for i := 0; i+1 < len(e.attrs); i += 2 {
		b = append(b, ' ')
		b = append(b, e.attrs[i]...)
		b = append(b, '=', '"')
		b = appendText(b, e.attrs[i+1])
		b = append(b, '"')
	}
	if e.kind != "" {
		b = append(b, ` xsi:type="`...)
		b = appendText(b, e.kind)
		b = append(b, '"')
	}
	b = append(b, e.space...)
	if e.null {
		return append(b, ` xsi:nil="true"/>`...)
	}
	if e.text == "" && len(e.kids)+len(e.raw) == 0 {
		return append(b, '/', '>')
	}
	b = append(b, '>')
	if len(e.kids) == 0 {
		b = appendText(b, e.text)
	}
	for _, k := range e.kids {
		b = k.append(b)
	}
	b = append(b, e.raw...)
	b = append(b, '<', '/')
	b = append(b, e.name...)
	return append(b, '>')
}

func appendText(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '"':
			b = append(b, "&quot;"...)
		case r < ' ': // as a reference, so that a document stays one line
			if r == '\t' || r == '\n' || r == '\r' {
				b = appendReference(b, r)
			}
		case r < utf8.RuneSelf, r >= 0xa0 && r <= 0xff:
			b = append(b, byte(r)) // #nosec G115 -- looked at just before
		case r != 0xfffe && r != 0xffff:
			b = appendReference(b, r)
		}
	}
	return b
}

func appendReference(b []byte, r rune) []byte {
	b = append(b, '&', '#')
	b = strconv.AppendInt(b, int64(r), 10)
	return append(b, ';')
}
