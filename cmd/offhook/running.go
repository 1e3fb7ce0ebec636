package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"
)

// runningFile says where the offhook of a data directory is, for whoever is on
// the same machine and may read the directory. It is there while it runs, and
// after a crash until the next start.
const runningFile = "running"

const maxRunning = 64 << 10

// running is what the file has.
type running struct {
	PID       int    `json:"pid"`
	API       string `json:"api"` // URLs
	Admin     string `json:"admin"`
	APICert   string `json:"api_cert,omitempty"` // files, PEM
	AdminCert string `json:"admin_cert,omitempty"`
	Version   string `json:"version"`
	StartedAt int64  `json:"started_at"` // ms since 1970
}

// tellRunning writes the file, and returns what removes it again.
func tellRunning(cfg *Config, api, admin net.Addr) (gone func() error, err error) {
	r := running{
		PID: os.Getpid(), API: reachable(scheme(cfg.TLS), api), Admin: reachable(scheme(cfg.Admin.TLS), admin),
		APICert: absolute(cfg.TLS.CertFile), AdminCert: absolute(cfg.Admin.TLS.CertFile), Version: version, StartedAt: time.Now().UnixMilli(),
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(cfg.DataDir, runningFile)
	return func() error { return removeFile(path) }, writeFile(path, string(text)+"\n", secretMode)
}

func scheme(t TLS) string {
	if t.CertFile != "" {
		return "https"
	}
	return "http"
}

// absolute is a path for somebody in another working directory.
func absolute(path string) string {
	if path == "" {
		return ""
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// readRunning reads the file of a data directory; fs.ErrNotExist if none runs.
func readRunning(dataDir string) (r running, err error) {
	f, err := os.Open(filepath.Join(dataDir, runningFile)) // #nosec G304 -- a directory that the operator names
	if err != nil {
		return r, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxRunning))
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return r, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return r, nil
}
