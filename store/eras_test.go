package store

import (
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/store/storetest"
)

// logs appends events of an app.
func logs(t *testing.T, s *Store, n int) {
	t.Helper()
	sub := storetest.Subscriber("alice")
	var emit []engine.Notification
	for i := range n {
		emit = append(emit, storetest.Told("app", sub, s.Durable()+uint64(i)+1)) // #nosec G115 -- a count
	}
	storetest.Put(t, s, nil, emit)
}

// copyOf is what a directory in memory is now, for another life of it.
func copyOf(t *testing.T, fs vfs.FS) vfs.FS {
	t.Helper()
	to := vfs.NewMem()
	_, err := vfs.Clone(fs, to, "data", "data")
	require.NoError(t, err)
	return to
}

// A copy of a directory, made by hand while nobody has it open, goes on as
// something else than the directory itself, though both give the same indexes.
func TestACopyGoesOnInAnEraOfItsOwn(t *testing.T) {
	fs := vfs.NewMem()
	s := openIn(t, fs)
	logs(t, s, 3)
	first := s.Era(3)
	require.NotEqual(t, first, s.Era(0))
	require.NoError(t, s.Close())
	kept := copyOf(t, fs)

	s = openIn(t, fs)
	require.Equal(t, first, s.Era(3))
	logs(t, s, 5)
	lost := s.Era(8)
	require.NotEqual(t, first, lost)
	require.NoError(t, s.Close())

	var others []uint64
	for range 2 { // twice in a row, from the same copy
		s = openIn(t, copyOf(t, kept))
		_, known := s.EraEnd(lost)
		require.False(t, known)
		end, known := s.EraEnd(first)
		require.True(t, known)
		require.EqualValues(t, 3, end, "what the copy has is the same")
		logs(t, s, 9)
		require.Equal(t, first, s.Era(3))
		require.NotEqual(t, lost, s.Era(4))
		end, known = s.EraEnd(s.Era(4))
		require.True(t, known)
		require.EqualValues(t, 12, end)
		others = append(others, s.Era(4))
		require.NoError(t, s.Close())
	}
	require.NotEqual(t, others[0], others[1])
}

// A copy of an offhook that runs ends in the middle of an era.
func TestACheckpointEndsAnEra(t *testing.T) {
	fs := vfs.NewMem()
	s := openIn(t, fs)
	logs(t, s, 3)
	require.NoError(t, s.Checkpoint("copy"))
	logs(t, s, 4)
	lost := s.Era(7)
	require.Equal(t, lost, s.Era(3))
	require.NoError(t, s.Close())
	s, err := Open("copy", Options{FS: fs, SweepEvery: -1})
	require.NoError(t, err)
	logs(t, s, 10)
	end, known := s.EraEnd(lost)
	require.True(t, known)
	require.EqualValues(t, 3, end)
	require.NoError(t, s.Close())
}

func TestADirectoryFromBeforeEras(t *testing.T) {
	fs := vfs.NewMem()
	s := openIn(t, fs)
	logs(t, s, 3)
	require.NoError(t, s.db.Delete([]byte(keyEras), pebble.Sync))
	require.NoError(t, s.Close())
	s = openIn(t, fs)
	logs(t, s, 1)
	require.Zero(t, s.Era(3), "what was logged then is the era 0")
	require.NotZero(t, s.Era(4))
	require.NoError(t, s.Close())
}

// Starts in which nothing is logged leave nothing, and the others do not pile
// up for ever.
func TestErasAreBounded(t *testing.T) {
	fs := vfs.NewMem()
	for range 5 {
		s := openIn(t, fs)
		require.Len(t, s.eras, 2)
		require.NoError(t, s.Close())
	}
	s := openIn(t, fs)
	logs(t, s, maxEras+10)
	all := make([]era, 0, maxEras)
	for n := range uint64(maxEras) {
		all = append(all, era{n, n})
	}
	require.NoError(t, s.db.Set([]byte(keyEras), appendEras(nil, all), pebble.Sync))
	require.NoError(t, s.Close())
	s = openIn(t, fs)
	require.Len(t, s.eras, maxEras)
	_, known := s.EraEnd(0)
	require.False(t, known)
	end, known := s.EraEnd(1)
	require.True(t, known)
	require.EqualValues(t, 1, end)
	require.NoError(t, s.Close())
}

func TestErasThatCannotBeReadAreRefused(t *testing.T) {
	fs := vfs.NewMem()
	s := openIn(t, fs)
	require.NoError(t, s.db.Set([]byte(keyEras), []byte{version1, 200}, pebble.Sync))
	require.NoError(t, s.Close())
	_, err := Open("data", Options{FS: fs, SweepEvery: -1})
	require.ErrorContains(t, err, "eras")
}
