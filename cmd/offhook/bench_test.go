package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/figures"
	"offhook/bench/suite"
)

func TestBenchListsItsSuites(t *testing.T) {
	r := run(t, nil, "bench", "--list")
	require.Zero(t, r.code)
	for _, s := range suite.All() {
		require.Contains(t, r.stdout, s.Name)
	}
}

func TestBenchHelpsWithANearMiss(t *testing.T) {
	r := run(t, nil, "bench", "--suite", "step,jornal")
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.stderr, "did you mean journal?")
}

// quick measures next to nothing: what it finds means nothing either.
func quick(t *testing.T, more ...string) (dir string, r ran) {
	t.Helper()
	dir = t.TempDir()
	args := []string{"bench", "--suite", "body", "--runs", "2", "--round", "2ms", "--dir", dir}
	return dir, run(t, nil, append(args, more...)...)
}

func TestBenchPrintsATableAndWritesWhatIsAskedFor(t *testing.T) {
	out := t.TempDir()
	file := func(name string) string { return filepath.Join(out, name) }
	dir, r := quick(t, "--json", file("all.json"), "--text", file("all.txt"), "--svg", file("plots"), "--cpu-profile", file("cpu"))
	require.Zero(t, r.code, r.stderr)
	require.Contains(t, r.stdout, "webhook body and signature")
	require.Contains(t, r.stdout, "budgets met")
	require.Contains(t, r.stderr, "run 2 of 2", "progress")

	text, err := os.ReadFile(file("all.json"))
	require.NoError(t, err)
	var report figures.Report
	require.NoError(t, json.Unmarshal(text, &report))
	require.Len(t, report.Rows[0].Ours, 2)
	text, err = os.ReadFile(file("all.txt"))
	require.NoError(t, err)
	require.Contains(t, string(text), "BenchmarkBody/Webhook_body_and_signature/Offhook-")
	info, err := os.Stat(file("cpu"))
	require.NoError(t, err)
	require.Positive(t, info.Size())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "nothing is left behind")
}

func TestBenchAgainstWhatWasKept(t *testing.T) {
	kept := filepath.Join(t.TempDir(), "kept.json")
	_, r := quick(t, "--keep", kept)
	require.Zero(t, r.code, r.stderr)
	text, err := os.ReadFile(kept)
	require.NoError(t, err)
	b, err := figures.ReadBaseline(strings.NewReader(string(text)))
	require.NoError(t, err)

	// As if it had been ten times as fast.
	for key, v := range b.Values {
		if !v.Exact {
			v.Median, v.Spread, v.Runs = v.Median*10, 0.001, 15
			b.Values[key] = v
		}
	}
	f, err := os.Create(kept)
	require.NoError(t, err)
	require.NoError(t, b.Write(f))
	require.NoError(t, f.Close())
	_, r = quick(t, "--against", kept)
	require.Equal(t, exitFailure, r.code)
	require.Regexp(t, `body: webhook body and signature, bodies/s .*(WORSE|UNSURE)`, r.stdout)
	require.Regexp(t, `webhook body and signature, allocs .*same`, r.stdout)
	require.Contains(t, r.stderr, "worse than it was")

	_, r = quick(t, "--against", kept+".none")
	require.Equal(t, exitFailure, r.code)
}
