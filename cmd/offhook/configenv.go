package main

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
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
	_, all := c.walk()
	return all
}

// walk finds c's groups of settings, those around others first, and what is in
// them.
func (c *Config) walk() (groups, all []setting) {
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		for _, f := range fieldsOf(v.Type()) {
			s := setting{f.path(path), v.Field(f.index)}
			if s.v.Kind() == reflect.Struct {
				if _, plain := plainOf(s.v); !plain { // that is a setting, with the same name
					groups = append(groups, s)
				}
				walk(s.v, s.path)
				continue
			}
			all = append(all, s)
		}
	}
	walk(reflect.ValueOf(c).Elem(), "")
	return groups, all
}

// kubernetes finds what Kubernetes makes up for services whose names begin with
// “offhook”: OFFHOOK_PORT, OFFHOOK_SERVICE_HOST and the like.
var kubernetes = regexp.MustCompile(`^OFFHOOK_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)$`)

// readEnv takes the settings of the environment. An empty variable counts as
// not set: that is how compose files and unit files leave one out. A list is
// written as YAML, and so can a group be; what is set by itself wins over it.
func (c *Config) readEnv(env map[string]string) (wrong configError) {
	known := map[string]bool{}
	for _, name := range envOthers {
		known[name] = true
	}
	groups, single := c.walk()
	for i, s := range append(groups, single...) {
		name := s.env()
		if i < len(groups) && slices.Contains(envOthers, name) { // OFFHOOK_ADMIN is where commands find the admin listener
			if strings.HasPrefix(env[name], "{") {
				c.Warnings = append(c.Warnings, name+" is not read as settings; each of them has a variable of its own, as "+name+"_LISTEN")
			}
			continue
		}
		known[name] = true
		text := env[name]
		if text == "" {
			continue
		}
		if i < len(groups) || s.v.Kind() == reflect.Slice {
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
	// Not refused: others may have made it up, as Kubernetes does.
	var names []string
	for _, name := range slices.Sorted(maps.Keys(known)) {
		names = append(names, strings.TrimPrefix(name, envPrefix))
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if !strings.HasPrefix(name, envPrefix) || known[name] {
			continue
		}
		if meant := nearest(strings.TrimPrefix(name, envPrefix), names); meant != "" {
			c.Warnings = append(c.Warnings, fmt.Sprintf("%s is not read; did you mean %s?", name, envPrefix+meant))
		} else if !kubernetes.MatchString(name) {
			c.Warnings = append(c.Warnings, name+" is not read: there is no such setting")
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
