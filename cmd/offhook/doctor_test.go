package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/port"
	"offhook/engine/tenant"
	"offhook/store"
)

// ward is a place for a config, with ports that nobody uses.
type ward struct{ dir string }

func (w ward) file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(w.dir, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// ask runs the doctor on a config, and returns what it found besides what is well.
func (w ward) ask(t *testing.T, yaml string, args ...string) (int, []finding) {
	t.Helper()
	config := w.file(t, "offhook.yaml", yaml)
	env := map[string]string{"OFFHOOK_SIMULATOR_LISTEN": "127.0.0.1:0"}
	r := run(t, env, append([]string{"doctor", "--json", "--config", config}, args...)...)
	var all, bad []finding
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &all), "%s%s", r.stdout, r.stderr)
	for _, f := range all {
		if f.Status == isFault {
			bad = append(bad, f)
		}
	}
	return r.code, bad
}

func (w ward) healthy() string {
	return fmt.Sprintf("data_dir: %s\nlisten: 127.0.0.1:0\nadmin:\n  listen: 127.0.0.1:0\nspace:\n  low: 1MiB\n", filepath.Join(w.dir, "data"))
}

func (w ward) certificate(t *testing.T, name string, until time.Time) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "offhook.test"}, NotBefore: until.Add(-90 * 24 * time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	require.NoError(t, err)
	kder, err := x509.MarshalECPrivateKey(k)
	require.NoError(t, err)
	return w.file(t, name+".crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		w.file(t, name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: kder})))
}

func (w ward) network(t *testing.T, xsp string) string {
	t.Helper()
	secret := w.file(t, "password", "hunter2\n")
	return w.healthy() + fmt.Sprintf("networks:\n- network_id: east\n  broadworks:\n    xsps: [%q]\n    username: admin@example.com\n    password_file: %s\n", xsp, secret)
}

func TestTheDoctorFindsNothingWhereAllIsWell(t *testing.T) {
	w := ward{t.TempDir()}
	code, bad := w.ask(t, w.healthy())
	require.Empty(t, bad)
	require.Zero(t, code)
	require.NoDirExists(t, filepath.Join(w.dir, "data"), "it changes nothing")
	r := run(t, nil, "doctor", "--config", filepath.Join(w.dir, "offhook.yaml"))
	require.Contains(t, r.stdout, "ok       config: ")
	require.Contains(t, r.stdout, "a sync takes ")
}

func TestTheDoctorNamesTheFault(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	var logins atomic.Int32
	xsp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		logins.Add(1)
		if user, password, _ := r.BasicAuth(); user == "admin@example.com" && password == "hunter3" {
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer xsp.Close()
	for name, c := range map[string]struct {
		make               func(t *testing.T, w ward) string
		check, detail, fix string
	}{
		"a key that is none": {func(_ *testing.T, w ward) string { return w.healthy() + "lisen: :1\n" },
			"config", `offhook.yaml:7: lisen: there is no such setting; did you mean "listen"?`, "put it right"},
		"a certificate of another key": {func(t *testing.T, w ward) string {
			cert, _ := w.certificate(t, "a", time.Now().Add(60*24*time.Hour))
			_, key := w.certificate(t, "b", time.Now().Add(60*24*time.Hour))
			return w.healthy() + "tls:\n  cert_file: " + cert + "\n  key_file: " + key + "\n"
		}, "config", "tls.cert_file: cannot be used with tls.key_file", ""},
		"a certificate that expired": {func(t *testing.T, w ward) string {
			cert, key := w.certificate(t, "a", time.Now().Add(-time.Hour))
			return w.healthy() + "tls:\n  cert_file: " + cert + "\n  key_file: " + key + "\n"
		}, "certificates", "tls.cert_file expired on", "renew it"},
		"a data directory in use": {func(t *testing.T, w ward) string {
			s, err := store.Open(filepath.Join(w.dir, "data"), store.Options{})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			return w.healthy()
		}, "data directory", "data directory is in use", "stop the other offhook"},
		"a lost key": {func(t *testing.T, w ward) string {
			s, err := store.Open(filepath.Join(w.dir, "data"), store.Options{})
			require.NoError(t, err)
			require.NoError(t, s.Close())
			return w.healthy()
		}, "data directory", "data.key, is not there", "put it back"},
		"a platform that is not there": {func(t *testing.T, w ward) string { return w.network(t, "http://"+closedAddr(t)) },
			"network east", "cannot be reached", "look at xsps"},
		"a wrong password": {func(t *testing.T, w ward) string { logins.Store(0); return w.network(t, xsp.URL) },
			"network east", "refuses the user name or the password (401)", "password_file"},
		"a port in use": {func(_ *testing.T, w ward) string {
			return fmt.Sprintf("data_dir: %s/data\nlisten: %s\nspace:\n  low: 1MiB\nadmin:\n  listen: 127.0.0.1:0\n", w.dir, taken.Addr())
		}, "ports", taken.Addr().String() + " is in use", "with the setting listen"},
		"a disk that cannot be written": {func(t *testing.T, w ward) string {
			if _, err := os.Stat("/proc/self"); err != nil {
				t.Skip("there is no /proc here")
			}
			return "data_dir: /proc/offhook\nlisten: 127.0.0.1:0\nadmin:\n  listen: 127.0.0.1:0\nsecrets_key_file: " + w.dir + "/key\n"
		}, "disk", "/proc cannot be written and synced", "data_dir"},
		"a file in the place of the directory": {func(t *testing.T, w ward) string {
			w.file(t, "data", "")
			return w.healthy()
		}, "disk", "must be a directory", ""},
		"a full disk": {func(_ *testing.T, w ward) string {
			return fmt.Sprintf("data_dir: %s/data\nlisten: 127.0.0.1:0\nadmin:\n  listen: 127.0.0.1:0\nspace:\n  low: 1048575TiB\n", w.dir)
		}, "disk", "nothing new is taken", "make room"},
	} {
		t.Run(name, func(t *testing.T) {
			w := ward{t.TempDir()}
			code, bad := w.ask(t, c.make(t, w))
			require.Equal(t, exitFailure, code)
			require.NotEmpty(t, bad)
			require.Equal(t, c.check, bad[0].Check)
			require.Contains(t, bad[0].Detail, c.detail)
			require.Contains(t, bad[0].Fix, c.fix)
			require.NotContains(t, fmt.Sprint(bad), "hunter2")
			if name == "a wrong password" {
				require.EqualValues(t, 1, logins.Load(), "trying locks the account")
			}
		})
	}
}

func TestTheDoctorTakesAPlatformThatAnswers(t *testing.T) {
	xsp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/com.broadsoft.xsi-actions/v2.0/user/admin@example.com/profile", r.URL.Path)
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
	}))
	defer xsp.Close()
	w := ward{t.TempDir()}
	code, bad := w.ask(t, w.network(t, xsp.URL))
	require.Empty(t, bad)
	require.Zero(t, code)
	r := run(t, nil, "doctor", "--config", filepath.Join(w.dir, "offhook.yaml"))
	require.Contains(t, r.stdout, "WARNING  clock: it is 1h0m")
}

