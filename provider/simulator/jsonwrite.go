package simulator

import (
	"encoding/json"
	"strings"
)

// jsonDocument is n as JSON by the rules of the dossier §1.3: text under "$",
// attributes with "@", one child an object and several an array, every scalar
// a string, an empty list absent.
func jsonDocument(n *node) []byte {
	b := append(make([]byte, 0, 512), '{')
	b = appendJSONString(b, n.name)
	b = append(b, `:{"@xmlns":{"$":"`+xsiNamespace+`"`...)
	if usesTypes(n) {
		b = append(b, `,"xsi1":"`+schemaInstance+`"`...)
	}
	b = append(b, '}')
	b = appendJSONMembers(b, n, false)
	return append(b, '}', '}')
}

func appendJSON(b []byte, n *node) []byte {
	b = append(b, '{')
	b = appendJSONMembers(b, n, true)
	return append(b, '}')
}

func appendJSONMembers(b []byte, n *node, first bool) []byte {
	comma := func() {
		if !first {
			b = append(b, ',')
		}
		first = false
	}
	for _, a := range n.attrs {
		comma()
		b = appendJSONString(b, "@"+a.name)
		b = append(b, ':')
		b = appendJSONString(b, a.value)
	}
	if n.text != "" {
		comma()
		b = append(b, `"$":`...)
		b = appendJSONString(b, n.text)
	}
	for i, k := range n.kids {
		if firstOf(n.kids, k.name) != i {
			continue // written with the first of its name
		}
		comma()
		b = appendJSONString(b, k.name)
		b = append(b, ':')
		b = appendSameName(b, n.kids[i:])
	}
	return b
}

// appendSameName writes the elements named like the first: an object if there
// is one, else an array.
func appendSameName(b []byte, kids []*node) []byte {
	var same []*node
	for _, k := range kids {
		if k.name == kids[0].name {
			same = append(same, k)
		}
	}
	if len(same) == 1 {
		return appendJSON(b, same[0])
	}
	for i, k := range same {
		b = append(b, "[,"[min(i, 1)])
		b = appendJSON(b, k)
	}
	return append(b, ']')
}

func firstOf(kids []*node, name string) int {
	for i, k := range kids {
		if k.name == name {
			return i
		}
	}
	return -1
}

func appendJSONString(b []byte, s string) []byte {
	quoted, _ := json.Marshal(strings.ToValidUTF8(s, "�"))
	return append(b, quoted...)
}
