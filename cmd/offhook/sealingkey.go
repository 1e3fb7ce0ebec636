package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"offhook/store"
)

// maxSealingKeys is how many keys one file may have: the newest, and those it
// replaced.
const maxSealingKeys = 10

// sealingKeyFile is where the key of the data directory's secrets is: beside
// the directory unless the configuration names another place.
func (c *Config) sealingKeyFile() string {
	if c.SecretsKeyFile != "" {
		return c.SecretsKeyFile
	}
	return filepath.Clean(c.DataDir) + ".key"
}

// sealing checks that who copies the data directory does not get its key as well.
func (k *checker) sealing() {
	dir, err := filepath.Abs(k.config.DataDir)
	file, err2 := filepath.Abs(k.config.sealingKeyFile())
	if errors.Join(err, err2) != nil {
		return // there is no working directory; the data directory tells
	}
	if rel, err := filepath.Rel(dir, file); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		k.fault("secrets_key_file", "is in data_dir; keep it where a copy of that does not take it along")
	}
}

// sealingKeys reads the key file for the store. Before anything was sealed a
// file that is not there is made; afterwards that would lose what is sealed.
func sealingKeys(path string, log *slog.Logger) func(sealed bool) ([][]byte, error) {
	return func(sealed bool) ([][]byte, error) {
		text, err := os.ReadFile(path) // #nosec G304 -- a file that the operator names
		switch {
		case errors.Is(err, fs.ErrNotExist) && sealed:
			return nil, fmt.Errorf("%w: %s is not there; put it back, or set secrets_key_file to where it is", store.ErrNoSealKey, path)
		case errors.Is(err, fs.ErrNotExist):
			if text, err = makeSealingKey(path); err != nil {
				return nil, fmt.Errorf("make the key of the secrets: %w; set secrets_key_file to a place that can be written, or to a file with a key", err)
			}
			log.Info("made a key for the secrets in the data directory; keep a copy of it apart from those of the directory", "file", path)
		case err != nil:
			return nil, fmt.Errorf("key of the secrets: %w", err)
		}
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
			log.Warn("the key of the secrets can be read by others; chmod 600 it", "file", path)
		}
		keys, err := parseSealingKeys(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return keys, nil
	}
}

// makeSealingKey writes a new key, and returns when no power cut takes it back.
func makeSealingKey(path string) (text []byte, err error) {
	var key [store.SealKeyLen]byte
	_, _ = rand.Read(key[:]) // never fails
	text = []byte("# What seals the secrets in offhook's data directory. The first key seals; older ones below it only open.\n" +
		base64.StdEncoding.EncodeToString(key[:]) + "\n")
	if err := writeFile(path, string(text), secretMode); err != nil {
		return nil, err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	return text, errors.Join(dir.Sync(), dir.Close())
}

// parseSealingKeys reads a key a line. Its errors never repeat one.
func parseSealingKeys(text string) (keys [][]byte, err error) {
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(key) != store.SealKeyLen {
			return nil, fmt.Errorf("line %d is no key; write the base64 of %d random bytes, as “openssl rand -base64 %[2]d” prints it", i+1, store.SealKeyLen)
		}
		if keys = append(keys, key); len(keys) > maxSealingKeys {
			return nil, fmt.Errorf("has more than %d keys; those that were replaced are not needed after the next start", maxSealingKeys)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("has no key")
	}
	return keys, nil
}
