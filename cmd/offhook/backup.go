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
		beside := filepath.Join(filepath.Dir(data), filepath.Base(dir))
		return problem.Invalid("dir", "cannot be written: "+err.Error()+"; it is the server that writes, and under systemd or in a container it sees other directories than you do: "+
			"beside its data directory it may write, as in "+beside)
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
		// Whether one runs the lock of the directory says: the process that the
		// file names may be gone, and its number somebody else's.
		cfg, err := c.place(p)
		if err != nil {
			return err
		}
		from := cfg.DataDir
		err = store.Look(from)
		_, unknown := readRunning(from)
		asked := errors.Is(err, store.ErrInUse) || errors.Is(err, fs.ErrPermission)
		if !asked || errors.Is(unknown, fs.ErrNotExist) {
			return c.stopped(p, from, dir)
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
	cfg, err := loadConfig(sources{File: first(c.Config, p.env["OFFHOOK_CONFIG"]), Env: p.env, DataDir: c.DataDir, Stored: true})
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
	if err := c.hand(fresh, to, cfg); err != nil {
		return errors.Join(err, os.RemoveAll(fresh))
	}
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(fresh, to); err != nil {
		return err
	}
	return p.did(c.JSON, "restored", to)
}

// hand gives what root restored to whose directory it goes into, who may be
// another user than root: the service has to write there. The key of the secrets
// beside it, which root has put there, goes along.
func (c *restoreCmd) hand(fresh, to string, cfg *Config) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(to)
	if errors.Is(err, fs.ErrNotExist) {
		info, err = os.Stat(filepath.Dir(to))
	}
	if err != nil {
		return err
	}
	is, ok := info.Sys().(*syscall.Stat_t)
	if !ok || is.Uid == 0 {
		return nil
	}
	give := func(path string) error { return os.Lchown(path, int(is.Uid), int(is.Gid)) }
	err = filepath.WalkDir(fresh, func(path string, _ fs.DirEntry, err error) error { return errors.Join(err, give(path)) })
	if key := cfg.sealingKeyFile(); err == nil && cfg.SecretsKeyFile == "" {
		err = give(key)
	}
	return err
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
