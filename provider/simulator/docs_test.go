package simulator

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func manual(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/simulator.md")
	require.NoError(t, err)
	return string(text)
}

// section is a part of the manual, up to the next heading.
func section(t *testing.T, name string) string {
	t.Helper()
	_, rest, found := strings.Cut(manual(t), "\n## "+name+"\n")
	require.True(t, found, name)
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

// ticked is what stands between backticks in the first cells of tables.
func ticked(text string) (words []string) {
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*)").FindAllStringSubmatch(text, -1) {
		for _, m := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(row[1], -1) {
			words = append(words, m[1])
		}
	}
	return words
}

func TestTheFaultsOfTheManualAreThoseOfTheCode(t *testing.T) {
	require.ElementsMatch(t, append(FaultKinds(), OCIFaultKinds()...), ticked(section(t, "Faults")))
	once := regexp.MustCompile("(?m)^\\| `(\\w+)` \\*").FindAllStringSubmatch(section(t, "Faults"), -1)
	var marked []string
	for _, m := range once {
		marked = append(marked, m[1])
	}
	var momentary []string
	for _, kind := range append(FaultKinds(), OCIFaultKinds()...) {
		if (&fault{kind: kind}).momentary() {
			momentary = append(momentary, kind)
		}
	}
	require.ElementsMatch(t, momentary, marked)
}

// Every example of the control paths is run as it stands. The methods of each
// path are those that the path has, and no path is left out.
func TestTheControlPathsOfTheManualAreThoseOfTheCode(t *testing.T) {
	text := section(t, "Control paths")
	example := regexp.MustCompile(`(?m)^    (?:([A-Z]+)=\$\()?curl -sS(?: -X ([A-Z]+))? 127\.0\.0\.1:8082/simulator([^ \n]*)(?: -d '([^']*)')?(?: \| jq -r \.(\w+)\))?$`)
	runs := example.FindAllStringSubmatch(text, -1)
	require.Len(t, runs, strings.Count(text, "curl "))
	inWorld(t, Config{Traffic: TrafficDemo}, func(w *world) {
		names := map[string]string{}
		methods := map[string][]string{}
		for _, m := range runs {
			method, path := m[2], m[3]
			if method == "" {
				method = "GET"
			}
			for name, value := range names {
				path = strings.ReplaceAll(path, "$"+name, value)
			}
			methods[path] = append(methods[path], method)
			got := w.do(method, "/simulator"+path, m[4])
			require.Less(w, got.status, 300, "%s: %s", m[0], got.body)
			if m[1] != "" {
				var answer map[string]any
				require.NoError(w, json.Unmarshal([]byte(got.body), &answer))
				names[m[1]] = fmt.Sprint(answer[m[5]])
			}
			w.pass(time.Millisecond)
		}
		for path, used := range methods {
			slices.Sort(used)
			used = slices.Compact(used)
			require.Equal(w, strings.Join(used, ", "), w.do("BREW", "/simulator"+path, "").header.Get("Allow"), path)
		}
	})
	files, err := filepath.Glob("control*.go")
	require.NoError(t, err)
	word := regexp.MustCompile(`(?:path|words\[\d\]) [!=]= "(\w+)"`)
	found := 0
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range word.FindAllStringSubmatch(string(source), -1) {
			require.Contains(t, text, "/"+m[1], file)
			found++
		}
	}
	require.Greater(t, found, 6)
	for verb := range controlVerbs {
		require.Contains(t, text, "`"+verb+"`")
	}
}

// The admin listener hands control paths on, and its document has their words.
func TestTheWordsOfTheAdminDocumentAreThoseOfTheCode(t *testing.T) {
	text, err := os.ReadFile("../../docs/admin-openapi.yaml")
	require.NoError(t, err)
	words := func(schema string) (all []string) {
		list := regexp.MustCompile("    " + schema + ":\n      type: string\n      enum:\n((?:        - .*\n)+)").FindSubmatch(text)
		require.NotNil(t, list, schema)
		for _, m := range regexp.MustCompile("- (.*)").FindAllSubmatch(list[1], -1) {
			all = append(all, string(m[1]))
		}
		return all
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(controlVerbs)), words("SimulatedVerb"))
	require.ElementsMatch(t, append(FaultKinds(), OCIFaultKinds()...), words("FaultKind"))
}

// The words of stories are those the reader of stories knows, and the story of
// the manual plays.
func TestTheStoryOfTheManualPlays(t *testing.T) {
	text := section(t, "Scenarios")
	parts := strings.Split(text, "```")
	require.Len(t, parts, 3)
	sc, err := ParseScenario([]byte(parts[1]))
	require.NoError(t, err)
	inWorld(t, sc.Config, func(w *world) {
		require.NoError(w, w.sim.Play(w.Context(), sc, nil))
		require.Greater(w, w.sim.Stats().CallsStarted, int64(10))
	})

	settings, steps, _ := strings.Cut(parts[2], "| step |")
	require.ElementsMatch(t, append(slices.Collect(maps.Keys(ociSettings)), settingWords(t)...), firstWords(ticked(settings)))
	steps = strings.Join(ticked(steps), "\n")
	for _, verb := range slices.Concat(slices.Collect(maps.Keys(controlVerbs)), slices.Collect(maps.Keys(peopleSteps)), stepWords(t)) {
		require.Regexp(t, `(?m)^`+verb+`\b`, steps)
	}
	for _, step := range strings.Fields(strings.Join(firstWords(strings.Split(steps, "\n")), " ")) {
		_, err := ParseScenario([]byte("0s " + step))
		require.NotContains(t, fmt.Sprint(err), "nobody can do that")
	}
}

func firstWords(all []string) (words []string) {
	for _, s := range all {
		word, _, _ := strings.Cut(s, " ")
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}

// settingWords and stepWords are read out of the source: they are cases there.
func settingWords(t *testing.T) []string {
	t.Helper()
	return sourceWords(t, "scenario.go", `(?m)^\tcase "([a-z-]+)":`)
}

func stepWords(t *testing.T) []string {
	t.Helper()
	return sourceWords(t, "steps.go", `verb == "([a-z-]+)"`)
}

func sourceWords(t *testing.T, file, pattern string) (words []string) {
	t.Helper()
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(source), -1) {
		words = append(words, m[1])
	}
	require.Greater(t, len(words), 5)
	return words
}

func TestTheStatisticsOfTheManualAreThoseOfTheCode(t *testing.T) {
	var told, kept []string
	for _, m := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(section(t, "Statistics"), -1) {
		told = append(told, m[1])
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Stats]()) {
		kept = append(kept, f.Tag.Get("json"))
	}
	slices.Sort(told)
	slices.Sort(kept)
	require.Equal(t, kept, slices.Compact(told))
}
