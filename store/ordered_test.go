package store

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
)

// A directory can be opened whatever part of the names in it was not durable
// when the power went, from its first moment on.
func TestADirectoryWhoseNewNamesAreHalfLostOpens(t *testing.T) {
	mem := vfs.NewCrashableMem()
	random := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	var left []*vfs.MemFS
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			mu.Lock()
			defer mu.Unlock()
			for range 8 {
				left = append(left, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: random}))
			}
		}
		return nil
	}))
	opts := Options{FS: fs, SweepEvery: -1, CacheBytes: 1 << 18, MemTable: 1 << 16, Exit: func(int) {}}
	for range 2 { // the second time there is a manifest to replace
		s, err := Open("data", opts)
		require.NoError(t, err)
		require.NoError(t, s.Close())
	}
	mu.Lock()
	defer mu.Unlock()
	require.Greater(t, len(left), 100)
	for _, disk := range left {
		opts.FS = disk
		s, err := Open("data", opts)
		require.NoError(t, err)
		require.NoError(t, s.Close())
	}
}
