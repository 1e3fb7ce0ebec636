package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"offhook/store"
)

// Syncs are what every event waits for.
const (
	syncs     = 16
	slowSync  = 20 * time.Millisecond
	syncBytes = 4 << 10
)

// disk looks at the file system of the data directory. What it writes there it
// takes away again.
func (d *doctor) disk() {
	dir, err := nearestDir(d.config.DataDir)
	if err != nil {
		d.fault("disk", "", "%v", opening(err, d.config))
		return
	}
	var at syscall.Statfs_t
	if err := syscall.Statfs(dir, &at); err != nil {
		d.fault("disk", "", "%s: %v", dir, err)
		return
	}
	free, total := at.Bavail*uint64(at.Bsize), at.Blocks*uint64(at.Bsize) // #nosec G115 -- the size of a block
	low := d.config.marks.Low.Of(total)
	switch {
	case free < low:
		d.fault("disk", "make room, or keep less free with space.low", "%v of %v are free on the disk of %s; with less than %v nothing new is taken", store.Size(free), store.Size(total), dir, store.Size(low))
	case free < 2*low:
		d.warn("disk", "make room before it is gone", "%v of %v are free; with less than %v nothing new is taken", store.Size(free), store.Size(total), store.Size(low))
	default:
		d.ok("disk", "%v of %v are free", store.Size(free), store.Size(total))
	}
	took, err := timeSync(dir)
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		d.fault("disk", "make room there, or choose another place with the setting data_dir", "%s cannot be written: %v", dir, err)
	case err != nil:
		d.fault("disk", "let the user that offhook runs as write there, or choose another place with the setting data_dir", "%s cannot be written and synced: %v", dir, err)
	case took > slowSync:
		d.warn("disk", "put data_dir on a faster disk", "a sync takes %v; every event waits for one", took.Round(time.Microsecond))
	default:
		d.ok("disk", "a sync takes %v", took.Round(time.Microsecond))
	}
}

// nearestDir is a directory, or the one it would be made in.
func nearestDir(dir string) (string, error) {
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		switch {
		case err == nil && !info.IsDir():
			return "", &fs.PathError{Op: "open", Path: at, Err: syscall.ENOTDIR}
		case err == nil:
			return at, nil
		case !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at):
			return "", err
		}
	}
}

