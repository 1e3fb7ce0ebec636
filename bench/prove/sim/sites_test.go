package sim

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine/maybe"
)

var aSite = regexp.MustCompile(`maybe\.(?:Now|Delay|Early|Reader)\("([^"]+)"`)

// sites are the names of all maybe sites in the product.
func sites(t *testing.T) (all []string) {
	t.Helper()
	const root = "../../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range aSite.FindAllSubmatch(text, -1) {
			all = append(all, string(m[1]))
		}
		return err
	})
	require.NoError(t, err)
	slices.Sort(all)
	return slices.Compact(all)
}

// reachedSites tells of the sites that a run never came by, and how often the
// others made something happen. A run of a day comes by all of them.
func reachedSites(t *testing.T, ran time.Duration) (note string) {
	t.Helper()
	all := sites(t)
	require.Greater(t, len(all), 10)
	if !maybe.On {
		return ""
	}
	var fired int64
	var never []string
	counts := maybe.Counts()
	for _, site := range all {
		if counts[site].Reached == 0 {
			never = append(never, site)
		}
		fired += counts[site].Fired
		t.Logf("%8d times, %7d fired: %s", counts[site].Reached, counts[site].Fired, site)
	}
	if ran >= 24*time.Hour {
		require.Empty(t, never, "maybe sites that were never reached")
	}
	return fmt.Sprintf(", %d maybe sites fired %d times", len(all)-len(never), fired)
}
