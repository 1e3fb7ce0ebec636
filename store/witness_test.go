package store

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"offhook/engine"
	"offhook/store/storetest"
)

// told is how many events leftBehind has acknowledged.
const told = 40

// leftBehind is the disk of a process that was killed: everything it wrote is
// there, and told events were acknowledged.
func leftBehind(t *testing.T) *vfs.MemFS {
	t.Helper()
	mem := vfs.NewCrashableMem()
	s := openIn(t, mem, func(o *Options) { o.MemTable = 32 << 10 })
	sub := storetest.Subscriber("alice")
	for n := range uint64(told) {
		ev := storetest.Told("app", sub, n+1)
		ev.Body = []byte(strings.Repeat("x", 2000))
		storetest.Put(t, s, []engine.Record{storetest.Of(sub)}, []engine.Notification{ev})
	}
	left := killed(mem)
	require.NoError(t, s.Close())
	return left
}

func killed(mem *vfs.MemFS) *vfs.MemFS {
	return mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
}

// rewrite lets fn change the content of a file.
func rewrite(t *testing.T, fs vfs.FS, path string, fn func([]byte) []byte) {
	t.Helper()
	info, err := fs.Stat(path)
	require.NoError(t, err)
	content := make([]byte, info.Size())
	file, err := fs.Open(path)
	require.NoError(t, err)
	_, err = file.ReadAt(content, 0)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	file, err = fs.Create(path, "test")
	require.NoError(t, err)
	_, err = file.Write(fn(content))
	require.NoError(t, err)
	require.NoError(t, file.Close())
}

func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte { b[at] ^= 4; return b }
}

// known are the paths that the witness of a directory knows, with how much was
// synced of each, and which of them is the manifest that counts.
func known(t *testing.T, disk vfs.FS) (logs map[string]int, manifest string, size int) {
	t.Helper()
	w := &witness{}
	require.NoError(t, w.load(disk, disk.PathJoin("data", witnessName)))
	is, err := pebble.Peek("data", disk)
	require.NoError(t, err)
	logs = map[string]int{}
	for name, p := range w.knows {
		if !isManifest(name) {
			logs[disk.PathJoin("data", name)] = int(p.length) // #nosec G115 -- a test
		}
	}
	return logs, is.ManifestFilename, int(w.knows[disk.PathBase(is.ManifestFilename)].length) // #nosec G115 -- a test
}

// What Pebble takes for the end of a log, or of a manifest, is held against what
// was synced.
func TestALogThatIsNotWhatWasSyncedIsRefused(t *testing.T) {
	left := leftBehind(t)
	logs, manifest, size := known(t, left)
	require.Positive(t, size)
	log := slices.Max(slices.Collect(maps.Keys(logs)))
	require.Positive(t, logs[log])
	for what, harm := range map[string]func(t *testing.T, fs vfs.FS){
		"a bit of the last record":  func(t *testing.T, fs vfs.FS) { rewrite(t, fs, log, flip(logs[log]-20)) },
		"a bit of the first record": func(t *testing.T, fs vfs.FS) { rewrite(t, fs, log, flip(0)) },
		"a log's end":               func(t *testing.T, fs vfs.FS) { rewrite(t, fs, log, func(b []byte) []byte { return b[:logs[log]-1] }) },
		"a log":                     func(t *testing.T, fs vfs.FS) { require.NoError(t, fs.Remove(log)) },
		"a bit of the manifest":     func(t *testing.T, fs vfs.FS) { rewrite(t, fs, manifest, flip(size-3)) },
		"the end of the manifest":   func(t *testing.T, fs vfs.FS) { rewrite(t, fs, manifest, func(b []byte) []byte { return b[:size-1] }) },
		"the witness, in two places": func(t *testing.T, fs vfs.FS) {
			rewrite(t, fs, "data/"+witnessName, func(b []byte) []byte { clear(b); return b })
		},
	} {
		t.Run(what, func(t *testing.T) {
			fs := killed(left)
			harm(t, fs)
			_, err := Open("data", Options{FS: fs, SweepEvery: -1})
			require.ErrorIs(t, err, ErrDamaged)

			require.NoError(t, fs.Remove("data/"+witnessName)) // whoever wants what is left
			s, err := Open("data", Options{FS: fs, SweepEvery: -1})
			if err == nil {
				err = s.Close()
			}
			require.NotErrorIs(t, err, ErrDamaged)
		})
	}
}

