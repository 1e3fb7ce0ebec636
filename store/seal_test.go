package store

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"offhook/engine/tenant"
)

// sealingKey is a key of one byte, often.
func sealingKey(b byte) []byte { return bytes.Repeat([]byte{b}, SealKeyLen) }

// given gives keys, and remembers whether they were said to be needed.
func given(needed *bool, keys ...[]byte) func(bool) ([][]byte, error) {
	return func(sealed bool) ([][]byte, error) {
		if needed != nil {
			*needed = sealed
		}
		return keys, nil
	}
}

var secretsOfAll = []string{
	"whsec_ofthecallswebhook", "whsec_retired", "whsk_thesigningkey", "Bearer ofthegateway", "whsec_ofoperations", "passwordoftheplatform",
	"passwordofoci", "thesecretpathofacontact",
}

func putSecrets(t *testing.T, s *Store) {
	t.Helper()
	require.NoError(t, s.PutApp(&tenant.App{
		ID: "app", Name: "a CRM",
		Calls: tenant.Receiver{
			URL: "https://example.com", Secrets: secretsOfAll[:1], Retired: []tenant.Retired{{Secret: secretsOfAll[1], Until: 9}},
			SigningKey: secretsOfAll[2], Headers: []tenant.Header{{Name: "authorization", Value: secretsOfAll[3]}},
		},
		Operations: tenant.Receiver{URL: "https://example.com", Secrets: secretsOfAll[4:5]},
	}))
	require.NoError(t, s.PutNetwork(&tenant.Network{
		ID: "net", BroadWorks: tenant.BroadWorks{Username: "admin", Password: secretsOfAll[5]},
		Provision: tenant.Provisioning{Source: tenant.SourceOCI, OCI: tenant.OCI{Password: secretsOfAll[6]}},
	}))
	require.NoError(t, s.Memory("net").Put("contact", []byte(secretsOfAll[7])))
}

func requireSecrets(t *testing.T, s *Store) {
	t.Helper()
	a, ok := s.App("app")
	require.True(t, ok)
	require.Equal(t, secretsOfAll[:1], a.Calls.Secrets)
	require.Equal(t, secretsOfAll[3], a.Calls.Headers[0].Value)
	n, ok := s.Network("net")
	require.True(t, ok)
	require.Equal(t, secretsOfAll[5], n.BroadWorks.Password)
	v, err := s.Memory("net").Get("contact")
	require.NoError(t, err)
	require.Equal(t, secretsOfAll[7], string(v))
	require.NoError(t, s.Memory("net").Each(func(target string, value []byte) error {
		require.Equal(t, "contact", target)
		require.Equal(t, secretsOfAll[7], string(value))
		return nil
	}))
}

// inFiles are the texts that can be found anywhere in a directory's files.
func inFiles(t *testing.T, dir string, texts ...string) (found []string) {
	t.Helper()
	files := 0
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // Pebble removes what it needs no more while we look
			return nil
		}
		for _, text := range texts {
			if bytes.Contains(content, []byte(text)) {
				found = append(found, text)
			}
		}
		return err
	}))
	require.Positive(t, files)
	return found
}

func TestACopyOfTheDirectoryTellsNoSecret(t *testing.T) {
	dir := t.TempDir()
	var needed bool
	s, err := Open(dir, Options{SweepEvery: -1, Keys: given(&needed, sealingKey(1))})
	require.NoError(t, err)
	require.False(t, needed)
	cursor := s.CursorKey()
	putSecrets(t, s)
	requireSecrets(t, s)
	require.Empty(t, inFiles(t, dir, secretsOfAll...), "while it runs")
	require.NoError(t, s.db.Flush())
	require.Empty(t, inFiles(t, dir, append(secretsOfAll, string(cursor[:]))...), "flushed")
	require.NotEmpty(t, inFiles(t, dir, "app/"), "other rows are as they were")
	require.NoError(t, s.Close())

	for _, keys := range [][][]byte{nil, {sealingKey(2)}} {
		_, err = Open(dir, Options{SweepEvery: -1, Keys: given(&needed, keys...)})
		require.ErrorIs(t, err, ErrNoSealKey)
		require.True(t, needed)
	}
	_, err = Open(dir, Options{SweepEvery: -1})
	require.ErrorIs(t, err, ErrNoSealKey)
	_, err = Open(dir, Options{SweepEvery: -1, Keys: given(nil, []byte("short"))})
	require.ErrorContains(t, err, "32 bytes")
	require.NotContains(t, err.Error(), "short")

	s, err = Open(dir, Options{SweepEvery: -1, Keys: given(nil, sealingKey(1))})
	require.NoError(t, err)
	require.Equal(t, cursor, s.CursorKey())
	requireSecrets(t, s)
	require.NoError(t, s.Close())
}

func TestADirectoryInTheClearIsSealedAtTheNextStart(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{SweepEvery: -1})
	require.NoError(t, err)
	putSecrets(t, s)
	require.NoError(t, s.db.Flush())
	require.Subset(t, inFiles(t, dir, secretsOfAll...), secretsOfAll, "they can be found like this")
	require.NoError(t, s.Close())

	s, err = Open(dir, Options{SweepEvery: -1, Keys: given(nil, sealingKey(1))})
	require.NoError(t, err)
	requireSecrets(t, s)
	require.NoError(t, s.Close())
	s, err = Open(dir, Options{SweepEvery: -1, Keys: given(nil, sealingKey(1))})
	require.NoError(t, err)
	require.Empty(t, inFiles(t, dir, secretsOfAll...))
	require.NoError(t, s.Close())
}

