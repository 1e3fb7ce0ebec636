package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"offhook/transport/problem"
)

const (
	maxDepth   = 32  // objects and arrays within each other
	maxMembers = 256 // of one object
)

// Object is a JSON object from a client: strict about what is JSON, forgiving
// about members nobody knows. Names are compared exactly.
type Object struct {
	at      string // what the names of its fields begin with in a problem
	members []member
}

type member struct {
	name string
	raw  json.RawMessage
}

// ParseObject reads a body that must be one JSON object and nothing else.
func ParseObject(body []byte) (Object, error) {
	switch {
	case !utf8.Valid(body):
		return Object{}, badJSON("the body must be UTF-8")
	case tooDeep(body):
		return Object{}, badJSON("the body is nested too deeply")
	case !json.Valid(body):
		return Object{}, badJSON("the body must be one JSON object")
	}
	return split("", body)
}

func split(at string, body []byte) (Object, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return Object{}, badJSON("the body must be one JSON object")
	}
	o := Object{at: at}
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return Object{}, badJSON("the body must be one JSON object")
		}
		m := member{name: name}
		if err := dec.Decode(&m.raw); err != nil {
			return Object{}, badJSON("the body must be one JSON object")
		}
		if o.find(name) != nil {
			return Object{}, badJSON("a member is there twice") // which of them was meant?
		}
		if len(o.members) == maxMembers {
			return Object{}, badJSON("the object has too many members")
		}
		o.members = append(o.members, m)
	}
	return o, nil
}

func (o Object) find(name string) json.RawMessage {
	for i := range o.members {
		if o.members[i].name == name {
			return o.members[i].raw
		}
	}
	return nil
}

func (o Object) field(name string) string { return o.at + name }

// Has reports whether the member is there, null or not.
func (o Object) Has(name string) bool { return o.find(name) != nil }

// Null reports whether the member is there and null.
func (o Object) Null(name string) bool { return string(o.find(name)) == "null" }

// Text is a string member; empty if it is not there or null.
func (o Object) Text(name string) (string, error) {
	s, err := o.raw(name)
	if err != nil {
		return "", err
	}
	if wrong := CheckText(s); wrong != "" {
		return "", problem.Invalid(o.field(name), wrong)
	}
	return s, nil
}

// Required is a string member that must be there and not be empty.
func (o Object) Required(name string) (string, error) {
	s, err := o.Text(name)
	if err == nil && s == "" {
		return "", problem.Invalid(o.field(name), "is required")
	}
	return s, err
}

// Long is a string member that may have up to limit bytes.
func (o Object) Long(name string, limit int) (string, error) {
	s, err := o.raw(name)
	if err == nil && len(s) > limit {
		return "", problem.Invalid(o.field(name), "is too long")
	}
	return s, err
}

func (o Object) raw(name string) (string, error) {
	raw := o.find(name)
	if raw == nil || o.Null(name) {
		return "", nil
	}
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", problem.Invalid(o.field(name), "must be a string")
	}
	return s, nil
}

// Texts is a member that is an array of strings; nil if it is not there or null.
func (o Object) Texts(name string) ([]string, error) {
	raw := o.find(name)
	if raw == nil || o.Null(name) {
		return nil, nil
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil, problem.Invalid(o.field(name), "must be an array of strings")
	}
	list := make([]string, 0, len(items))
	for _, item := range items {
		var s string
		if item[0] != '"' || json.Unmarshal(item, &s) != nil {
			return nil, problem.Invalid(o.field(name), "must be an array of strings")
		}
		if wrong := CheckText(s); wrong != "" {
			return nil, problem.Invalid(o.field(name), wrong)
		}
		list = append(list, s)
	}
	return list, nil
}

// Object is a member that is an object; an empty one if it is not there.
func (o Object) Object(name string) (Object, error) {
	raw := o.find(name)
	if raw == nil {
		return Object{at: o.field(name) + "."}, nil
	}
	return o.inner(name, raw)
}

// Objects is a member that is an array of objects; nil if it is not there or null.
func (o Object) Objects(name string) ([]Object, error) {
	raw := o.find(name)
	if raw == nil || o.Null(name) {
		return nil, nil
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil, problem.Invalid(o.field(name), "must be an array of objects")
	}
	list := make([]Object, 0, len(items))
	for _, item := range items {
		inner, err := o.inner(name, item)
		if err != nil {
			return nil, err
		}
		list = append(list, inner)
	}
	return list, nil
}

func (o Object) inner(name string, raw json.RawMessage) (Object, error) {
	if raw[0] != '{' {
		return Object{}, problem.Invalid(o.field(name), "must be an object")
	}
	return split(o.field(name)+".", raw)
}

func badJSON(detail string) error { return problem.New(problem.CodeBadJSON, detail) }

// tooDeep looks at brackets outside of strings; it need not know whether the
// rest is JSON.
func tooDeep(body []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// Body is the whole body of a request to a server that streams bodies.
func Body(ctx *fasthttp.RequestCtx, limit int) ([]byte, error) {
	r := ctx.RequestBodyStream()
	if r == nil {
		body := ctx.PostBody()
		if len(body) > limit {
			return nil, TooLarge(limit)
		}
		return body, nil
	}
	body, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if len(body) > limit {
		lingering(ctx.Conn())
		ctx.SetConnectionClose()
		return nil, TooLarge(limit)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		ctx.SetConnectionClose()
		return nil, problem.New(problem.CodeBadRequest, "the body did not arrive completely")
	}
	return body, nil
}
