package reference

import (
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v3"
)

// node is a place in a document. What is not there is the zero node, which has
// nothing in it either.
type node struct {
	doc *yaml.Node
	at  *yaml.Node
}

// get follows names, and the references it meets on the way.
func (n node) get(names ...string) node {
	for _, wanted := range names {
		n = n.resolved()
		found := node{doc: n.doc}
		n.each(func(name string, v node) {
			if name == wanted {
				found = v
			}
		})
		n = found
	}
	return n
}

// resolved is what a reference is to, or the place itself.
func (n node) resolved() node {
	if ref := n.ref(); ref != "" {
		return node{n.doc, n.doc}.get(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...).resolved()
	}
	return n
}

// ref is what a place refers to; "" if it does not.
func (n node) ref() (ref string) {
	n.each(func(k string, v node) {
		if k == "$ref" {
			ref = v.text()
		}
	})
	return ref
}

// each calls fn for the members of an object, in their order.
func (n node) each(fn func(key string, value node)) {
	if n.at == nil || n.at.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.at.Content); i += 2 {
		fn(n.at.Content[i].Value, node{n.doc, n.at.Content[i+1]})
	}
}

// items are those of a list.
func (n node) items() (all []node) {
	if n.at != nil && n.at.Kind == yaml.SequenceNode {
		for _, item := range n.at.Content {
			all = append(all, node{n.doc, item})
		}
	}
	return all
}

func (n node) there() bool { return n.at != nil }

// text is a scalar as it is written; "" for all else.
func (n node) text() string {
	if n.at == nil || n.at.Kind != yaml.ScalarNode {
		return ""
	}
	return n.at.Value
}

// texts are the scalars of a list, or the one there is.
func (n node) texts() (all []string) {
	for _, item := range n.items() {
		all = append(all, item.text())
	}
	if all == nil && n.text() != "" {
		all = []string{n.text()}
	}
	return all
}

// json writes a place as JSON, members in the order of the document: in lines
// of their own if there is an indent, else in one.
func (n node) json(b *strings.Builder, indent string) {
	inner, space, line := "", "", ""
	if indent != "" {
		inner, space, line = indent+"  ", " ", indent
	}
	switch {
	case n.at.Kind == yaml.MappingNode && len(n.at.Content) > 0:
		sep := "{" + inner
		n.each(func(k string, v node) {
			b.WriteString(sep)
			b.WriteString(quote(k) + ":" + space)
			v.json(b, inner)
			sep = "," + inner
		})
		b.WriteString(line + "}")
	case n.at.Kind == yaml.MappingNode:
		b.WriteString("{}")
	case n.at.Kind == yaml.SequenceNode:
		n.list(b, inner, line)
	case n.at.Tag == "!!str":
		b.WriteString(quote(n.at.Value))
	default:
		b.WriteString(n.at.Value)
	}
}

// list writes scalars in one line, whatever the indent.
func (n node) list(b *strings.Builder, inner, line string) {
	sep, then := "[", ", "
	if line == "" {
		then = ","
	}
	items := n.items()
	tall := line != "" && len(items) > 0 && items[0].at.Kind == yaml.MappingNode
	if tall {
		sep, then = "["+inner, ","+inner
	}
	for _, item := range items {
		b.WriteString(sep)
		item.json(b, inner)
		sep = then
	}
	switch {
	case len(items) == 0:
		b.WriteString("[")
	case tall:
		b.WriteString(line)
	}
	b.WriteString("]")
}

func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return `""` // a string can always be written
	}
	return strings.TrimSuffix(b.String(), "\n")
}
