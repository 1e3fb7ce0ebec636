package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// The file is read into a tree first and from there into the Config: the tree
// knows lines, so that every complaint can name one. yaml's own strict mode
// speaks of Go types, finds no key written twice, and takes 8080 for text.

// syntax is how yaml begins its errors.
var syntax = regexp.MustCompile(`^yaml: line (\d+): `)

// secretSetting are settings whose value is a secret, or may be one by mistake.
// It is not repeated: what is printed ends in the machine's journal.
var secretSetting = regexp.MustCompile(`(token|secret|password)[^.]*$`)

func (c *Config) readFile(path string, text []byte) configError {
	name := filepath.Base(path)
	return c.readYAML(text, "", reflect.ValueOf(c).Elem(), func(line int) string { return name + ":" + strconv.Itoa(line) })
}

// readYAML reads one document into v, which is the setting at path.
func (c *Config) readYAML(text []byte, path string, v reflect.Value, at func(line int) string) configError {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	err := d.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil // nothing but comments
	}
	if err == nil {
		if err = d.Decode(&second); errors.Is(err, io.EOF) {
			err = nil
		} else if err == nil {
			c.misread[path] = true
			return configError{{origin: at(second.Line), path: path, text: "a second document begins here; the settings are one document"}}
		}
	}
	if err != nil {
		c.misread[path] = true
		what, line := err.Error(), 1
		if m := syntax.FindStringSubmatch(what); m != nil {
			line, _ = strconv.Atoi(m[1])
			what = what[len(m[0]):]
		}
		if at := indentedByTab(text, line); at > 0 {
			line, what = at, "a tab indents this line; write spaces, two for each level"
		}
		return configError{{origin: at(line), path: path, text: "this is not YAML: " + what}}
	}
	r := reader{config: c, at: at}
	r.read(doc.Content[0], v, path)
	r.wrong.sort()
	return r.wrong
}

// indentedByTab is the line with a tab before its first word that a complaint
// about a line means: yaml may name the one before. It is 0 if there is none.
func indentedByTab(text []byte, line int) int {
	for i, l := range strings.Split(string(text), "\n") {
		if blank := l[:len(l)-len(strings.TrimLeft(l, " \t"))]; (i+1 == line || i == line) && strings.Contains(blank, "\t") {
			return i + 1
		}
	}
	return 0
}

type reader struct {
	config *Config
	at     func(line int) string
	wrong  configError
}

// misread complains about a setting that keeps its default.
func (r *reader) misread(n *yaml.Node, path, format string, args ...any) {
	r.config.misread[path] = true
	r.fault(n, path, format, args...)
}

func (r *reader) fault(n *yaml.Node, path, format string, args ...any) {
	r.wrong = append(r.wrong, fault{origin: r.at(n.Line), line: n.Line, path: path, text: fmt.Sprintf(format, args...)})
}

