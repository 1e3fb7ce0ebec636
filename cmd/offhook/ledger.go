package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"offhook/transport/client"
)

// passing is something that a command made at an offhook for as long as it runs.
// It is no secret.
type passing struct {
	Admin string `json:"admin"` // URL of the admin listener
	App   string `json:"app"`
	Key   string `json:"key,omitempty"` // of that app; empty for the app itself
}

// ledger is a file of the user with what one command made, locked while it runs:
// what is in one that nobody has locked was left by a command that was killed,
// and is for the next one to take away. All methods do nothing on nil, which is
// what somebody without a home has.
type ledger struct{ file *os.File }

const (
	ledgerMode = 0o600
	ledgerAge  = 30 * 24 * time.Hour // what could not be taken away in that time is not tried again
)

// ledgers is where they are; "" for nowhere.
func (p *program) ledgers() string {
	if dir := p.env["XDG_STATE_HOME"]; filepath.IsAbs(dir) {
		return filepath.Join(dir, "offhook")
	}
	if dir := p.env["HOME"]; filepath.IsAbs(dir) {
		return filepath.Join(dir, ".local", "state", "offhook")
	}
	return ""
}

// newLedger begins one. A disk that takes none keeps nobody from working.
func (p *program) newLedger() *ledger {
	dir := p.ledgers()
	if dir == "" || os.MkdirAll(dir, 0o700) != nil {
		return nil
	}
	f, err := os.CreateTemp(dir, "made-*")
	if err != nil {
		return nil
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		_ = os.Remove(f.Name())
		return nil
	}
	return &ledger{f}
}

func (l *ledger) add(m passing) {
	if l != nil {
		_ = json.NewEncoder(l.file).Encode(m)
	}
}

// end forgets all, unless something is still there.
func (l *ledger) end(gone bool) {
	if l == nil {
		return
	}
	if gone {
		_ = os.Remove(l.file.Name())
	}
	_ = l.file.Close()
}

// takeAwayLeft takes away what commands that were killed have left at the
// offhook whose admin listener has that URL.
func (p *program) takeAwayLeft(ctx context.Context, a *client.Admin, at string) {
	dir := p.ledgers()
	if dir == "" {
		return
	}
	files, _ := filepath.Glob(filepath.Join(dir, "made-*"))
	for _, path := range files {
		f, err := os.OpenFile(path, os.O_RDWR, ledgerMode) // #nosec G304 -- of our own directory
		if err != nil {
			continue
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil && p.takeAwayOf(ctx, a, at, f) {
			_ = os.Remove(path)
		}
		_ = f.Close()
	}
}

// takeAwayOf reports whether nothing of one ledger is left. One that is empty may
// be about to be locked.
func (p *program) takeAwayOf(ctx context.Context, a *client.Admin, at string, f *os.File) bool {
	if info, err := f.Stat(); err != nil || time.Since(info.ModTime()) > ledgerAge {
		return err == nil
	}
	lines, all := bufio.NewScanner(io.LimitReader(f, maxInput)), 0
	for ; lines.Scan(); all++ {
		var m passing
		if json.Unmarshal(lines.Bytes(), &m) != nil {
			continue // cut off in the middle of a line
		}
		if m.Admin != at {
			return false
		}
		what, err := m.takeAway(ctx, a)
		if err != nil {
			return false
		}
		if what != "" {
			fmt.Fprintf(p.stderr, "a command that was killed had left %s; it is gone now\n", clean(what))
		}
	}
	return all > 0
}

// appOfListen is the name of an app that is there while “listen” is.
const appOfListen = "offhook listen"

// takeAway takes it away, and says what it was; "" if it was gone. An app that
// was given another name since is somebody's.
func (m passing) takeAway(ctx context.Context, a *client.Admin) (what string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if m.Key != "" {
		what, err = "the key "+m.Key+" of the app "+m.App, a.DeleteKey(ctx, m.App, m.Key)
	} else {
		var is client.AppInfo
		if is, err = a.GetApp(ctx, m.App); err == nil {
			if is.Name != appOfListen {
				return "", nil
			}
			what, err = "the app "+m.App, a.DeleteApp(ctx, m.App)
		}
	}
	if client.CodeOf(err) == "not_found" {
		return "", nil
	}
	return what, err
}
