package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// What is secret and kept in the data directory is one file for one secret,
// readable by nobody else.
const (
	adminTokenFile = "admin-token"
	demoKeyFile    = "demo-key"
	demoScriptFile = "demo.sh"
	operatorFile   = "operator-webhook-secret"

	secretMode = 0o600
)

// adminToken is the token of the admin listener: the configured one, or the
// one in the data directory, which is made at the first start. made says that
// it is new and has to be shown.
func adminToken(dataDir, configured string) (token string, made bool, err error) {
	if configured != "" {
		return configured, false, nil
	}
	path := filepath.Join(dataDir, adminTokenFile)
	text, err := os.ReadFile(path) // #nosec G304 -- a file that the operator names
	if token = strings.TrimSpace(string(text)); err == nil && token != "" {
		return token, false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", false, fmt.Errorf("admin token: %w", err)
	}
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand says
	token = "oa_" + base64.RawURLEncoding.EncodeToString(b[:])
	if err := writeFile(path, token+"\n", secretMode); err != nil {
		return "", false, fmt.Errorf("admin token: %w", err)
	}
	return token, true, nil
}

// tellToken says where the new admin token is, and what it is to whoever reads
// along: anywhere else it would stay in a journal.
func tellToken(w io.Writer, dataDir, token string) {
	path := quote(filepath.Join(dataDir, adminTokenFile))
	if terminal(w) {
		_, _ = fmt.Fprintf(w, "# admin token, shown once and kept in %s: %s\n", path, token)
		return
	}
	_, _ = fmt.Fprintf(w, "# a new admin token is in %s\n", path)
}

// writeFile puts a file in place at once: whoever reads it sees the old or the
// new text, never half of one, and after a crash it is one of the two.
func writeFile(path, text string, mode os.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if _, err = f.WriteString(text); err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
