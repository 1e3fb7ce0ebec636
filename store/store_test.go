package store

import (
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"offhook/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inMemory opens each test's storage in a file system of its own.
func inMemory(change ...func(*Options)) storetest.Open {
	var mu sync.Mutex
	systems := map[*testing.T]vfs.FS{}
	return func(t *testing.T) storetest.Impl {
		mu.Lock()
		defer mu.Unlock()
		if systems[t] == nil {
			systems[t] = vfs.NewMem()
		}
		return openIn(t, systems[t], change...)
	}
}

func openIn(t testing.TB, fs vfs.FS, change ...func(*Options)) *Store {
	t.Helper()
	opts := Options{FS: fs, SweepEvery: -1, CacheBytes: 1 << 20, MemTable: 4 << 20}
	for _, c := range change {
		c(&opts)
	}
	s, err := Open("data", opts)
	require.NoError(t, err)
	return s
}

// ahead has the next group written while one is synced, however little waits.
func ahead(o *Options) { o.Ahead = 1 }

func TestContract(t *testing.T) {
	storetest.Run(t, inMemory())
	t.Run("ahead", func(t *testing.T) { storetest.Run(t, inMemory(ahead)) })
	t.Run("no fresh events", func(t *testing.T) { storetest.Run(t, inMemory(func(o *Options) { o.FreshBytes = -1 })) })
	t.Run("few fresh events", func(t *testing.T) { storetest.Run(t, inMemory(func(o *Options) { o.FreshBytes = 2 * freshCost })) })
}

func TestFaults(t *testing.T) {
	opened := 0
	storetest.RunFaults(t, func(t *testing.T, fs vfs.FS, failed func(error)) storetest.Impl {
		opened++
		return openIn(t, fs, func(o *Options) {
			o.OnFailure = failed
			o.Exit = func(int) {}
			o.MemTable = 256 << 10
			o.Ahead = []int{1 << 10, 1}[opened%2] // now and then, and always
		})
	})
}
