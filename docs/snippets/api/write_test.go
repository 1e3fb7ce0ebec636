package api

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/format"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"offhook/docs"
)

var update = flag.Bool("update", false, "write the snippets anew; read them before you commit them")

// operation is one operation of the document.
type operation struct{ ID, Method, Path, Summary string }

// operations are those of the document, in its order of paths.
func operations(t testing.TB) (all []operation) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData([]byte(docs.OpenAPI))
	require.NoError(t, err)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			all = append(all, operation{op.OperationID, method, path, op.Summary})
		}
	}
	slices.SortFunc(all, func(a, b operation) int {
		return strings.Index(docs.OpenAPI, "operationId: "+a.ID+"\n") - strings.Index(docs.OpenAPI, "operationId: "+b.ID+"\n")
	})
	return all
}

// language is how snippets are written in one.
type language struct {
	name, file string
	place      func(name string) string // a part of a path, escaped
	value      func(name string) string // a text from the environment, in a body
	function   func(o operation, path, body string) string
}

var languages = []language{
	{
		name: "curl", file: "curl/api.sh",
		place: func(name string) string { return "$" + name },
		function: func(o operation, path, body string) string {
			method := ""
			if o.Method != "GET" {
				method = " -X " + o.Method
			}
			if o.ID == "streamEvents" {
				method = " -N"
			}
			line := fmt.Sprintf("  curl -sS --fail-with-body%s -H \"Authorization: Bearer $KEY\" \"$API%s\"", method, path)
			if once[o.ID] {
				line += " \\\n    -H \"Idempotency-Key: $ONCE\""
			}
			if body == "" {
				return fmt.Sprintf("# %s\n%s() {\n%s\n}\n", o.Summary, o.ID, line)
			}
			return fmt.Sprintf("# %s\n%s() {\n%s \\\n    -H 'Content-Type: application/json' -d @- <<END\n%s\nEND\n}\n", o.Summary, o.ID, line, body)
		},
	},
	{
		name: "Go", file: "go/main.go",
		place: func(name string) string { return `" + part("` + name + `") + "` },
		value: func(name string) string { return `os.Getenv("` + name + `")` },
		function: func(o operation, path, body string) string {
			path = strings.TrimSuffix(`"`+path+`"`, ` + ""`)
			switch {
			case o.ID == "streamEvents":
				return fmt.Sprintf("// %s: %s\nfunc %s() error { return follow(%s) }\n", o.ID, lower(o.Summary), o.ID, path)
			case body == "":
				body = "nil"
			}
			more := ""
			if once[o.ID] {
				more = `, "Idempotency-Key", os.Getenv("ONCE")`
			}
			return fmt.Sprintf("// %s: %s\nfunc %s() error {\n\treturn ask(%q, %s, %s%s)\n}\n", o.ID, lower(o.Summary), o.ID, o.Method, path, body, more)
		},
	},
	{
		name: "Python", file: "python/api.py",
		place: func(name string) string { return "{part('" + name + "')}" },
		value: func(name string) string { return `os.environ["` + name + `"]` },
		function: func(o operation, path, body string) string {
			path = literal(path, "{", `f"`, `"`)
			if o.ID == "streamEvents" {
				return fmt.Sprintf("def %s():\n    \"\"\"%s.\"\"\"\n    follow(%s)\n", o.ID, o.Summary, path)
			}
			args := fmt.Sprintf("%q, %s", o.Method, path)
			if body != "" {
				args += ", " + body
			}
			if once[o.ID] {
				args += `, {"Idempotency-Key": os.environ["ONCE"]}`
			}
			return fmt.Sprintf("def %s():\n    \"\"\"%s.\"\"\"\n    ask(%s)\n", o.ID, o.Summary, args)
		},
	},
	{
		name: "JavaScript", file: "javascript/api.mjs",
		place: func(name string) string { return `${part("` + name + `")}` },
		value: func(name string) string { return "process.env." + name },
		function: func(o operation, path, body string) string {
			path = literal(path, "${", "`", "`")
			if o.ID == "streamEvents" {
				return fmt.Sprintf("  // %s\n  %s: () => follow(%s),\n", o.Summary, o.ID, path)
			}
			args := fmt.Sprintf("%q, %s", o.Method, path)
			if body != "" {
				args += ", " + body
			}
			if once[o.ID] {
				args += `, { "Idempotency-Key": process.env.ONCE }`
			}
			return fmt.Sprintf("  // %s\n  %s: () => ask(%s),\n", o.Summary, o.ID, args)
		},
	},
}

