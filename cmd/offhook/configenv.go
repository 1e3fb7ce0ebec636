package main

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

const envPrefix = "OFFHOOK_"

// envOthers are variables that are read elsewhere.
var envOthers = []string{"OFFHOOK_CONFIG", "OFFHOOK_LISTEN_SECRET", envAdmin, envAPI, envAPIKey, envApp}

// setting is one thing that can be set, with its place in the Config.
type setting struct {
	path string
	v    reflect.Value
}

func (s setting) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.path, ".", "_"))
}

// settings are all of c's: single values and lists.
func (c *Config) settings() []setting {
	var all []setting
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		for _, f := range fieldsOf(v.Type()) {
			s := setting{f.path(path), v.Field(f.index)}
			if s.v.Kind() == reflect.Struct {
				walk(s.v, s.path)
				continue
			}
			all = append(all, s)
		}
	}
	walk(reflect.ValueOf(c).Elem(), "")
	return all
}

// readEnv takes the settings of the environment. An empty variable counts as
// not set: that is how compose files and unit files leave one out. A list is
// written as YAML.
func (c *Config) readEnv(env map[string]string) (wrong configError) {
	known := map[string]bool{}
	for _, name := range envOthers {
		known[name] = true
	}
	for _, s := range c.settings() {
		name := s.env()
		known[name] = true
		text := env[name]
		if text == "" {
			continue
		}
		if s.v.Kind() == reflect.Slice {
			at := func(line int) string { return fmt.Sprintf("%s, line %d", name, line) }
			found := c.readYAML([]byte(text), s.path, s.v, at)
			for i := range found {
				found[i].line = 0 // not of the file
			}
			wrong = append(wrong, found...)
			continue
		}
		wrong = append(wrong, c.set(s.path, text, name)...)
	}
	// Not refused: Kubernetes, for one, makes up OFFHOOK_PORT and the like for
	// a service of that name.
	names := slices.Sorted(maps.Keys(known))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if strings.HasPrefix(name, envPrefix) && !known[name] {
			if meant := nearest(name, names); meant != "" {
				c.Warnings = append(c.Warnings, fmt.Sprintf("%s is not read; did you mean %s?", name, meant))
			}
		}
	}
	return wrong
}

// set gives one setting a value, whatever an earlier source said.
func (c *Config) set(path, text, origin string) configError {
	for _, s := range c.settings() {
		if s.path != path {
			continue
		}
		c.origins[path] = origin
		delete(c.misread, path)
		if err := assign(s.v, text); err != nil {
			c.misread[path] = true
			return configError{{origin: origin, path: path, text: err.Error()}}
		}
		return nil
	}
	return configError{{origin: origin, path: path, text: "there is no such setting"}}
}
