package reference

import (
	"html/template"
	"regexp"
	"strings"
)

// The descriptions use this much of Markdown: paragraphs, **bold**, `code` and
// [links](https://…).
var marks = regexp.MustCompile("`([^`]+)`|\\*\\*([^*]+)\\*\\*|\\[([^\\]]+)\\]\\((https://[^)\\s]+)\\)")

// inline is a text of one paragraph.
func inline(text string) template.HTML {
	var b strings.Builder
	last := 0
	for _, m := range marks.FindAllStringSubmatchIndex(text, -1) {
		b.WriteString(template.HTMLEscapeString(text[last:m[0]]))
		part := func(i int) string { return template.HTMLEscapeString(text[m[2*i]:m[2*i+1]]) }
		switch {
		case m[2] >= 0:
			b.WriteString("<code>" + part(1) + "</code>")
		case m[4] >= 0:
			b.WriteString("<strong>" + part(2) + "</strong>")
		default:
			b.WriteString(`<a href="` + part(4) + `">` + part(3) + "</a>")
		}
		last = m[1]
	}
	b.WriteString(template.HTMLEscapeString(text[last:]))
	return template.HTML(b.String()) // #nosec G203 -- all of it is escaped
}

// paragraphs is a longer text.
func paragraphs(text string) (all []template.HTML) {
	for p := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if p != "" {
			all = append(all, inline(p))
		}
	}
	return all
}
