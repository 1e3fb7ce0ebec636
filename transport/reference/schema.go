package reference

import (
	"html/template"
	"strings"
)

// member is one row of what an object has.
type member struct {
	Name     string
	Required bool
	Kind     template.HTML
	About    template.HTML
}

// members are those of a schema and of what it is put together from.
func members(s node) (all []member) {
	s = s.resolved()
	for _, part := range s.get("allOf").items() {
		all = append(all, members(part)...)
	}
	required := map[string]bool{}
	for _, name := range s.get("required").texts() {
		required[name] = true
	}
	for i := range all {
		all[i].Required = all[i].Required || required[all[i].Name]
	}
	s.get("properties").each(func(name string, p node) {
		all = append(all, member{Name: name, Required: required[name], Kind: kind(p), About: about(p)})
	})
	return all
}

// about is a description: a member's own, or that of what it refers to.
func about(s node) template.HTML {
	own := ""
	s.each(func(k string, v node) {
		if k == "description" {
			own = v.text()
		}
	})
	return inline(own)
}

// kind says in words what a value is.
func kind(s node) template.HTML {
	if ref := s.ref(); ref != "" {
		name := ref[strings.LastIndexByte(ref, '/')+1:]
		return template.HTML(`<a href="#schema-` + template.HTMLEscapeString(name) + `">` + template.HTMLEscapeString(name) + `</a>`) // #nosec G203 -- escaped
	}
	for _, word := range []string{"anyOf", "oneOf"} {
		if some := s.get(word).items(); some != nil {
			return join(some, " or ", kind)
		}
	}
	if c := s.get("const"); c.there() {
		return code(c)
	}
	if all := s.get("enum").items(); all != nil {
		return join(all, ", ", code)
	}
	types := s.get("type").texts()
	var out []string
	for _, t := range types {
		switch {
		case t == "array" && s.get("items").there():
			out = append(out, "array of "+string(kind(s.get("items"))))
		default:
			out = append(out, template.HTMLEscapeString(t))
		}
	}
	return template.HTML(strings.Join(out, " or ") + limits(s)) // #nosec G203 -- escaped above
}

// limits are the bounds of a value, behind its kind.
func limits(s node) string {
	var out string
	for _, l := range []struct{ word, text string }{
		{"minimum", "from "}, {"maximum", "to "}, {"minItems", "at least "}, {"maxItems", "at most "}, {"maxLength", "up to "},
		{"pattern", "as in "}, {"default", "default "},
	} {
		if v := s.get(l.word); v.there() {
			out += ", " + l.text + string(code(v))
		}
	}
	return out
}

func code(v node) template.HTML {
	text := v.text()
	if text == "" {
		text = `""`
	}
	return template.HTML("<code>" + template.HTMLEscapeString(text) + "</code>") // #nosec G203 -- escaped
}

func join(all []node, sep string, of func(node) template.HTML) template.HTML {
	var out []string
	for _, n := range all {
		out = append(out, string(of(n)))
	}
	return template.HTML(strings.Join(out, sep)) // #nosec G203 -- each is escaped
}

// codes are the words a problem may have.
func codes(s node) []string {
	c := s.get("properties", "code")
	if word := c.get("const"); word.there() {
		return []string{word.text()}
	}
	return c.get("enum").texts()
}
