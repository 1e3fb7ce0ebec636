package stories

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// says waits until the process has printed a text so often.
func says(t *testing.T, p *rig.Process, text string, times int) {
	t.Helper()
	for range rig.Poll(30 * time.Second) {
		if strings.Count(p.Output(), text) >= times {
			return
		}
	}
	t.Fatalf("it does not say %q %d times:\n%s", text, times, p.Output())
}

// certificate writes a key pair for 127.0.0.1 with a name to tell it by.
func certificate(t *testing.T, dir, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	for file, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: der}} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600))
	}
}

// shown is the name in the certificate that a listener shows.
func shown(t *testing.T, addr string) string {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}) // #nosec G402 -- it is looked at below
	require.NoError(t, err)
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].DNSNames[0]
}

func TestHangUpReadsTheConfigurationAgain(t *testing.T) {
	dir := t.TempDir()
	certificate(t, dir, "first")
	file := filepath.Join(dir, "offhook.yaml")
	write := func(level, more string) {
		text := fmt.Sprintf(`data_dir: %[1]s/data
listen: "127.0.0.1:0"
tls: { cert_file: %[1]s/cert.pem, key_file: %[1]s/key.pem }
admin: { listen: "127.0.0.1:0", tls: { cert_file: %[1]s/cert.pem, key_file: %[1]s/key.pem } }
simulator: { listen: "127.0.0.1:0", traffic: none }
log: { level: %[2]s, format: text }
%[3]s`, dir, level, more)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	write("info", "")
	p := rig.Run(t, nil, "serve", "--config", file)
	https := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, // #nosec G402 -- loopback
	}}
	ask := func(status int, method, path, body string) rig.Answer {
		t.Helper()
		a, err := rig.AskWith(https, method, "https://"+p.Addr("admin")+path, rig.Operator, body)
		require.NoError(t, err)
		require.Equal(t, status, a.Status, "%s", a.Body)
		return a
	}
	require.Equal(t, "first", shown(t, p.Addr("api")))
	require.Equal(t, "first", shown(t, p.Addr("admin")))
	measured := string(ask(200, "GET", "/metrics", "").Body)
	require.Contains(t, measured, `offhook_tls_certificate_expiry_timestamp_seconds{listener="api"} `)
	require.Contains(t, measured, `offhook_tls_certificate_expiry_timestamp_seconds{listener="admin"} `)
	require.Contains(t, measured, `offhook_last_run{ended="none"} 1`)
	require.Equal(t, "info", ask(200, "GET", "/admin/log", "").JSON(t)["level"])

	// What can change changes; the rest is named.
	certificate(t, dir, "second")
	write("debug", "limits: { per_address: 1 }\nretention: 2h\n")
	p.Signal(syscall.SIGHUP)
	says(t, p, "configuration reloaded", 1)
	says(t, p, `changed="admin.tls.cert_file admin.tls.key_file limits.per_address log.level tls.cert_file tls.key_file" after_restart=retention refused=""`, 1)
	says(t, p, `msg="setting needs a restart" setting=retention`, 1)
	require.Equal(t, "debug", ask(200, "GET", "/admin/log", "").JSON(t)["level"])
	require.Equal(t, "second", shown(t, p.Addr("api")))
	require.Equal(t, "second", shown(t, p.Addr("admin")))
	held := 0
	for range 5 {
		a, err := rig.AskWith(https, "GET", "https://"+p.Addr("api")+"/apps/x/calls", "nobody's", "")
		require.NoError(t, err)
		if a.Status == 429 {
			held++
		}
	}
	require.Positive(t, held, "the new limit holds")

	// A broken file changes nothing and names line and fix.
	write("warn", "limts: { per_address: 1 }\n")
	p.Signal(syscall.SIGHUP)
	says(t, p, "configuration not reloaded; all stays as it was", 1)
	says(t, p, `offhook.yaml:7: limts: there is no such setting; did you mean \"limits\"?`, 1)
	require.Equal(t, "debug", ask(200, "GET", "/admin/log", "").JSON(t)["level"])
	// Nor does a certificate that is none.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "key.pem"), []byte("no key\n"), 0o600))
	write("warn", "")
	p.Signal(syscall.SIGHUP)
	says(t, p, "configuration not reloaded; all stays as it was", 2)
	require.Equal(t, "second", shown(t, p.Addr("api")))

	// Who raises the level sees that it came through.
	certificate(t, dir, "second")
	write("error", "")
	p.Signal(syscall.SIGHUP)
	says(t, p, "configuration reloaded", 2)
	says(t, p, "log.level", 2)

	// The level by itself, without a file.
	certificate(t, dir, "third")
	require.Equal(t, "error", ask(200, "PUT", "/admin/log", `{"level":"error"}`).JSON(t)["level"])
	require.Equal(t, "level", ask(422, "PUT", "/admin/log", `{"level":"loud"}`).JSON(t)["field"])
	require.Equal(t, "error", ask(200, "GET", "/admin/log", "").JSON(t)["level"])
	for range rig.Poll(10 * time.Second) { // certificates change without a signal too
		if shown(t, p.Addr("admin")) == "third" {
			break
		}
	}
	require.Equal(t, "third", shown(t, p.Addr("admin")))
	p.Drain()
}

