package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"offhook/engine"
	"offhook/store"
	"offhook/transport/client"
	"offhook/transport/problem"
)

// Backup implements adminapi.Backups. What is secret beside the database goes
// along, except for the key of what is sealed in it.
func (n *node) Backup(dir string) error {
	data, err := filepath.Abs(n.dataDir)
	if err != nil {
		return err
	}
	if dir == data || strings.HasPrefix(dir, data+string(filepath.Separator)) {
		return problem.Invalid("dir", "must not be in the data directory")
	}
	err = n.store.Backup(dir, adminTokenFile, operatorFile)
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.Is(err, store.ErrExists):
		return problem.New(engine.CodeConflict, err.Error())
	case errors.As(err, &path), errors.As(err, &link), errors.Is(err, syscall.ENOSPC):
		return problem.Invalid("dir", "cannot be written: "+err.Error())
	}
	return err
}

type backupCmd struct {
	remote
	Dir string `arg:"" help:"Where the copy goes, on the server's disk; nothing may be there."`
}

// Run asks the running offhook, or copies the directory of one that is stopped.
func (c *backupCmd) Run(p *program) error {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return err
	}
	if c.Admin == "" && p.env[envAdmin] == "" {
		var away *unreached
		if _, cfg, err := c.here(p, "--admin URL"); errors.As(err, &away) {
			return c.stopped(p, cfg.DataDir, dir)
		}
	} else if !filepath.IsAbs(c.Dir) {
		return usage("DIR", "must be an absolute path: it is on the server")
	}
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		b, err := a.CreateBackup(ctx, dir)
		if err != nil {
			return err
		}
		return c.made(p, b.Dir)
	})
}

// stopped copies a directory that nobody has open.
func (c *backupCmd) stopped(p *program, from, to string) error {
	err := p.until(func(ctx context.Context) error {
		return store.Copy(ctx, from, to, func(name string) bool { return name == runningFile })
	})
	switch {
	case errors.Is(err, store.ErrInUse):
		return fmt.Errorf("%w, and where its offhook is cannot be told: say it with --admin URL", err)
	case errors.Is(err, fs.ErrNotExist):
		return noServer("%w; no offhook runs on it either: name the directory with --data-dir, or the server with --admin URL", err)
	case err != nil:
		return err
	}
	return c.made(p, to)
}

func (c *backupCmd) made(p *program, dir string) error {
	if err := p.did(c.JSON, "backup", dir); err != nil || c.JSON {
		return err
	}
	_, err := fmt.Fprintln(p.stderr, "keep the key of the secrets (secrets_key_file) too, apart from it: without it the copy cannot be opened")
	return err
}

type restoreCmd struct {
	Dir     string `arg:"" help:"The backup."`
	Config  string `help:"Config file (YAML). Also OFFHOOK_CONFIG." placeholder:"FILE"`
	DataDir string `help:"Where it goes: a directory that is empty or not there." placeholder:"DIR"`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// Run copies a backup beside the data directory, opens the copy as serve will,
// and only then gives it its name.
func (c *restoreCmd) Run(p *program) error {
	cfg, err := loadConfig(sources{File: first(c.Config, p.env["OFFHOOK_CONFIG"]), Env: p.env, DataDir: c.DataDir})
	if err != nil {
		return err
	}
	to := filepath.Clean(cfg.DataDir)
	switch files, err := os.ReadDir(to); {
	case err == nil && len(files) > 0:
		return fmt.Errorf("%s is not empty; move what is there away, or restore to another place with --data-dir", to)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return opening(err, cfg)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return opening(err, cfg)
	}
	fresh := to + ".restoring"
	err = p.until(func(ctx context.Context) error {
		return store.Copy(ctx, c.Dir, fresh, func(name string) bool { return name == runningFile })
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is no backup: %w", c.Dir, err)
	case err != nil:
		return err
	}
	if err := tryOpening(fresh, cfg); err != nil {
		return errors.Join(fmt.Errorf("the copy cannot be opened, and was taken away again: %w", err), os.RemoveAll(fresh))
	}
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(fresh, to); err != nil {
		return err
	}
	return p.did(c.JSON, "restored", to)
}

// tryOpening opens a data directory and closes it again.
func tryOpening(dir string, cfg *Config) error {
	quiet := slog.New(slog.DiscardHandler)
	s, err := store.Open(dir, store.Options{Logger: quiet, Retention: cfg.Retention.Events, History: cfg.Retention.History, SweepEvery: -1, Space: &cfg.marks,
		Keys: sealingKeys(cfg.sealingKeyFile(), quiet)})
	if err != nil {
		return err
	}
	return s.Close()
}