// An account that is no user has no profile: the platform says so itself, and has
// looked at the password first.
func TestTheDoctorTakesAnAccountThatIsNoUser(t *testing.T) {
	body := `<?xml version="1.0"?><ErrorInfo xmlns="http://schema.broadsoft.com/xsi"><summary>User not found</summary></ErrorInfo>`
	xsp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(body))
	}))
	defer xsp.Close()
	w := ward{t.TempDir()}
	w.ask(t, w.network(t, xsp.URL))
	config := filepath.Join(w.dir, "offhook.yaml")
	require.NotContains(t, run(t, nil, "doctor", "--config", config).stdout, "WARNING")
	body = "<html>not here</html>"
	require.Contains(t, run(t, nil, "doctor", "--config", config).stdout, "look at actions_path")
}

// flip turns one bit in the middle of the largest table of a database.
func flip(t *testing.T, dir string) {
	t.Helper()
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	require.NoError(t, err)
	require.NotEmpty(t, tables)
	var largest []byte
	at := ""
	for _, name := range tables {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		if len(text) > len(largest) {
			largest, at = text, name
		}
	}
	largest[len(largest)/4] ^= 4
	require.NoError(t, os.WriteFile(at, largest, 0o600))
}

// stored makes a data directory with something in its tables.
func (w ward) stored(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(w.dir, "data")
	for n := range 2 { // what is in the log goes into tables at the next start
		s, err := store.Open(dir, store.Options{})
		require.NoError(t, err)
		for i := range 500 * (1 - n) {
			require.NoError(t, s.PutApp(&tenant.App{ID: fmt.Sprintf("app%d", i), Name: rand.Text()}))
		}
		require.NoError(t, s.Close())
	}
	w.file(t, "data.key", "5Qk1bq8gqk2n3E6l4JYq3S6oX6C7xjv8m0WcQmGq1yA=\n")
	return dir
}

