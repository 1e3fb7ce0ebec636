package doors

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// docs/security.md names tests: each of them is there, and each of this package
// is named.
func TestTheDocumentNamesTestsThatAre(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	text, err := os.ReadFile(filepath.Join(root, "docs", "security.md"))
	require.NoError(t, err)
	there, ours := map[string]bool{}, map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range declared.FindAllStringSubmatch(string(source), -1) {
			there[m[1]] = true
			if filepath.Base(filepath.Dir(path)) == "doors" {
				ours[m[1]] = true
			}
		}
		return err
	}))
	named := map[string]bool{}
	for _, name := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(string(text), -1) {
		require.True(t, there[name[1]], "docs/security.md names %s, and there is no such test", name[1])
		named[name[1]] = true
	}
	delete(ours, "TestMain")
	delete(ours, t.Name())
	for name := range ours {
		require.True(t, named[name], "docs/security.md does not name %s", name)
	}
	require.Greater(t, len(named), 40)
}
