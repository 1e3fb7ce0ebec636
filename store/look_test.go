package store

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/stretchr/testify/require"
)

func TestALookFindsWhatOpeningWouldAndChangesNothing(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, Look(filepath.Join(dir, "none")))
	require.NoError(t, Look(dir), "nothing is there yet")

	s, err := Open(dir, Options{})
	require.NoError(t, err)
	require.ErrorIs(t, Look(dir), ErrInUse)
	require.NoError(t, s.Close())

	names := func() (all []string) {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range entries {
			if e.Name() == "LOCK" { // which has nothing in it
				continue
			}
			info, err := e.Info()
			require.NoError(t, err)
			all = append(all, e.Name()+info.ModTime().String())
		}
		return all
	}
	before := names()
	require.NoError(t, Look(dir))
	require.Equal(t, before, names())

	s, err = Open(dir, Options{})
	require.NoError(t, err)
	require.NoError(t, s.db.Set([]byte(keyFormat), appendNumber(nil, format+1), pebble.Sync))
	require.NoError(t, s.Close())
	require.ErrorIs(t, Look(dir), ErrNewerFormat)

	require.NoError(t, os.WriteFile(filepath.Join(dir, witnessName), []byte("torn"), 0o600))
	require.ErrorIs(t, Look(dir), ErrDamaged)
}
