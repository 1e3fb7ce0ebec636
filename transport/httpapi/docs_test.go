package httpapi

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// docs/calls.md is what app developers read. Its table has every verb, with the
// route that takes it and, to the letter, what the core's own table says of when
// it works.
func TestTheDocumentHasEveryVerb(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "calls.md"))
	require.NoError(t, err)
	line := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| `((?:GET|POST|PUT|DELETE) [^ `]+)`([^|]*) \\| ([^|]+) \\| ([^|]+) \\| ([^|]+) \\|$")
	h := newHouse(t)
	var routes []string
	for _, r := range h.server.Routes() {
		routes = append(routes, strings.Replace(r, "/apps/{app_id}/", "", 1))
	}
	core := map[string]engine.VerbRow{}
	for _, row := range engine.VerbTable() {
		core[row.Name] = row
	}
	var listed []engine.Verb
	taken := map[string]bool{}
	for _, m := range line.FindAllStringSubmatch(string(text), -1) {
		name, route, when := m[1], m[2], m[4]
		require.Contains(t, routes, route, name)
		taken[route] = true
		for v := engine.VerbNone; v <= engine.VerbEndConference; v++ {
			if v.String() == name {
				listed = append(listed, v)
			}
		}
		switch row, ofCall := core[name]; {
		case ofCall:
			works := row.States
			if row.Direction != "" {
				works += ", " + row.Direction
			}
			if row.When != "" {
				works += "; " + row.When
			}
			require.Equal(t, works, when, name)
		case name == "end_conference":
			require.Equal(t, "a conference", when)
		default:
			require.Contains(t, []string{"originate", "retrieve"}, name)
			require.Equal(t, "a new call", when)
		}
	}
	require.True(t, slices.IsSorted(listed), "in the order of capabilities")
	for v := engine.VerbNone; v <= engine.VerbEndConference; v++ {
		require.Equal(t, capability(v), slices.Contains(listed, v), v.String())
	}
	for name := range core {
		require.Contains(t, string(text), "| `"+name+"` |")
	}
	for _, r := range routes { // and no route changes a call that is not in it
		if !strings.HasPrefix(r, "GET") && (strings.Contains(r, " calls") || strings.Contains(r, " conferences")) {
			require.True(t, taken[r], r)
		}
	}
}

// What the document says of events and facts are the core's own words.
func TestTheDocumentHasTheCoresWords(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "calls.md"))
	require.NoError(t, err)
	for r := engine.RecallPark; r <= engine.RecallOther; r++ {
		require.Contains(t, string(text), "`"+r.String()+"`")
	}
	for r := engine.RecordingPending; r <= engine.RecordingFailed; r++ {
		require.Contains(t, string(text), "`"+r.String()+"`")
	}
	core, err := os.ReadFile(filepath.Join("..", "..", "engine", "body.go"))
	require.NoError(t, err)
	types := regexp.MustCompile(`= "(call\.[a-z_]+)"`).FindAllStringSubmatch(string(core), -1)
	require.NotEmpty(t, types)
	for _, m := range types {
		require.Contains(t, string(text), "`"+m[1]+"`")
	}
}
