package xsicontact

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

const secretPath = "/xsi/0123456789abcdef"

// clerk is a contact that keeps what it takes.
type clerk struct {
	mu     sync.Mutex
	taken  []string
	status int           // of the answers; zero means 200
	hold   chan struct{} // answers wait until it is closed; nil for at once
}

func (c *clerk) Knows(path []byte) bool { return string(path) == secretPath }

func (c *clerk) Take(document []byte) int {
	c.mu.Lock()
	c.taken = append(c.taken, string(document))
	hold, status := c.hold, c.status
	c.mu.Unlock()
	if hold != nil {
		<-hold
	}
	if status == 0 {
		status = http.StatusOK
	}
	return status
}

func (c *clerk) documents() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.taken...)
}

func (c *clerk) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken = nil
}

// desk is a listener on a loopback address that runs.
type desk struct {
	testing.TB
	clerk    *clerk
	addr     string
	log      *logBook
	registry *prometheus.Registry
	stop     context.CancelFunc
	ended    chan error
}

type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

func open(t testing.TB, change func(*Config)) *desk {
	t.Helper()
	d := &desk{TB: t, clerk: &clerk{}, log: &logBook{}, registry: prometheus.NewRegistry(), ended: make(chan error, 1)}
	c := Config{Allow: loopback(), IdleWorker: 50 * time.Millisecond, Log: slog.New(slog.NewTextHandler(d.log, nil)), Metrics: NewMetrics(d.registry)}
	if change != nil {
		change(&c)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	d.addr = ln.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	bound := make(chan struct{})
	go func() { d.ended <- c.ServeOn(ctx, ln, d.clerk, func() { close(bound) }) }()
	<-bound
	t.Cleanup(func() {
		d.stop()
		require.NoError(t, <-d.ended)
	})
	return d
}

// raw is a connection of its own.
func (d *desk) raw() net.Conn {
	d.Helper()
	c, err := net.Dial("tcp", d.addr)
	require.NoError(d, err)
	d.Cleanup(func() {
		_ = c.(*net.TCPConn).SetLinger(0) // thousands of them leave no trace
		_ = c.Close()
	})
	return c
}

func posted(path, body string, headers ...string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: receiver\r\nContent-Type: application/xml; charset=UTF-8\r\nContent-Length: %d\r\n%s\r\n%s",
		path, len(body), strings.Join(append(headers, ""), "\r\n"), body)
}

// say sends a request as it is and reads the answer.
func (d *desk) say(request string) *http.Response {
	d.Helper()
	return ask(d, d.raw(), request)
}

func ask(t testing.TB, c net.Conn, request string) *http.Response {
	t.Helper()
	_, err := io.WriteString(c, request)
	require.NoError(t, err)
	return answer(t, c)
}

func answer(t testing.TB, c net.Conn) *http.Response {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res
}

// refusals is how often something was refused for a reason.
func (d *desk) refusals(reason string) (n float64) {
	families, err := d.registry.Gather()
	require.NoError(d, err)
	for _, f := range families {
		if f.GetName() != "offhook_http_refused_keys_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "reason" && l.GetValue() == reason {
					n = m.GetCounter().GetValue()
				}
			}
		}
	}
	return n
}

// certificate writes a self-signed certificate with a name.
func certificate(t testing.TB, dir, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return certFile, keyFile
}