// timeSync is how long it usually takes to make a few bytes durable.
func timeSync(dir string) (took time.Duration, err error) {
	f, err := os.CreateTemp(dir, ".tmp-doctor-*")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	all := make([]time.Duration, 0, syncs)
	block := make([]byte, syncBytes)
	for range syncs {
		if _, err := f.Write(block); err != nil {
			return 0, err
		}
		began := time.Now()
		if err := f.Sync(); err != nil {
			return 0, err
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// look reads what is kept, for as long as a platform may take to answer: what
// is damaged is found where it was read.
func (d *doctor) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	d.whole, d.looked = store.LookThrough(ctx, d.config.DataDir)
}

// dataDir tells what came of it. The offhook that runs on it looked when it
// started.
func (d *doctor) dataDir() {
	dir, err := d.config.DataDir, d.looked
	switch {
	case errors.Is(err, store.ErrInUse) && d.running != nil:
		d.ok("data directory", "%s is in use by the server", dir)
	case errors.Is(err, store.ErrInUse):
		d.fault("data directory", "stop the other offhook, or give this one another data_dir", "%v", err)
	case errors.Is(err, store.ErrNewerFormat):
		d.fault("data directory", "start that one, or restore a backup that was made with this one", "%v", err)
	case errors.Is(err, store.ErrDamaged):
		d.fault("data directory", "restore a backup, and have the disk looked at", "%v", err)
	case err != nil:
		d.fault("data directory", "", "%v", opening(err, d.config))
	default:
		d.sealed(dir)
	}
}

// sealed looks for the key of the secrets.
func (d *doctor) sealed(dir string) {
	path := d.config.sealingKeyFile()
	info, err := os.Stat(dir)
	if err != nil {
		d.ok("data directory", "%s will be made", dir)
		d.keyPlace(path)
		return
	}
	if info.Mode().Perm()&0o007 != 0 {
		d.warn("data directory", "chmod 700 "+dir, "%s holds secrets and is open to all users", dir)
	}
	text, err := os.ReadFile(path) // #nosec G304 -- a file that the operator names
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if left, _ := filepath.Glob(filepath.Join(dir, "MANIFEST-*")); len(left) > 0 {
			d.fault("data directory", "put it back, or set secrets_key_file to where it is", "the key of its secrets, %s, is not there", path)
			return
		}
		d.ok("data directory", "%s is empty", dir)
		d.keyPlace(path)
		return
	case err == nil:
		_, err = parseSealingKeys(string(text))
	}
	if err != nil {
		d.fault("data directory", "put the right key there, or set secrets_key_file to where it is", "the key of its secrets: %s: %v", path, err)
		return
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		d.warn("data directory", "chmod 600 "+path, "the key of its secrets can be read by others")
	}
	if !d.whole {
		d.ok("data directory", "%s can be opened; not all of it was read in %v (--timeout)", dir, d.timeout)
		return
	}
	d.ok("data directory", "%s can be opened, and all of it read", dir)
}

// keyPlace is where the key of the secrets will be made. Beside the data
// directory it is made with it.
func (d *doctor) keyPlace(path string) {
	if d.config.SecretsKeyFile == "" {
		return
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		d.fault("data directory", "make the directory, or set secrets_key_file to another place", "the key of its secrets cannot be made: %s is no directory", filepath.Dir(path))
	}
}

// answers reports whether what has the port of one of the two APIs is an offhook:
// each hands out its own document to everybody.
func (d *doctor) answers(ctx context.Context, a address) bool {
	secure := map[string]TLS{"listen": d.config.TLS, "admin.listen": d.config.Admin.TLS}
	t, api := secure[a.path]
	at, err := net.ResolveTCPAddr("tcp", a.host)
	if !api || err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, reachable(scheme(t), at)+"/openapi.yaml", nil)
	if err != nil {
		return false
	}
	// Nothing is sent that is secret, and nothing hangs on who it is.
	h := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}} // #nosec G402 -- see above
	resp, err := h.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	head, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode == http.StatusOK && bytes.Contains(bytes.ToLower(head), []byte("offhook"))
}

// ports tries to listen where serve will.
func (d *doctor) ports(ctx context.Context) {
	all := []address{{path: "listen", host: d.config.Listen}, {path: "admin.listen", host: d.config.Admin.Listen}}
	if d.config.Simulator.Enabled {
		all = append(all, address{path: "simulator.listen", host: d.config.Simulator.Listen})
	}
	other := false
	for _, a := range append(all, d.config.contactListeners()...) {
		ln, err := net.Listen("tcp", a.host)
		switch {
		case err == nil:
			_ = ln.Close()
			d.ok("ports", "%s (%s) is free", a.host, a.path)
		case errors.Is(err, syscall.EADDRINUSE) && d.running != nil:
			d.ok("ports", "%s (%s) is in use while the server runs", a.host, a.path)
		case errors.Is(err, syscall.EADDRINUSE) && (other || d.answers(ctx, a)):
			other = true // which has the rest of them too
			d.warn("ports", "if it is the offhook of this configuration, whatever starts it sets another data_dir (systemctl cat offhook; OFFHOOK_DATA_DIR): say it here too, with --data-dir. Do not stop it for this",
				"%s (%s) is in use, by an offhook that is not on %s", a.host, a.path, d.config.DataDir)
		case errors.Is(err, syscall.EADDRINUSE):
			d.fault("ports", "stop what has it (ss -ltnp), or choose another address with the setting "+a.path, "%s is in use", a.host)
		case errors.Is(err, fs.ErrPermission):
			d.fault("ports", "choose a port of 1024 or more with the setting "+a.path+", or let offhook have this one (AmbientCapabilities=CAP_NET_BIND_SERVICE)", "%s may not be listened on", a.host)
		default:
			d.fault("ports", "choose another address with the setting "+a.path, "%s: %v", a.host, err)
		}
	}
}