// One bit of the witness does no harm: the other place is one sync older.
func TestADamagedWitnessHasAnother(t *testing.T) {
	left := leftBehind(t)
	const path = "data/" + witnessName
	info, err := left.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 2*witnessPlace, info.Size())
	for at := 0; at < 2*witnessPlace; at += 37 {
		if at == 37*12 {
			at = witnessPlace
		}
		if at > witnessPlace+37*12 {
			break
		}
		fs := killed(left)
		rewrite(t, fs, path, flip(at))
		s := openIn(t, fs)
		require.EqualValues(t, told, s.Durable())
		require.NoError(t, s.Close())
	}
}

// A directory of before has no witness, and gets one.
func TestADirectoryWithoutAWitnessGetsOne(t *testing.T) {
	fs := leftBehind(t)
	const path = "data/" + witnessName
	require.NoError(t, fs.Remove(path))
	s := openIn(t, fs)
	require.EqualValues(t, told, s.Durable())
	require.NoError(t, s.Close())
	logs, _, _ := known(t, fs)
	require.NotEmpty(t, logs)
	require.NoError(t, openIn(t, fs).Close())
}

// A file is forgotten before it is gone or used again, and in both places: the
// power may go at once, and tear what is written next.
func TestTheWitnessForgetsForGood(t *testing.T) {
	mem := vfs.NewCrashableMem()
	require.NoError(t, mem.MkdirAll("data", 0o700))
	root, err := mem.OpenDir("")
	require.NoError(t, err)
	require.NoError(t, root.Sync())
	require.NoError(t, root.Close())
	w, err := openWitness("data", mem)
	require.NoError(t, err)
	fs := witnessed{mem, w, "data"}
	log, err := fs.Create("data/000001.log", "test")
	require.NoError(t, err)
	_, err = log.Write([]byte("first"))
	require.NoError(t, err)
	require.Empty(t, w.knows, "it was not synced")
	require.NoError(t, log.SyncData())
	require.EqualValues(t, 5, w.knows["000001.log"].length)
	require.NoError(t, log.Close())
	other, err := fs.Create("elsewhere-000001.log", "test")
	require.NoError(t, err)
	require.NoError(t, other.Sync())
	require.NoError(t, other.Close())
	require.Len(t, w.knows, 1, "what is not in the directory is none of its business")

	again, err := fs.ReuseForWrite("data/000001.log", "data/000002.log", "test")
	require.NoError(t, err)
	for turn := range 2 { // the next write may be torn, whichever place it takes
		cut := mem.CrashClone(vfs.CrashCloneCfg{})
		rewrite(t, cut, "data/"+witnessName, flip(turn*witnessPlace+1))
		have := &witness{}
		require.NoError(t, have.load(cut, "data/"+witnessName))
		require.Empty(t, have.knows)
	}
	_, err = again.Write([]byte("once more"))
	require.NoError(t, err)
	require.NoError(t, again.Sync())
	require.NoError(t, again.Close())
	require.EqualValues(t, 9, w.knows["000002.log"].length)
	require.NoError(t, fs.Remove("data/000002.log"))
	require.NoError(t, w.close())
	w, err = openWitness("data", mem)
	require.NoError(t, err)
	require.NoError(t, w.close())
}

// What is read is what was written.
func TestAWitnessIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &witness{turn: rapid.Uint64().Draw(t, "turn"), knows: rapid.MapOfN(
			rapid.StringMatching(`(MANIFEST-)?[0-9]{6,9}(\.log)?`),
			rapid.Custom(func(t *rapid.T) prefix {
				return prefix{rapid.Uint64().Draw(t, "length"), rapid.Uint32().Draw(t, "sum")}
			}), 0, witnessMost,
		).Draw(t, "knows")}
		b := w.encode()
		require.LessOrEqual(t, len(b), witnessPlace)
		turn, knows, ok := decodeWitness(append(b, 0, 0, 0))
		require.True(t, ok)
		require.Equal(t, w.turn, turn)
		require.Equal(t, w.knows, knows)
	})
}

func FuzzWitness(f *testing.F) {
	w := &witness{turn: 7, knows: map[string]prefix{"000012.log": {4711, 99}}}
	f.Add(w.encode())
	f.Add([]byte(witnessMagic))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if turn, knows, ok := decodeWitness(b); ok {
			again := &witness{turn: turn, knows: knows}
			turn, have, ok := decodeWitness(again.encode())
			require.True(t, ok)
			require.Equal(t, again.turn, turn)
			require.Equal(t, knows, have)
		}
	})
}