// read puts what a node says into v. A null leaves the default.
func (r *reader) read(n *yaml.Node, v reflect.Value, path string) {
	at := n
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if path != "" {
		r.config.origins[path] = r.at(at.Line)
	}
	switch v.Kind() {
	case reflect.Struct:
		if plain, ok := plainOf(v); ok && n.Kind == yaml.ScalarNode {
			r.read(at, plain, path)
			return
		}
		if n.Kind != yaml.MappingNode {
			r.misread(at, path, "settings are wanted here, as in “key: value”, not %s", kindOf(n))
			return
		}
		r.readStruct(n, v, path)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			r.misread(at, path, "a list is wanted here, not %s; put “- ” before each item", kindOf(n))
			return
		}
		list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
		for i, item := range n.Content {
			r.read(item, list.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
		v.Set(list)
	default:
		if n.Kind != yaml.ScalarNode {
			r.misread(at, path, "%s is wanted here, not %s", wantOf(v), kindOf(n))
			return
		}
		if v.Kind() == reflect.String && n.Tag != "!!str" {
			quotes := "put it in quotes"
			if !secretSetting.MatchString(path) {
				quotes += `: "` + n.Value + `"`
			}
			r.fault(at, path, "text is wanted here, not %s; %s", kindOf(n), quotes)
			r.wrong[len(r.wrong)-1].kind = true
			v.SetString(n.Value) // quotes may not be all it needs
			return
		}
		if v.Kind() == reflect.Bool && n.Tag != "!!bool" || v.Kind() == reflect.Int && n.Tag != "!!int" ||
			v.Kind() == reflect.Float64 && n.Tag != "!!float" && n.Tag != "!!int" {
			r.misread(at, path, "%s is wanted here, not %s", wantOf(v), kindOf(n))
			return
		}
		if err := assign(v, n.Value); err != nil {
			r.misread(at, path, "%v", err)
		}
	}
}

func (r *reader) readStruct(n *yaml.Node, v reflect.Value, path string) {
	known := fieldsOf(v.Type())
	names := make([]string, 0, len(known))
	for _, f := range known {
		names = append(names, f.name)
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := key.Value
		full := join(path, name)
		if i := slices.IndexFunc(known, func(f field) bool { return f.name == name }); i >= 0 {
			full = known[i].path(path)
		}
		if name == "<<" && key.Tag == "!!merge" {
			r.misread(key, path, "merge keys are not read; write the settings out")
			continue
		}
		if line := seen[name]; line > 0 {
			r.fault(key, full, "given before, in line %d; keep one of the two", line)
			continue
		}
		seen[name] = key.Line
		found := false
		for _, f := range known {
			if f.name == name {
				found = true
				r.read(value, v.Field(f.index), full)
				if r.config.origins[full] != "" {
					r.config.origins[full] = r.at(key.Line) // a group begins where its name is
				}
			}
		}
		if !found {
			if meant := nearest(name, names); meant != "" && !given(n, meant) {
				r.config.misread[join(path, meant)] = true // it is not that it is missing
			}
			r.misread(key, full, "there is no such setting%s", didYouMean(name, names))
		}
	}
}

// given reports whether a group has a setting.
func given(group *yaml.Node, name string) bool {
	for i := 0; i < len(group.Content); i += 2 {
		if group.Content[i].Value == name {
			return true
		}
	}
	return false
}

type field struct {
	name  string
	index int
	plain bool // what a group of settings means that is written as one value
}

// path is the setting's in the group at a path.
func (f field) path(group string) string {
	if f.plain {
		return group
	}
	return join(group, f.name)
}

// plainOf is the setting that a group stands for when it is written as one value.
func plainOf(group reflect.Value) (v reflect.Value, ok bool) {
	for _, f := range fieldsOf(group.Type()) {
		if f.plain {
			return group.Field(f.index), true
		}
	}
	return v, false
}

// fieldsOf are the settings in a struct, in order.
func fieldsOf(t reflect.Type) (all []field) {
	for i := range t.NumField() {
		name, plain, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name != "" && name != "-" {
			all = append(all, field{name, i, plain == "plain"})
		}
	}
	return all
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

var durationType = reflect.TypeFor[time.Duration]()

// assign reads the text of a setting that is a single value.
func assign(v reflect.Value, text string) error {
	switch {
	case v.Type() == durationType:
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is no length of time; write it with its unit, as in 2s, 90m or 168h", text)
		}
		v.SetInt(int64(d))
	case v.Kind() == reflect.Bool:
		switch text {
		case "true", "True", "TRUE":
			v.SetBool(true)
		case "false", "False", "FALSE":
			v.SetBool(false)
		default:
			return fmt.Errorf("true or false is wanted here, not %q", text)
		}
	case v.Kind() == reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("a whole number is wanted here, not %q", text)
		}
		v.SetInt(int64(n))
	case v.Kind() == reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("a number is wanted here, not %q", text)
		}
		v.SetFloat(f)
	default:
		v.SetString(text)
	}
	return nil
}

func wantOf(v reflect.Value) string {
	switch {
	case v.Type() == durationType:
		return "a length of time such as 2s"
	case v.Kind() == reflect.Bool:
		return "true or false"
	case v.Kind() == reflect.Int:
		return "a whole number"
	case v.Kind() == reflect.Float64:
		return "a number"
	}
	return "text"
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a group of settings"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!str":
		return "text"
	}
	return "a value of another kind"
}
