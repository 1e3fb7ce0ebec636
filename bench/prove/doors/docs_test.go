package doors

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
)

const root = "../../.."

// tests are the names of all tests and fuzz targets, with the folders they are in.
func tests(t *testing.T) map[string][]string {
	t.Helper()
	there := map[string][]string{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range declared.FindAllStringSubmatch(string(source), -1) {
			there[m[1]] = append(there[m[1]], filepath.Base(filepath.Dir(path)))
		}
		return err
	}))
	return there
}

// The documents name tests and make targets: each of them is there. Each test
// of this package is named in one, and each that attacks in the other.
func TestTheDocumentsNameWhatIs(t *testing.T) {
	there := tests(t)
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	require.NoError(t, err)
	targets := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z0-9-]+):`).FindAllStringSubmatch(string(makefile), -1) {
		targets[m[1]] = true
	}
	named := map[string]map[string]bool{}
	for _, doc := range []string{"security.md", "reliability.md"} {
		text, err := os.ReadFile(filepath.Join(root, "docs", doc))
		require.NoError(t, err)
		named[doc] = map[string]bool{}
		for _, name := range regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(string(text), -1) {
			require.NotEmpty(t, there[name[1]], "docs/%s names %s, and there is no such test", doc, name[1])
			named[doc][name[1]] = true
		}
		for _, m := range regexp.MustCompile("(?:`|(?m:^ {4}))make ([a-z0-9-]+)").FindAllStringSubmatch(string(text), -1) {
			require.True(t, targets[m[1]], "docs/%s names make %s, and there is no such target", doc, m[1])
		}
	}
	require.Greater(t, len(named["security.md"]), 40)
	require.Greater(t, len(named["reliability.md"]), 40)

	for name, folders := range there {
		if len(folders) == 1 && folders[0] == "doors" && name != t.Name() {
			require.True(t, named["security.md"][name], "docs/security.md does not name %s", name)
		}
	}
	attackers, err := report.Attackers(root)
	require.NoError(t, err)
	for _, a := range attackers {
		require.True(t, named["reliability.md"][a.Test] || named["security.md"][a.Test], "%s attacks a promise, and no document names it", a.Test)
	}
}
