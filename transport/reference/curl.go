package reference

import (
	"net/url"
	"strings"
)

// curl is a request as one types it.
func curl(method, path string, params []node, op node, token string) string {
	for _, p := range params {
		if p.get("in").text() == "path" {
			path = strings.ReplaceAll(path, "{"+p.get("name").text()+"}", url.PathEscape(p.get("example").text()))
		}
	}
	b := strings.Builder{}
	b.WriteString("curl ")
	switch {
	case op.get("responses", "200", "content", "text/event-stream").there():
		b.WriteString("-N ")
	case method != "GET":
		b.WriteString("-X " + method + " ")
	}
	b.WriteString(`"$OFFHOOK` + path + `"`)
	if security := op.get("security"); !security.there() || len(security.items()) > 0 {
		b.WriteString(" \\\n  -H \"Authorization: Bearer $" + token + `"`)
	}
	op.get("requestBody", "content").each(func(kind string, media node) {
		example := media.get("example")
		if !example.there() {
			return
		}
		text := example.text()
		if text == "" {
			var j strings.Builder
			example.json(&j, "")
			text = j.String()
		}
		b.WriteString(" \\\n  -H \"Content-Type: " + kind + "\" \\\n  --data-binary '" + strings.ReplaceAll(strings.TrimSpace(text), "'", `'\''`) + "'")
	})
	return b.String()
}