func TestAKeyIsReplaced(t *testing.T) {
	disk := vfs.NewMem()
	open := func(keys ...[]byte) *Store {
		s, err := Open("data", Options{FS: disk, SweepEvery: -1, Keys: given(nil, keys...)})
		require.NoError(t, err)
		return s
	}
	s := open(sealingKey(1))
	putSecrets(t, s)
	memory := s.Memory("net")
	for i := range 2*resealed + 1 { // more than one batch
		require.NoError(t, memory.Put(string(rune('d'+i)), []byte("x")))
	}
	require.NoError(t, memory.Delete("d"))
	require.NoError(t, s.Close())
	s = open(sealingKey(2), sealingKey(1))
	n := 0
	require.NoError(t, s.Memory("net").Each(func(string, []byte) error { n++; return nil }))
	require.Equal(t, 2*resealed+1, n)
	for _, target := range []string{"e", "f"} {
		v, err := s.Memory("net").Get(target)
		require.NoError(t, err)
		require.Equal(t, "x", string(v))
	}
	require.NoError(t, s.Close())
	s = open(sealingKey(2)) // the old one may be thrown away after one start
	a, ok := s.App("app")
	require.True(t, ok)
	require.Equal(t, secretsOfAll[:1], a.Calls.Secrets)
	require.NoError(t, s.Close())
	_, err := Open("data", Options{FS: disk, SweepEvery: -1, Keys: given(nil, sealingKey(1))})
	require.ErrorIs(t, err, ErrNoSealKey)
}

// The power fails at each write of a start that seals anew: the next goes on.
func TestSealingAnewSurvivesAPowerCut(t *testing.T) {
	disk := vfs.NewCrashableMem()
	s, err := Open("data", Options{FS: disk, SweepEvery: -1, Keys: given(nil, sealingKey(1))})
	require.NoError(t, err)
	putSecrets(t, s)
	require.NoError(t, s.Memory("net").s.db.Flush())
	require.NoError(t, s.Close())

	for cut := range 3 {
		left := disk.CrashClone(vfs.CrashCloneCfg{})
		s, err := Open("data", Options{FS: left, SweepEvery: -1, Keys: given(nil, sealingKey(1))})
		require.NoError(t, err)
		s.sealer, err = newSealer([][]byte{sealingKey(2), sealingKey(1)})
		require.NoError(t, err)
		for _, prefix := range sealedRows[:cut+1] { // as far as it came
			_, err := s.reseal([]byte(prefix))
			require.NoError(t, err)
		}
		left = left.CrashClone(vfs.CrashCloneCfg{})
		require.NoError(t, s.Close())

		s, err = Open("data", Options{FS: left, SweepEvery: -1, Keys: given(nil, sealingKey(2), sealingKey(1))})
		require.NoError(t, err)
		requireSecrets(t, s)
		require.NoError(t, s.Close())
		s, err = Open("data", Options{FS: left, SweepEvery: -1, Keys: given(nil, sealingKey(2))})
		require.NoError(t, err)
		requireSecrets(t, s)
		require.NoError(t, s.Close())
	}
}

func TestASealedRowStandsWhereItWasPut(t *testing.T) {
	disk := vfs.NewMem()
	opts := Options{FS: disk, SweepEvery: -1, Keys: given(nil, sealingKey(1))}
	s, err := Open("data", opts)
	require.NoError(t, err)
	putSecrets(t, s)
	require.NoError(t, s.PutApp(&tenant.App{ID: "other"}))
	var stolen []byte
	_, err = s.get(plainKey(nil, prefixApp, "app"), func(v []byte) error { stolen = bytes.Clone(v); return nil })
	require.NoError(t, err)
	require.NoError(t, s.db.Set(plainKey(nil, prefixApp, "other"), stolen, pebble.Sync))
	require.NoError(t, s.Close())
	_, err = Open("data", opts)
	require.ErrorContains(t, err, "another's place")
}

func TestSealing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := newSealer([][]byte{sealingKey(1)})
		require.NoError(t, err)
		row, record := rapid.SliceOf(rapid.Byte()).Draw(t, "row"), append([]byte{version1}, rapid.SliceOf(rapid.Byte()).Draw(t, "record")...)
		stored := s.seal(row, record)
		require.NotEqual(t, stored, s.seal(row, record), "never twice the same")
		got, err := s.open(row, stored)
		require.NoError(t, err)
		require.Equal(t, record, got)
		at := rapid.IntRange(0, len(stored)-1).Draw(t, "at")
		stored[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		if got, err = s.open(row, stored); at > 0 {
			require.Error(t, err)
		} else {
			require.NotEqual(t, record, got, "it is no record any more")
		}
		got, err = s.open(row, stored[:rapid.IntRange(0, len(stored)-1).Draw(t, "cut")])
		require.True(t, err != nil || !bytes.Equal(got, record))
	})
}