func TestTheDoctorReadsWhatIsStored(t *testing.T) {
	w := ward{t.TempDir()}
	dir := w.stored(t)
	_, bad := w.ask(t, w.healthy())
	require.Empty(t, bad)
	flip(t, dir)
	code, bad := w.ask(t, w.healthy())
	require.Equal(t, exitFailure, code)
	require.Equal(t, "data directory", bad[0].Check)
	require.Contains(t, bad[0].Detail, "data directory is damaged")
	require.Contains(t, bad[0].Fix, "restore a backup")
	r := run(t, nil, "backup", filepath.Join(w.dir, "copy"), "--data-dir", dir)
	require.Equal(t, exitFailure, r.code)
	require.Contains(t, r.stderr, "data directory is damaged")
	require.NoDirExists(t, filepath.Join(w.dir, "copy"))
}

// A killed offhook leaves a file with its process, whose number may be anybody's
// by now; in a container it is that of whoever looks.
func TestAnOffhookThatWasKilledIsStoppedWhoeverHasItsNumber(t *testing.T) {
	w := ward{t.TempDir()}
	dir := w.stored(t)
	w.file(t, "data/"+runningFile, fmt.Sprintf(`{"pid":%d,"admin":"http://%s"}`, os.Getpid(), closedAddr(t)))
	w.file(t, "data/"+adminTokenFile, "t\n")
	_, bad := w.ask(t, w.healthy())
	require.Empty(t, bad)
	r := run(t, nil, "doctor", "--config", filepath.Join(w.dir, "offhook.yaml"))
	require.Contains(t, r.stdout, fmt.Sprintf("WARNING  server: process %d ended without a drain", os.Getpid()))
	r = run(t, nil, "backup", filepath.Join(w.dir, "copy"), "--data-dir", dir)
	require.Zero(t, r.code, r.stderr)
	require.FileExists(t, filepath.Join(w.dir, "copy", adminTokenFile))
	require.NoFileExists(t, filepath.Join(w.dir, "copy", runningFile))
}

// A unit can set another data_dir than the config has: then the offhook that has
// the ports is not found by its directory, and must not be stopped for that.
func TestTheDoctorKnowsAnOffhookByItsPort(t *testing.T) {
	body := "openapi: 3.1.0\ninfo:\n  title: offhook admin API\n"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/openapi.yaml", r.URL.Path)
		_, _ = w.Write([]byte(body))
	}))
	defer s.Close()
	w := ward{t.TempDir()}
	yaml := strings.Replace(w.healthy(), "  listen: 127.0.0.1:0", "  listen: "+s.Listener.Addr().String(), 1)
	code, bad := w.ask(t, yaml)
	require.Zero(t, code)
	require.Empty(t, bad)
	r := run(t, nil, "doctor", "--config", filepath.Join(w.dir, "offhook.yaml"))
	require.Contains(t, r.stdout, "(admin.listen) is in use, by an offhook that is not on "+filepath.Join(w.dir, "data"))
	require.Contains(t, r.stdout, "--data-dir")
	body = "<html>"
	_, bad = w.ask(t, yaml)
	require.Len(t, bad, 1)
	require.Contains(t, bad[0].Fix, "stop what has it")
}

