package oci

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// document is what a BroadsoftDocument, or one of OCI-Reporting, says.
type document struct {
	root     string
	session  string
	commands []command
}

// command is a request, an answer or a notification.
type command struct {
	kind   string            // its xsi:type, without a prefix
	fields map[string]string // what is in it, by path: "userId", "department/name"; the first of each
	table  table
}

// table is an OCITable: cells below headings.
type table struct {
	name     string
	headings []string
	cells    []string // row by row, as many in each as there are headings
}

// rows is how many rows there are.
func (t *table) rows() int {
	if len(t.headings) == 0 {
		return 0
	}
	return len(t.cells) / len(t.headings)
}

const (
	rootOfOCI       = "BroadsoftDocument"
	rootOfReporting = "BroadsoftOCIReportingDocument"
	maxCommands     = 15 // dossier §4.1; those of OCI-Reporting are fewer
)

var errDecode = errors.New("not a document of OCI")

// decode reads one document in UTF-8. Its errors say nothing of what is in it.
func decode(doc []byte, l limits) (*document, error) {
	if len(doc) > l.bytes {
		return nil, errTooLong
	}
	d := decoder{xml: xml.NewDecoder(bytes.NewReader(doc)), limits: l}
	// The caller turned it into UTF-8, whatever it still declares to be.
	d.xml.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for {
		token, err := d.xml.Token()
		if errors.Is(err, io.EOF) && len(d.path) == 0 && d.doc.root != "" {
			return &d.doc, nil
		}
		if err != nil {
			return nil, errDecode
		}
		switch t := token.(type) {
		case xml.StartElement:
			err = d.start(t)
		case xml.EndElement:
			err = d.end()
		case xml.CharData:
			d.text = append(d.text, t...)
			if len(d.path) == 0 && len(bytes.TrimSpace(t)) > 0 {
				err = errDecode
			}
		case xml.Directive:
			err = errDecode
		}
		if err != nil {
			return nil, err
		}
	}
}

type decoder struct {
	xml      *xml.Decoder
	limits   limits
	doc      document
	path     []string // of the elements that are open, the root first
	text     []byte   // since the last tag
	leaf     bool     // the last tag was a start tag
	elements int
	cells    int // of the row that is open
}

func (d *decoder) start(t xml.StartElement) error {
	if d.elements++; d.elements > d.limits.elements || len(d.path) >= d.limits.depth {
		return errTooDeep
	}
	d.path = append(d.path, t.Name.Local)
	d.text, d.leaf = d.text[:0], true
	switch len(d.path) {
	case 1:
		if d.doc.root != "" {
			return errDecode
		}
		d.doc.root = t.Name.Local
	case 2:
		if t.Name.Local != "command" {
			return nil
		}
		if len(d.doc.commands) == maxCommands {
			return errTooDeep
		}
		c := command{fields: map[string]string{}}
		for _, a := range t.Attr {
			if a.Name.Local == "type" && a.Name.Space != "" {
				c.kind = a.Value[strings.LastIndexByte(a.Value, ':')+1:]
			}
		}
		d.doc.commands = append(d.doc.commands, c)
	case 4:
		d.cells = 0
	}
	return nil
}

// end takes in what an element said. Only elements without others in them say
// something.
func (d *decoder) end() error {
	path := d.path
	d.path = path[:len(path)-1]
	text, leaf := bytes.TrimSpace(d.text), d.leaf
	d.text, d.leaf = d.text[:0], false
	if len(path) < 2 {
		return nil
	}
	if len(path) == 2 && path[1] == "sessionId" && leaf {
		d.doc.session = string(text)
	}
	if path[1] != "command" {
		return nil
	}
	c := &d.doc.commands[len(d.doc.commands)-1]
	switch {
	case len(path) == 4 && path[3] == "colHeading" && leaf:
		if c.table.name == "" {
			c.table.name = path[2]
		}
		if c.table.name == path[2] && len(c.table.cells) == 0 {
			c.table.headings = append(c.table.headings, string(text))
		}
	case len(path) == 5 && path[3] == "row" && path[4] == "col" && leaf:
		if c.table.name == path[2] {
			d.cells++
			c.table.cells = append(c.table.cells, string(text))
		}
	case len(path) == 4 && path[3] == "row":
		if c.table.name == path[2] && d.cells != len(c.table.headings) {
			return errDecode // nobody could say which cell is missing
		}
	case leaf && len(path) > 2:
		key := strings.Join(path[2:], "/")
		if _, again := c.fields[key]; !again {
			c.fields[key] = string(text)
		}
	}
	return nil
}
