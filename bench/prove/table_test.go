package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
)

func TestRowsBecomeATableAndViolationsAreCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows")
	t.Setenv("OFFHOOK_PROVE_REPORT", path)
	t.Run("attacks", func(t *testing.T) {
		row := report.Attack(t, report.Durable, "pulling the plug", "plugs")
		row.Add(3)
		row.Note("seed 7")
		broken := report.Attack(t, report.Ordered, "shuffling", "events")
		broken.Add(10)
		broken.Violated(2)
	})
	lines, err := read(path)
	require.NoError(t, err)
	require.Len(t, lines, 2)
	var out strings.Builder
	require.EqualValues(t, 2, table(&out, lines))
	require.Regexp(t, `durable before visible +pulling the plug +3 plugs +0\n`, out.String())
	require.Regexp(t, `ordered, gap-free, at least once +shuffling +10 events +2\n`, out.String())
	require.Regexp(t, `isolation +not attacked`, out.String())
	require.Contains(t, out.String(), "pulling the plug: seed 7")
}

func TestNoRowsOrDamagedOnesAreAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows")
	_, err := read(path)
	require.ErrorContains(t, err, "no attack said what it did")
	require.NoError(t, os.WriteFile(path, []byte("{\n"), 0o600))
	_, err = read(path)
	require.ErrorContains(t, err, "damaged")
}
