package report

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Attacker is a test that writes rows.
type Attacker struct {
	Package string // its folder, from the root
	Test    string
}

var begins = regexp.MustCompile(`^func (Test\w+)\(`)

// Attackers finds all of them in the source below root, so that none is left
// out where attacks are listed.
func Attackers(root string) (all []Attacker, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path) // #nosec G304 -- our own source
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil || folder == filepath.Join("bench", "prove") { // the table's own tests
			return err
		}
		test := ""
		for line := range strings.Lines(string(source)) {
			if m := begins.FindStringSubmatch(line); m != nil {
				test = m[1]
			}
			if strings.Contains(line, "report.Attack(") && test != "" {
				all, test = append(all, Attacker{filepath.ToSlash(folder), test}), ""
			}
		}
		return nil
	})
	return all, err
}