// Networks come, change and go with the file while calls of others go on.
func TestHangUpTakesOverNetworks(t *testing.T) {
	l := rig.NewLedger(t)
	w := rig.Checked.TwoProcesses(t, l, 4, 4)
	placed, err := w.Place(w.Subscribers[0], "+15129104114")
	require.NoError(t, err)
	require.Equal(t, 201, placed.Status, "%s", placed.Body)
	call := placed.JSON(t)["call_id"].(string)
	w.Until(call, "active")

	password := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(password, []byte("s3cret"), 0o600))
	was, err := os.ReadFile(w.Config)
	require.NoError(t, err)
	more := string(was) + "\n  - { network_id: another, broadworks: { xsps: [\"http://127.0.0.1:9\"], username: u, password_file: " + password + " } }\n"
	require.NoError(t, os.WriteFile(w.Config, []byte(more), 0o600))
	w.Signal(syscall.SIGHUP)
	says(t, w.Process, "configuration reloaded", 1)
	rig.Must(t, 200, "GET", w.Admin("/admin/networks/another"), rig.Operator, "")
	stands := func() string { return string(rig.Must(t, 200, "GET", w.Admin("/metrics"), "", "").Body) }
	require.Contains(t, stands(), `network="another",state="up"`)
	require.Equal(t, "active", w.State(call))
	rig.Must(t, 204, "PUT", w.API("/calls/"+call+"/hold"), w.Key, "")

	require.NoError(t, os.WriteFile(w.Config, was, 0o600))
	w.Signal(syscall.SIGHUP)
	says(t, w.Process, "configuration reloaded", 2)
	rig.Must(t, 404, "GET", w.Admin("/admin/networks/another"), rig.Operator, "")
	require.NotContains(t, stands(), `offhook_broadworks_link_state{network="another"`, "nobody is alarmed by what is gone")
	require.Equal(t, "held", w.State(call))
	rig.Must(t, 204, "DELETE", w.API("/calls/"+call), w.Key, "")
	w.Drain()
}

// Piped, the log is JSON; the ready line has what scripts wait for all the same.
func TestThePipedLogIsJSON(t *testing.T) {
	p := rig.Run(t, append(rig.Anywhere("none"), "OFFHOOK_LOG_FORMAT="), "serve", "--data-dir", t.TempDir())
	rig.Must(t, 200, "GET", "http://"+p.Addr("admin")+"/healthz", "", "")
	p.Drain()
	lines := 0
	for _, line := range strings.Split(p.Output(), "\n") {
		if !strings.HasPrefix(line, "{\"time\":") {
			continue
		}
		lines++
		require.True(t, json.Valid([]byte(line)), line)
	}
	require.Greater(t, lines, 2)
	require.NotContains(t, p.Output(), "\ntime=")
}
