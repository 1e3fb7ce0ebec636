package store

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func none(string) bool { return false }

func TestABackupIsWholeOrNotThere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s, err := Open(dir, Options{})
	require.NoError(t, err)
	is := s.Installation()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "token"), []byte("t"), 0o600))
	to := filepath.Join(t.TempDir(), "monday")
	require.NoError(t, s.Backup(to, "token", "missing"))
	require.ErrorIs(t, s.Backup(to), ErrExists)
	require.ErrorIs(t, Copy(t.Context(), dir, to+"2", none), ErrInUse)
	require.NoDirExists(t, to+aside)
	info, err := os.Stat(to)
	require.NoError(t, err)
	require.EqualValues(t, 0o700, info.Mode().Perm())
	require.FileExists(t, filepath.Join(to, "token"))
	require.Error(t, s.Backup("/proc/offhook"))
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Backup(to+"3"), ErrClosed)
	require.NoDirExists(t, to+"3"+aside)

	require.NoError(t, Copy(t.Context(), dir, to+"2", func(name string) bool { return name == "token" }))
	require.NoFileExists(t, filepath.Join(to+"2", "token"))
	require.NoError(t, os.Mkdir(to+"4"+aside, 0o700))
	require.ErrorContains(t, Copy(t.Context(), dir, to+"4", none), "of a copy that was not finished")
	require.ErrorIs(t, Copy(t.Context(), t.TempDir(), to+"5", none), fs.ErrNotExist)
	for _, copied := range []string{to, to + "2"} {
		s, err := Open(copied, Options{})
		require.NoError(t, err)
		require.Equal(t, is, s.Installation())
		require.NoError(t, s.Close())
	}
}
