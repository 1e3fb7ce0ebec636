package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// What ended a run is known in the next one, since nobody could ask the first.
func TestARunKnowsHowTheOneBeforeEnded(t *testing.T) {
	dir := t.TempDir()
	begins := func(want string) {
		t.Helper()
		before, err := beginRun(dir)
		require.NoError(t, err)
		require.Equal(t, want, before)
	}
	begins(ranNeverFirst)
	begins(ranKilled) // nobody said how it ended
	n := &node{dataDir: dir, failed: make(chan error, 1)}
	require.NoError(t, n.endRun(nil))
	begins(ranDrained)
	require.NoError(t, n.endRun(errors.New("a listener")))
	begins(ranFailed)
	n.loseStore(errors.New("no space"))
	require.ErrorContains(t, <-n.failed, "no space")
	require.NoError(t, n.endRun(errors.New("no space")))
	begins(ranStoreLost)
	require.NoError(t, os.WriteFile(filepath.Join(dir, lastRunFile), []byte("rubbish"), 0o600))
	begins(ranKilled)
	_, err := beginRun(filepath.Join(dir, "none"))
	require.Error(t, err)
}
