package reference

import (
	"bytes"
	_ "embed" // the page's parts
	"fmt"
	"html/template"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed page.html
var pageText string

//go:embed page.css
var style string

//go:embed page.js
var script string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

type page struct {
	Title, Summary, Token string
	About                 []template.HTML
	Sections              []section
	Schemas               []schema
	Style                 template.CSS
	Script                template.JS
}

type section struct {
	Name, ID   string
	About      []template.HTML
	Operations []operation
}

type operation struct {
	ID, Method, Path, Summary, Scope string
	About                            []template.HTML
	Params                           []member
	Body                             *body
	Answers, Refusals                []answer
	Curl                             string // empty for what is sent to others
}

type body struct {
	Kind     template.HTML
	Required bool
	Members  []member // of a schema without a name
	Examples []example
}

type answer struct {
	Status   string
	About    template.HTML
	Codes    []string
	Kind     template.HTML
	Headers  []member
	Examples []example
}

type example struct{ Name, Text string }

type schema struct {
	Name    string
	About   template.HTML
	Kind    template.HTML
	Members []member
}

// render makes the page of a document.
func render(text string) ([]byte, error) {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		return nil, err
	}
	if len(root.Content) == 0 {
		return nil, fmt.Errorf("the document is empty")
	}
	n := node{root.Content[0], root.Content[0]}
	p := page{
		Title: n.get("info", "title").text(), Summary: n.get("info", "summary").text(), About: paragraphs(n.get("info", "description").text()),
		Token: "KEY", Style: template.CSS(style), Script: template.JS(script), // #nosec G203 -- files of this package
	}
	if n.get("components", "securitySchemes", "token").there() {
		p.Token = "TOKEN"
	}
	operations := map[string][]operation{}
	n.get("paths").each(func(path string, item node) {
		for _, method := range []string{"get", "post", "put", "patch", "delete"} {
			if op := item.get(method); op.there() {
				params := append(item.get("parameters").items(), op.get("parameters").items()...)
				for i := range params {
					params[i] = params[i].resolved()
				}
				o := operationOf(op, params)
				o.Method, o.Path = strings.ToUpper(method), path
				o.Curl = curl(o.Method, path, params, op, p.Token)
				tag := op.get("tags").texts()[0]
				operations[tag] = append(operations[tag], o)
			}
		}
	})
	for _, tag := range n.get("tags").items() {
		name := tag.get("name").text()
		p.Sections = append(p.Sections, section{name, "tag-" + strings.ToLower(strings.ReplaceAll(name, " ", "-")), paragraphs(tag.get("description").text()), operations[name]})
	}
	p.Sections = append(p.Sections, sent(n)...)
	n.get("components", "schemas").each(func(name string, s node) {
		p.Schemas = append(p.Schemas, schema{name, about(s), kind(s), members(s)})
	})
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// sent is the section of what is POSTed to others; none if nothing is.
func sent(n node) []section {
	s := section{Name: "What is sent to you", ID: "sent", About: paragraphs("POSTed to your webhooks, signed as [Standard Webhooks](https://www.standardwebhooks.com) says.")}
	n.get("webhooks").each(func(_ string, item node) {
		op := item.get("post")
		params := op.get("parameters").items()
		for i := range params {
			params[i] = params[i].resolved()
		}
		o := operationOf(op, params)
		o.Method, o.Path, o.Scope = "POST", "your URL", ""
		s.Operations = append(s.Operations, o)
	})
	if s.Operations == nil {
		return nil
	}
	return []section{s}
}

func operationOf(op node, params []node) operation {
	o := operation{ID: op.get("operationId").text(), Summary: op.get("summary").text(), About: paragraphs(op.get("description").text())}
	security := op.get("security")
	if !security.there() {
		security = node{op.doc, op.doc}.get("security") // what holds where nothing else is said
	}
	for _, s := range security.items() {
		s.each(func(_ string, scopes node) { o.Scope = strings.Join(scopes.texts(), " ") })
	}
	for _, p := range params {
		o.Params = append(o.Params, member{
			Name: p.get("name").text(), Required: p.get("required").text() == "true", Kind: template.HTML(p.get("in").text()+", ") + kind(p.get("schema")), About: inline(p.get("description").text()), // #nosec G203 -- a word of the document
		})
	}
	if b := op.get("requestBody").resolved(); b.there() {
		o.Body = &body{Required: b.get("required").text() == "true"}
		b.get("content").each(func(_ string, media node) {
			if o.Body.Kind == "" {
				o.Body.Kind = kind(media.get("schema"))
			}
			o.Body.Members = append(o.Body.Members, members(media.get("schema"))...)
			o.Body.Examples = append(o.Body.Examples, examples(media)...)
		})
	}
	op.get("responses").each(func(status string, r node) {
		if a := answerOf(status, r.resolved()); a.Codes != nil {
			o.Refusals = append(o.Refusals, a)
		} else {
			o.Answers = append(o.Answers, a)
		}
	})
	return o
}

func answerOf(status string, r node) answer {
	a := answer{Status: status, About: inline(r.get("description").text())}
	r.get("headers").each(func(name string, h node) {
		h = h.resolved()
		a.Headers = append(a.Headers, member{Name: name, Kind: kind(h.get("schema")), About: inline(h.get("description").text())})
	})
	r.get("content").each(func(_ string, media node) {
		a.Codes = append(a.Codes, codes(media.get("schema"))...)
		if a.Codes == nil && a.Kind == "" {
			a.Kind = kind(media.get("schema"))
		}
		a.Examples = append(a.Examples, examples(media)...)
	})
	return a
}

// examples of a body, as they are sent.
func examples(media node) (all []example) {
	add := func(name string, v node) {
		text := v.text()
		if text == "" {
			var b strings.Builder
			v.json(&b, "\n")
			text = b.String()
		}
		all = append(all, example{name, text})
	}
	if v := media.get("example"); v.there() {
		add("", v)
	}
	media.get("examples").each(func(name string, e node) { add(name, e.get("value")) })
	return all
}
