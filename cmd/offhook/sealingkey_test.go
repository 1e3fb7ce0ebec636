package main

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/store"
)

func TestTheSealingKeyIsMadeOnceAndNeverInPlaceOfALostOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.key")
	var log bytes.Buffer
	keys := sealingKeys(path, slog.New(slog.NewTextHandler(&log, nil)))

	_, err := keys(true)
	require.ErrorIs(t, err, store.ErrNoSealKey)
	require.ErrorContains(t, err, "put it back")
	require.NoFileExists(t, path)

	first, err := keys(false)
	require.NoError(t, err)
	require.Len(t, first, 1)
	require.Contains(t, log.String(), "keep a copy")
	require.NotContains(t, log.String(), base64.StdEncoding.EncodeToString(first[0]))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	for _, sealed := range []bool{true, false} {
		again, err := keys(sealed)
		require.NoError(t, err)
		require.Equal(t, first, again)
	}
	require.NotContains(t, log.String(), "chmod")
	require.NoError(t, os.Chmod(path, 0o640)) //nolint:gosec // what the test is about
	_, err = keys(true)
	require.NoError(t, err)
	require.Contains(t, log.String(), "chmod 600")

	_, err = sealingKeys(filepath.Join(t.TempDir(), "no", "such", "place"), slog.New(slog.DiscardHandler))(false)
	require.ErrorContains(t, err, "secrets_key_file")
}

func TestSealingKeyFiles(t *testing.T) {
	key := func(b byte) string {
		return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, store.SealKeyLen))
	}
	keys, err := parseSealingKeys("# new\n" + key(1) + "\r\n\n  " + key(2) + "  \n# the end")
	require.NoError(t, err)
	require.Equal(t, [][]byte{bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)}, keys)
	for text, says := range map[string]string{
		"":                              "has no key",
		"# nothing\n":                   "has no key",
		key(1) + "\nhunter2hunter2":     "line 2 is no key",
		key(1)[:20]:                     "openssl rand -base64 32",
		strings.Repeat(key(3)+"\n", 11): "more than 10 keys",
	} {
		_, err := parseSealingKeys(text)
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestTheSealingKeyIsNotKeptInTheDataDirectory(t *testing.T) {
	d := newDesk(t)
	for text, wrong := range map[string]bool{
		"data_dir: DIR/data":  false,
		"data_dir: DIR/data/": false,
		"data_dir: DIR/data\nsecrets_key_file: DIR/data.secret": false,
		"data_dir: DIR/data\nsecrets_key_file: DIR/data/key":    true,
		"data_dir: DIR/data\nsecrets_key_file: DIR/x/../data/k": true,
		"data_dir: DIR/data\nsecrets_key_file: DIR/data/../k":   false,
		"data_dir: DIR/data\nsecrets_key_file: DIR/data/..k":    true,
		"data_dir: data\nsecrets_key_file: ./data/k":            true,
	} {
		c, err := d.load(t, text)
		if wrong {
			require.ErrorContains(t, err, "secrets_key_file", text)
			continue
		}
		require.NoError(t, err, text)
		require.NotEmpty(t, c.sealingKeyFile())
	}
	c, err := d.load(t, "data_dir: DIR/data/")
	require.NoError(t, err)
	require.Equal(t, filepath.Join(d.dir, "data.key"), c.sealingKeyFile())
}
