package store

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/store/storetest"
)

func TestADirectoryIsOpenedOnce(t *testing.T) {
	for name, fs := range map[string]vfs.FS{"on disk": vfs.Default, "in memory": vfs.NewMem()} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			s, err := Open(dir, Options{FS: fs, SweepEvery: -1})
			require.NoError(t, err)
			_, err = Open(dir, Options{FS: fs})
			require.ErrorIs(t, err, ErrInUse)
			require.ErrorContains(t, err, dir)
			require.ErrorContains(t, err, "data_dir", "it says what to do")
			require.NoError(t, s.Close())
			require.NoError(t, s.Close(), "closing twice is once")

			again, err := Open(dir, Options{FS: fs, SweepEvery: -1})
			require.NoError(t, err)
			require.NoError(t, again.Close())
		})
	}
}

func TestOnlyTheOwnerMayLookInside(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "data")
	s, err := Open(dir, Options{SweepEvery: -1})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())

	copied := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, s.Checkpoint(copied))
	info, err = os.Stat(copied)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

func TestADirectoryOthersMayReadIsWarnedOf(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // what the test is about
	var log bytes.Buffer
	s, err := Open(dir, Options{SweepEvery: -1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.Contains(t, log.String(), "chmod 700")
}

func TestTheInstallationKeepsItsID(t *testing.T) {
	fs := vfs.NewMem()
	s := openIn(t, fs)
	id := s.Installation()
	require.Len(t, id, 26)
	require.NoError(t, s.Close())
	s = openIn(t, fs)
	require.Equal(t, id, s.Installation())
	require.NoError(t, s.Close())

	other := openIn(t, vfs.NewMem())
	require.NotEqual(t, id, other.Installation())
	require.NoError(t, other.Close())
}

func TestANewerFormatIsRefused(t *testing.T) {
	for name, row := range map[string][]byte{
		"a later number":      appendNumber(nil, format+1),
		"a later kind of row": {version1 + 1, 1, 2, 3},
	} {
		t.Run(name, func(t *testing.T) {
			fs := vfs.NewMem()
			s := openIn(t, fs)
			require.NoError(t, s.db.Set([]byte(keyFormat), row, pebble.Sync))
			require.NoError(t, s.Close())
			_, err := Open("data", Options{FS: fs})
			require.ErrorIs(t, err, ErrNewerFormat)
			require.ErrorContains(t, err, "data")

			// It is left as it was, and nobody holds it.
			db, err := pebble.Open("data", &pebble.Options{FS: fs, Logger: quiet{}})
			require.NoError(t, err)
			value, closer, err := db.Get([]byte(keyFormat))
			require.NoError(t, err)
			require.Equal(t, row, value)
			require.NoError(t, closer.Close())
			require.NoError(t, db.Close())
		})
	}
	t.Run("a later Pebble", func(t *testing.T) {
		fs := vfs.NewMem()
		require.NoError(t, openIn(t, fs).Close())
		names, err := fs.List("data")
		require.NoError(t, err)
		for _, name := range names {
			if found, _ := filepath.Match("marker.format-version.*", name); found {
				// The version is the end of the marker's name.
				require.NoError(t, fs.Rename("data/"+name, "data/marker.format-version.000999.999"))
			}
		}
		_, err = Open("data", Options{FS: fs})
		require.ErrorIs(t, err, ErrNewerFormat)
	})
}

func TestADirectoryOfBeforeIsMadeOurs(t *testing.T) {
	fs := vfs.NewMem()
	s := openIn(t, fs)
	id := s.Installation()
	require.NoError(t, s.db.Set([]byte(keyFormat), appendNumber(nil, 1), pebble.Sync))
	require.NoError(t, s.Close())
	s = openIn(t, fs)
	require.Equal(t, id, s.Installation())
	have, err := s.number(keyFormat)
	require.NoError(t, err)
	require.EqualValues(t, format, have, "an offhook of before refuses it from now on")
	require.NoError(t, s.Close())
}

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(string, ...any) { panic("pebble failed") }

func TestADatabaseOfSomethingElseIsLeftAlone(t *testing.T) {
	fs := vfs.NewMem()
	db, err := pebble.Open("data", &pebble.Options{FS: fs, Logger: quiet{}})
	require.NoError(t, err)
	require.NoError(t, db.Set([]byte("theirs"), []byte("1"), pebble.Sync))
	require.NoError(t, db.Close())
	_, err = Open("data", Options{FS: fs})
	require.ErrorContains(t, err, "something else")
}

func TestACheckpointIsADataDirectory(t *testing.T) {
	fs := vfs.NewMem()
	s := openIn(t, fs)
	sub := storetest.Subscriber("alice")
	storetest.Put(t, s, []engine.Record{storetest.Of(sub)}, []engine.Notification{storetest.Told("app", sub, 1), storetest.Told("app", sub, 2)})
	s.Delivered(storetest.Stream("app", sub), 1)
	require.NoError(t, s.Memory("net").Put("target", []byte("v")))
	require.NoError(t, s.Checkpoint("copy"))
	storetest.Put(t, s, nil, []engine.Notification{storetest.Told("app", sub, 3)})
	require.Error(t, s.Checkpoint("copy"), "nothing is written over")

	c, err := Open("copy", Options{FS: fs, SweepEvery: -1})
	require.NoError(t, err)
	require.Equal(t, s.Installation(), c.Installation())
	require.EqualValues(t, 2, c.Durable())
	got, err := c.Load("alice")
	require.NoError(t, err)
	require.Equal(t, sub, got)
	ev, found, err := c.Next(storetest.Stream("app", sub), 0)
	require.NoError(t, err)
	require.True(t, found)
	require.EqualValues(t, 2, ev.Sequence, "the first was delivered")
	value, err := c.Memory("net").Get("target")
	require.NoError(t, err)
	require.Equal(t, []byte("v"), value)
	require.NoError(t, c.Close())
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Checkpoint("late"), ErrClosed)
}

// Pebble goes on after its logger's Fatalf as if the write had worked, so by
// then nothing may succeed any more.
func TestPebblesEndIsOurs(t *testing.T) {
	var code, told int
	s := openIn(t, vfs.NewMem(), func(o *Options) {
		o.Exit = func(c int) { code = c }
		o.OnFailure = func(error) { told++ }
	})
	pebbleLogger{s}.Fatalf("disk %s", "gone")
	pebbleLogger{s}.Fatalf("disk %s", "gone again")
	require.Equal(t, 1, code)
	require.Equal(t, 1, told, "a failure is told once")
	done := storetest.NewDone()
	s.Submit(0, 0, nil, nil, done)
	require.ErrorContains(t, done.Err(t), "disk gone")
	require.ErrorContains(t, s.PutApp(demoApp("a", 1)), "disk gone")
	require.ErrorContains(t, s.Memory("net").Put("x", nil), "disk gone")
	require.ErrorContains(t, s.DropWaiting("app", engine.StreamCalls, 1), "disk gone")
	require.ErrorContains(t, s.Close(), "disk gone")
}

func TestMetrics(t *testing.T) {
	fs := vfs.NewMem()
	reg := prometheus.NewPedanticRegistry()
	m := NewMetrics(reg)
	s := openIn(t, fs, func(o *Options) { o.Metrics = m })
	sub := storetest.Subscriber("alice")
	for n := range uint64(5) {
		storetest.Put(t, s, nil, []engine.Notification{storetest.Told("app", sub, n+1)})
	}
	require.EqualValues(t, 5, gauge(t, reg, "offhook_store_waiting_events"))
	sum := int64(0)
	names, err := fs.List(s.dir)
	require.NoError(t, err)
	for _, name := range names {
		info, err := fs.Stat(fs.PathJoin(s.dir, name))
		require.NoError(t, err)
		sum += info.Size()
	}
	require.EqualValues(t, sum, gauge(t, reg, "offhook_store_disk_bytes"))
	require.Greater(t, sum, int64(s.db.Metrics().DiskSpaceUsage()), "and the log that is written to") // #nosec G115
	s.Delivered(storetest.Stream("app", sub), 1)
	s.Delivered(storetest.Stream("app", sub), 1)
	require.EqualValues(t, 3, gauge(t, reg, "offhook_store_waiting_events"), "told twice, counted twice")
	require.NoError(t, s.Sweep())
	require.EqualValues(t, 4, gauge(t, reg, "offhook_store_waiting_events"), "until it is counted anew")

	s.lazy.writing.Lock() // the disk stands still
	for range maxAttempts + 10 {
		s.Attempt(engine.Attempt{Stream: storetest.Stream("app", sub), Sequence: 2, Index: 2})
	}
	require.EqualValues(t, 10, gauge(t, reg, "offhook_store_attempts_dropped_total"))
	s.lazy.writing.Unlock()
	require.NoError(t, s.Close())
	require.Zero(t, gauge(t, reg, "offhook_store_waiting_events"), "closed")

	// The next one in the same process counts what the last one left.
	s = openIn(t, fs, func(o *Options) { o.Metrics = m })
	require.NoError(t, s.count())
	require.EqualValues(t, 4, gauge(t, reg, "offhook_store_waiting_events"))
	require.NoError(t, s.Close())
}

func gauge(t *testing.T, reg prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	require.Fail(t, "no metric "+name)
	return 0
}
