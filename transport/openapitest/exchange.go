package openapitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Exchange is a request and its answer.
type Exchange struct {
	Method, Path, Query string // Path is escaped
	Header              http.Header
	Body                []byte
	BodyCut             bool // the body is longer than that

	Status int
	Answer http.Header
	Text   []byte
	Cut    bool // the text was not read to its end
}

// Check says what of an exchange is not in the document. A request that was
// refused with 4xx may have been meant to be wrong, and is not looked at.
func (d *Document) Check(x Exchange) error {
	item, op, values := d.operation(x.Method, x.Path)
	if !op.there() {
		return unknown(x)
	}
	err := op.answer(x)
	if x.Status < 400 || x.Status >= 500 {
		err = errors.Join(err, asked(x, append(item.items("parameters"), op.items("parameters")...), values), op.body(x))
	}
	if err != nil {
		return fmt.Errorf("%s %s, %d: not as in the document: %.1500s", x.Method, x.Path, x.Status, err)
	}
	return nil
}

// Sent says what of a POST to a webhook is not in the document. The webhook is
// named as it is there.
func (d *Document) Sent(webhook string, header http.Header, text []byte) error {
	op := node{d: d, v: d.root}.to("webhooks", webhook, "post")
	x := Exchange{Method: http.MethodPost, Header: header, Text: text, Answer: header}
	return errors.Join(asked(x, op.items("parameters"), nil), op.to("requestBody").text(x))
}

// unknown judges what is no operation: nothing but a refusal, or what methods
// there are, may come of it.
func unknown(x Exchange) error {
	switch x.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusRequestHeaderFieldsTooLarge:
		return nil
	case http.StatusNoContent:
		if x.Method == http.MethodOptions {
			return nil
		}
	}
	return fmt.Errorf("%s %s answers %d and is in no document", x.Method, x.Path, x.Status)
}

// common are the headers that every answer may have.
var common = []string{"Content-Type", "Content-Length", "Date", "Connection", "Cache-Control", "Transfer-Encoding", "Vary", "Traceresponse"}

func (op node) answer(x Exchange) error {
	resp := op.to("responses", strconv.Itoa(x.Status))
	if !resp.there() {
		resp = op.to("responses", "default")
	}
	if !resp.there() {
		return errors.New("undocumented status")
	}
	var errs []error
	headers := resp.to("headers")
	for name := range headers.v {
		errs = append(errs, headers.to(name).header(name, x.Answer))
	}
	for name := range x.Answer {
		if !slices.Contains(common, name) && !slices.ContainsFunc(keys(headers.v), func(k string) bool { return strings.EqualFold(k, name) }) {
			errs = append(errs, fmt.Errorf("undocumented header %s", name))
		}
	}
	if x.Method != http.MethodHead && !x.Cut {
		errs = append(errs, resp.text(x))
	}
	return errors.Join(errs...)
}

func keys(m map[string]any) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	return all
}

func (n node) header(name string, from http.Header) error {
	values := from.Values(name)
	switch {
	case len(values) > 1:
		return fmt.Errorf("header %s is there %d times", name, len(values))
	case len(values) == 0 && n.v["required"] == true:
		return fmt.Errorf("header %s is missing", name)
	case len(values) == 0:
		return nil
	}
	if err := n.to("schema").validate(open, n.to("schema").typed(values[0])); err != nil {
		return fmt.Errorf("header %s: %w", name, err)
	}
	return nil
}

// typed is a text from a header, a path or a query as the schema means it.
func (n node) typed(text string) any {
	kind, _ := n.d.follow(n.v)["type"].(string)
	var v any = text
	switch kind {
	case "integer", "number":
		v = json.Number(text)
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			return text
		}
	case "boolean":
		if text == "true" || text == "false" {
			return text == "true"
		}
	}
	return v
}

// follow is what a schema refers to, or itself.
func (d *Document) follow(schema map[string]any) map[string]any {
	ref, ok := schema["$ref"].(string)
	if !ok {
		return schema
	}
	return object(object(object(d.root["components"])["schemas"])[ref[strings.LastIndexByte(ref, '/')+1:]])
}

// text judges the body of an answer.
func (n node) text(x Exchange) error {
	content := n.to("content")
	if !content.there() {
		if len(x.Text) > 0 {
			return errors.New("there is a body, and none in the document")
		}
		return nil
	}
	kind, _, err := mime.ParseMediaType(x.Answer.Get("Content-Type"))
	media := content.to(kind)
	if !media.there() {
		media = content.to("*/*")
	}
	switch {
	case err != nil && !media.there() || !media.there():
		return fmt.Errorf("undocumented content type %q", x.Answer.Get("Content-Type"))
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(x.Text))
		if err != nil {
			return err
		}
		return media.to("schema").validate(closed, v)
	}
	return nil
}

// Stranger is the parameter of a query that tests send and nobody knows.
const Stranger = "colour"

// asked judges the parameters of a request; values are those of its path.
func asked(x Exchange, params []node, values map[string]string) error {
	query, err := url.ParseQuery(x.Query)
	if err != nil {
		return err
	}
	var errs []error
	known := map[string]bool{}
	for _, p := range params {
		name, _ := p.v["name"].(string)
		var given []string
		switch p.v["in"] {
		case "path":
			given = []string{values[name]}
		case "query":
			given = query[name]
			known[name] = true
		case "header":
			given = x.Header.Values(name)
		}
		if len(given) == 0 && p.v["required"] == true {
			errs = append(errs, fmt.Errorf("parameter %s is missing", name))
		}
		for _, text := range given {
			if err := p.to("schema").validate(open, p.to("schema").typed(text)); err != nil {
				errs = append(errs, fmt.Errorf("parameter %s: %w", name, err))
			}
		}
	}
	for name := range query {
		if !known[name] && name != Stranger {
			errs = append(errs, fmt.Errorf("undocumented parameter %s", name))
		}
	}
	return errors.Join(errs...)
}

// body judges the body of a request. Where the document has none, none is read.
func (op node) body(x Exchange) error {
	body := op.to("requestBody")
	if !body.there() || x.BodyCut {
		return nil
	}
	if len(x.Body) == 0 {
		if body.v["required"] == true {
			return errors.New("the body is missing")
		}
		return nil
	}
	kind, _, _ := mime.ParseMediaType(x.Header.Get("Content-Type"))
	if kind == "" || strings.HasSuffix(kind, "+json") {
		kind = "application/json"
	}
	media := body.to("content", kind)
	if !media.there() && x.Method == http.MethodPut { // what is PUT may say anything of itself
		kind = "application/json"
		media = body.to("content", kind)
	}
	switch {
	case !media.there():
		return fmt.Errorf("undocumented content type %q of a body", kind)
	case kind != "application/json" || media.to("schema").v["type"] == "string":
		return nil
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(x.Body))
	if err != nil {
		return err
	}
	return media.to("schema").validate(open, v)
}
