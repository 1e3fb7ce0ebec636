package store

import (
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

func TestTheCursorKeyIsMadeOnce(t *testing.T) {
	fs := vfs.NewMem()
	s := openIn(t, fs)
	key := s.CursorKey()
	require.NotZero(t, key)
	require.NoError(t, s.Close())
	s = openIn(t, fs)
	require.Equal(t, key, s.CursorKey())
	require.NoError(t, s.Close())

	other := openIn(t, vfs.NewMem())
	require.NotEqual(t, key, other.CursorKey())
	require.NoError(t, other.Close())
}

func TestADirectoryFromBeforeCursorsGetsAKeyForGood(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := openIn(t, fs)
	first := s.CursorKey()
	require.NoError(t, s.db.Delete([]byte(keyCursor), pebble.Sync))
	require.NoError(t, s.Close())

	s = openIn(t, fs)
	key := s.CursorKey()
	require.NotEqual(t, first, key)
	cut := fs.CrashClone(vfs.CrashCloneCfg{})
	require.NoError(t, s.Close())
	s = openIn(t, cut)
	require.Equal(t, key, s.CursorKey(), "a power cut does not take it back")
	require.NoError(t, s.Close())
}

func TestACursorKeyThatIsNoneIsRefused(t *testing.T) {
	fs := vfs.NewMem()
	s := openIn(t, fs)
	require.NoError(t, s.db.Set([]byte(keyCursor), appendBlob(nil, []byte("short")), pebble.Sync))
	require.NoError(t, s.Close())
	_, err := Open("data", Options{FS: fs, SweepEvery: -1})
	require.ErrorContains(t, err, "cursor key")
}
