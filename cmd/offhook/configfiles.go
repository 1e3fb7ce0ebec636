package main

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"reflect"
	"strings"
)

// namedFile is a file that a setting names: passwords, keys, certificates. Of
// what is in it only a digest is kept, to tell when it has changed.
type namedFile struct {
	name string
	sum  [sha256.Size]byte
}

// readNamed looks at the files that settings name. One that cannot be read is
// left out: whether that is wrong is for check to say.
func (c *Config) readNamed() map[string]namedFile {
	all := map[string]namedFile{}
	look := func(path, name string) {
		if text, err := os.ReadFile(name); err == nil { // #nosec G304 -- a file that the operator names
			all[path] = namedFile{name, sha256.Sum256(text)}
		}
	}
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		switch {
		case v.Kind() == reflect.Struct:
			for _, f := range fieldsOf(v.Type()) {
				walk(v.Field(f.index), f.path(path))
			}
		case v.Kind() == reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i), fmt.Sprintf("%s[%d]", path, i))
			}
		case v.Kind() == reflect.String && strings.HasSuffix(path, "_file") && v.String() != "":
			look(path, v.String())
		}
	}
	walk(reflect.ValueOf(c).Elem(), "")
	look("secrets_key_file", c.sealingKeyFile())
	return all
}

// rewritten are the settings that name the same file as in another
// configuration, with something else in it.
func (c *Config) rewritten(other *Config) (paths []string) {
	for path, was := range c.files {
		if is, ok := other.files[path]; ok && is.name == was.name && is.sum != was.sum {
			paths = append(paths, path)
		}
	}
	return paths
}

// takeFiles takes over what another configuration has read for some settings.
func (c *Config) takeFiles(other *Config, mine func(path string) bool) {
	files := maps.Clone(c.files)
	maps.DeleteFunc(files, func(path string, _ namedFile) bool { return mine(path) })
	for path, f := range other.files {
		if mine(path) {
			files[path] = f
		}
	}
	c.files = files
}