func TestWhatRootRestoresIsTheServices(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("nothing can be given to anybody here")
	}
	w := ward{t.TempDir()}
	w.stored(t)
	state := filepath.Join(w.dir, "state")
	require.NoError(t, os.Mkdir(state, 0o700))
	require.NoError(t, os.Chown(state, 63032, 63032))
	w.file(t, "state/data.key", "5Qk1bq8gqk2n3E6l4JYq3S6oX6C7xjv8m0WcQmGq1yA=\n")
	// The service is stopped, so what systemd brings is not there: nobody needs it.
	config := w.file(t, "offhook.yaml", strings.Replace(w.healthy(), filepath.Join(w.dir, "data"), filepath.Join(state, "data"), 1)+`networks:
  - network_id: 4e1f2b70-8c35-4f0a-9d57-1b6c0f8f2a63
    provider: broadworks
    broadworks: { xsps: [ "https://xsp.example.com" ], username: a@example.com, password_file: /run/credentials/offhook.service/none }
`)
	require.Contains(t, run(t, nil, "doctor", "--config", config).stdout, "systemd brings it")
	r := run(t, nil, "restore", filepath.Join(w.dir, "data"), "--config", config)
	require.Zero(t, r.code, r.stderr)
	require.NoError(t, filepath.WalkDir(state, func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		require.EqualValues(t, 63032, info.Sys().(*syscall.Stat_t).Uid, path)
		return nil
	}))
}

// The configuration that docs/operating.md has for the service is one.
func TestTheConfigurationOfTheServiceIsGood(t *testing.T) {
	page, err := os.ReadFile("../../docs/operating.md")
	require.NoError(t, err)
	_, text, found := strings.Cut(string(page), "\n## As a service\n")
	require.True(t, found)
	_, text, found = strings.Cut(text, "```yaml\n")
	require.True(t, found)
	text, _, _ = strings.Cut(text, "```")
	w := ward{t.TempDir()}
	cert, key := w.certificate(t, "tls", time.Now().Add(90*24*time.Hour))
	w.file(t, "password", "secret\n")
	here := strings.NewReplacer("/var/lib/offhook/data", filepath.Join(w.dir, "data"), "/run/credentials/offhook.service/tls-cert", cert,
		"/run/credentials/offhook.service/tls-key", key, "/run/credentials/offhook.service/xsp-password", filepath.Join(w.dir, "password"))
	c, err := loadConfig(sources{File: w.file(t, "c.yaml", here.Replace(text))})
	require.NoError(t, err)
	require.Len(t, c.Networks, 1)
	require.Empty(t, c.Warnings)
}

// What the caller sees the server may not: a service has a file system of its own.
func TestABackupThatCannotBeWrittenSaysWhereItCanBe(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s, err := store.Open(dir, store.Options{})
	require.NoError(t, err)
	n := &node{dataDir: dir, store: s}
	require.ErrorContains(t, n.Backup("/nonexistent/monday"), "it may write, as in "+filepath.Join(filepath.Dir(dir), "monday"))
	require.NoError(t, n.Backup(filepath.Join(filepath.Dir(dir), "monday")))
	require.NoError(t, s.Close())
}

func TestTheDoctorLooksWhereTheKeyOfTheSecretsWillBe(t *testing.T) {
	w := ward{t.TempDir()}
	_, bad := w.ask(t, w.healthy()+"secrets_key_file: /nonexistent/dir/key\n")
	require.Len(t, bad, 1)
	require.Contains(t, bad[0].Detail, "/nonexistent/dir is no directory")
}

func closedAddr(t *testing.T) string {
	t.Helper()
	addr, err := port.Free()
	require.NoError(t, err)
	return addr
}