// literal is a text with or without places in it.
func literal(text, place, open, end string) string {
	if !strings.Contains(text, place) {
		return `"` + text + `"`
	}
	return open + text + end
}

func lower(s string) string { return strings.ToLower(s[:1]) + s[1:] }

var (
	inPath = regexp.MustCompile(`\{(\w+)\}`)
	inBody = regexp.MustCompile(`"\$([A-Z_]+)"`)
)

func (l language) path(o operation) string {
	return inPath.ReplaceAllStringFunc(o.Path+queries[o.ID], func(place string) string {
		name := strings.Trim(place, "{}")
		if name == "kind" {
			return "calls"
		}
		return l.place(places[name])
	})
}

// body is a body as the language writes it: one of values and names.
func (l language) body(o operation) string {
	text := bodies[o.ID]
	if l.value == nil || text == "" {
		return text
	}
	switch l.name {
	case "Go": // objects have a type, lists are of texts
		text = strings.NewReplacer("{", "object{", "[", "[]string{", "]", "}").Replace(text)
	case "Python":
		text = strings.ReplaceAll(text, "true", "True")
	case "JavaScript":
		text = regexp.MustCompile(`"(\w+)": `).ReplaceAllString(text, "$1: ")
		text = strings.NewReplacer("{", "{ ", "}", " }").Replace(text)
	}
	return inBody.ReplaceAllStringFunc(text, func(v string) string { return l.value(strings.Trim(v, `"$`)) })
}

// written is the language's file as the table has it.
func (l language) written(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(l.file)
	require.NoError(t, err)
	comment := map[string]string{"curl": "# ", "Python": "# ", "Go": "// ", "JavaScript": "  // "}[l.name]
	begin, end := comment+"The operations.\n", comment+"The end of the operations.\n"
	before, rest, ok := strings.Cut(string(text), begin)
	require.True(t, ok, l.file)
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok, l.file)
	gap := "\n"
	switch l.name {
	case "Python":
		gap = "\n\n"
	case "JavaScript":
		gap = ""
	}
	var b strings.Builder
	names := ""
	for _, o := range operations(t) {
		b.WriteString(gap + l.function(o, l.path(o), l.body(o)))
		if l.name == "Go" {
			names += fmt.Sprintf("%q: %s,\n", o.ID, o.ID)
		}
	}
	if names != "" {
		b.WriteString("\nvar operations = map[string]func() error{\n" + names + "}\n")
	}
	made := before + begin + b.String() + gap + end + after
	if l.name == "Go" {
		source, err := format.Source([]byte(made))
		require.NoError(t, err, made)
		made = string(source)
	}
	return made
}

func TestEachOperationHasItsSnippetInEachLanguage(t *testing.T) {
	for _, l := range languages {
		made := l.written(t)
		if *update {
			require.NoError(t, os.WriteFile(l.file, []byte(made), 0o644)) // #nosec G306 -- source
			continue
		}
		have, err := os.ReadFile(l.file)
		require.NoError(t, err)
		require.True(t, made == string(have), "docs/snippets/api/%s is behind docs/openapi.yaml and table_test.go; go test ./docs/snippets/api -update", l.file)
	}
}

// What the table says is of operations that there are, and all bodies that the
// document requires are there.
func TestTheTableIsOfTheDocument(t *testing.T) {
	ids := map[string]bool{}
	for _, o := range operations(t) {
		ids[o.ID] = true
	}
	for id, body := range bodies {
		require.True(t, ids[id], id)
		require.True(t, json.Valid([]byte(body)), id)
	}
	for id := range queries {
		require.True(t, ids[id], id)
	}
	for id := range once {
		require.True(t, ids[id], id)
	}
}
