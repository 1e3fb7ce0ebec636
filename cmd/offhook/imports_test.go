package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mayImport is the order of the house: cmd -> transport -> engine/actor ->
// engine <- store, provider. A package has the rule of the longest name here
// that its own begins with. Store, provider and transport meet in this
// command alone, so that each can be replaced, and tested, without the others.
var mayImport = map[string][]string{
	"engine":             {},
	"engine/maybe":       {}, // not for the engine itself, which is free of chance
	"engine/clock":       {}, // nor is it
	"engine/tenant":      {"engine"},
	"engine/actor":       {"engine", "engine/clock", "engine/maybe", "engine/trace"},
	"store":              {"engine", "engine/tenant", "engine/actor", "engine/clock", "engine/maybe"}, // of actor the ports it implements
	"provider":           {"engine"},
	"provider/simulator": {}, // it stands for somebody else's system
	"provider/broadworks": {
		"engine", "engine/tenant", "engine/maybe", "engine/trace", "provider",
	},
	"provider/oci":          {"engine", "engine/tenant", "provider"}, // the provisioning side of BroadWorks
	"provider/providertest": {"engine", "provider"},
	"provider/provision":    {"engine", "engine/tenant", "provider"},                                                                          // what every platform's source feeds
	"transport":             {"engine", "engine/tenant", "engine/actor", "engine/clock", "engine/maybe", "engine/trace", "transport", "docs"}, // of docs what each listener says of itself
	"cmd":                   {"engine", "store", "provider", "transport"},
	"bench":                 {"engine", "store", "provider", "transport"},
	"docs":                  {}, // what others copy, and the OpenAPI documents
}

// pure is all that the engine uses: nothing in it reads a clock, a file, the
// network or chance, so a story replays the same every time.
var pure = []string{"cmp", "errors", "fmt", "iter", "maps", "math/bits", "slices", "sort", "strconv", "strings", "unicode/utf8"}

func TestImportsPointOneWaySoThatPartsCanBeReplaced(t *testing.T) {
	eachImport(t, func(t *testing.T, pkg, file, imported string) {
		rule := ""
		for name := range mayImport {
			if len(name) > len(rule) && below(pkg, name) {
				rule = name
			}
		}
		if rule == "" {
			t.Errorf("%s: the package %s has no place in the order of imports; give it one in mayImport", file, pkg)
			return
		}
		ours, is := strings.CutPrefix(imported, "offhook/")
		if !is || below(ours, rule) && !strings.HasPrefix(rule, "engine") && rule != "provider" {
			return
		}
		if !slices.ContainsFunc(mayImport[rule], func(allowed string) bool {
			return ours == allowed || below(ours, allowed) && allowed != "engine" && allowed != "provider" || rule == "cmd" || rule == "bench"
		}) {
			t.Errorf("%s imports %s; %s may import %v of offhook, and nothing else", file, imported, rule, mayImport[rule])
		}
	})
}

func TestTheEngineIsPureSoThatAStoryReplaysTheSame(t *testing.T) {
	seen := 0
	eachImport(t, func(t *testing.T, pkg, file, imported string) {
		if pkg != "engine" {
			return
		}
		seen++
		if !slices.Contains(pure, imported) {
			t.Errorf("%s imports %q; the engine stays free of I/O, clocks and chance", file, imported)
		}
	})
	require.Positive(t, seen)
}

func TestOnlyTheTransportSpeaksFasthttpAndOnlyTheStorePebble(t *testing.T) {
	homes := map[string]string{"github.com/valyala/fasthttp": "transport", "github.com/fasthttp/router": "transport", "github.com/cockroachdb/pebble": "store"}
	eachImport(t, func(t *testing.T, pkg, file, imported string) {
		for lib, home := range homes {
			if below(imported, lib) && !below(pkg, home) && !below(pkg, "bench") {
				t.Errorf("%s imports %s, which belongs to %s alone", file, imported, home)
			}
		}
	})
}

// below reports whether a path is root or below it.
func below(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

// eachImport calls fn for every import of every file that is no test.
func eachImport(t *testing.T, fn func(t *testing.T, pkg, file, imported string)) {
	t.Helper()
	const root = "../.."
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		files++
		file, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range parsed.Imports {
			imported, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			fn(t, filepath.ToSlash(filepath.Dir(file)), file, imported)
		}
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, files, 50, "the walk missed the code")
}
