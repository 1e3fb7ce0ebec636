package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// What ended a run is known in the next one, since nobody could ask the first.
func TestARunKnowsHowTheOneBeforeEnded(t *testing.T) {
	dir := t.TempDir()
	run := func(dir string) *node {
		reg := prometheus.NewRegistry()
		return &node{dataDir: dir, failed: make(chan error, 1), registry: reg, lastRun: newLastRun(reg), log: slog.New(slog.DiscardHandler)}
	}
	begins := func(want string) *node {
		t.Helper()
		n := run(dir)
		n.beginRun()
		families, err := n.registry.Gather()
		require.NoError(t, err)
		for _, m := range families[0].GetMetric() {
			how := m.GetLabel()[0].GetValue()
			require.Equal(t, how == want, m.GetGauge().GetValue() == 1, how)
		}
		return n
	}
	begins(ranNeverFirst)
	begins(ranKilled).endRun(nil) // nobody said how the first one ended
	begins(ranDrained).endRun(errors.New("a listener"))
	n := begins(ranFailed)
	n.loseStore(errors.New("no space"))
	require.ErrorContains(t, <-n.failed, "no space")
	n.endRun(errors.New("no space"))
	begins(ranStoreLost)
	require.NoError(t, os.WriteFile(filepath.Join(dir, lastRunFile), []byte("rubbish"), 0o600))
	begins(ranKilled)
	dir = filepath.Join(dir, "none") // nothing can be kept there, and it goes on
	begins(ranNeverFirst)
}
