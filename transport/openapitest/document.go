package openapitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"offhook/docs"
)

// Document is one of the documents, ready to judge. Its schemas are compiled
// once, when they are first needed: there are many requests in a test.
type Document struct {
	root  map[string]any
	paths []path

	mu       sync.Mutex
	compiler [2]*jsonschema.Compiler // open, closed
	schemas  map[string]*jsonschema.Schema
}

type path struct {
	template string
	segments []string
	rest     bool // the last segment stands for any number
}

// Public is the document of the public listener; Admin, of the admin one.
var (
	Public = sync.OnceValue(func() *Document { return load(docs.OpenAPI) })
	Admin  = sync.OnceValue(func() *Document { return load(docs.AdminOpenAPI) })
)

// load panics for what docs' own tests show to be right.
func load(text string) *Document {
	d := &Document{root: tree(text), schemas: map[string]*jsonschema.Schema{}}
	for template, item := range object(d.root["paths"]) {
		p := path{template: template, segments: strings.Split(template, "/")}
		for _, param := range list(object(item)["parameters"]) {
			p.rest = p.rest || object(param)["x-segments"] == "any"
		}
		d.paths = append(d.paths, p)
	}
	// What is said in words comes before what stands for any word.
	slices.SortFunc(d.paths, func(a, b path) int {
		return strings.Compare(strings.ReplaceAll(a.template, "{", "~"), strings.ReplaceAll(b.template, "{", "~"))
	})
	for i := range d.compiler {
		root := tree(text)
		if i == closed {
			closeAll(root)
		}
		c := jsonschema.NewCompiler()
		c.DefaultDraft(jsonschema.Draft2020)
		c.AssertFormat()
		if err := c.AddResource(base, any(root)); err != nil {
			panic(err)
		}
		d.compiler[i] = c
	}
	return d
}

// A request may have members that nobody knows, an answer may not.
const (
	open   = 0
	closed = 1
)

const base = "file:///openapi.json"

// tree is a document as JSON has it.
func tree(text string) map[string]any {
	var v map[string]any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		panic(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	j, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		panic(err)
	}
	return object(j)
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// node is a place in a document: what is there, and the pointer to it.
type node struct {
	d  *Document
	v  map[string]any
	at string
}

func escape(key string) string {
	return url.PathEscape(strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1"))
}

// to follows keys, and a reference at the end of each.
func (n node) to(keys ...string) node {
	for _, key := range keys {
		n = node{n.d, object(n.v[key]), n.at + "/" + escape(key)}.resolved()
	}
	return n
}

// items are the places in a list.
func (n node) items(key string) (all []node) {
	for i, v := range list(n.v[key]) {
		all = append(all, node{n.d, object(v), n.at + "/" + escape(key) + "/" + strconv.Itoa(i)}.resolved())
	}
	return all
}

func (n node) there() bool { return n.v != nil }

func (n node) resolved() node {
	ref, ok := n.v["$ref"].(string)
	if !ok || strings.HasPrefix(ref, "#/components/schemas/") {
		return n // the compiler follows those of schemas
	}
	_, rest, _ := strings.Cut(ref, "#/")
	return node{d: n.d, v: n.d.root}.to(strings.Split(rest, "/")...)
}

// operation finds what a request is answered by: the item of its path, the
// operation itself, and the values of the path.
func (d *Document) operation(method, target string) (item, op node, values map[string]string) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	given := strings.Split(target, "/")
	for _, p := range d.paths {
		values, ok := p.match(given)
		if !ok {
			continue
		}
		item = node{d: d, v: d.root}.to("paths", p.template)
		if op = item.to(strings.ToLower(method)); op.there() {
			return item, op, values
		}
	}
	return node{}, node{}, nil
}

func (p path) match(given []string) (map[string]string, bool) {
	if len(given) != len(p.segments) && !(p.rest && len(given) > len(p.segments)) {
		return nil, false
	}
	params := map[string]string{}
	for i, s := range p.segments {
		switch {
		case !strings.HasPrefix(s, "{"):
			if s != given[i] {
				return nil, false
			}
		case given[i] == "" && !p.rest:
			return nil, false
		default:
			value, err := url.PathUnescape(given[i])
			if err != nil {
				return nil, false
			}
			params[strings.Trim(s, "{}")] = value
		}
	}
	return params, true
}

// validate judges a value by the schema at a place.
func (n node) validate(how int, value any) error {
	d := n.d
	d.mu.Lock()
	defer d.mu.Unlock()
	key := fmt.Sprint(how, n.at)
	s := d.schemas[key]
	if s == nil {
		var err error
		if s, err = d.compiler[how].Compile(base + "#" + n.at); err != nil {
			return err
		}
		d.schemas[key] = s
	}
	return s.Validate(value)
}

// Judge judges JSON by a schema of the document, as an answer.
func (d *Document) Judge(schema string, text []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return node{d: d, v: map[string]any{}, at: "/components/answers/" + schema}.validate(closed, v)
}
