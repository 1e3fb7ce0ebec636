package httpapi

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp/fasthttputil"

	"offhook/engine"
)

func TestOverAnInMemoryListener(t *testing.T) {
	h := newHouse(t)
	s, err := New(Config{Calls: h.calls, Tenants: h.tenants, IdleWorker: 50 * time.Millisecond, Rest: time.Millisecond})
	require.NoError(t, err)
	ln := fasthttputil.NewInmemoryListener()
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	c, err := ln.Dial()
	require.NoError(t, err)
	_, err = c.Write(h.post(good))
	require.NoError(t, err)
	require.Equal(t, 201, readResponse(t, c).StatusCode)
	require.Equal(t, exampleID, <-h.calls.lifted)
	require.NoError(t, c.Close())
	require.NoError(t, s.Shutdown(context.Background()))
	require.NoError(t, <-served)
}

// In flight is finished, idle is closed, new is not accepted.
func TestDraining(t *testing.T) {
	h := newHouse(t)
	asked, placed := make(chan struct{}), make(chan struct{})
	h.calls.answer = func(context.Context, engine.Command) engine.Reply {
		close(asked)
		<-placed
		return engine.Reply{Profile: &tommy, Call: callOf(exampleID)}
	}
	idle := h.raw()
	r := bufio.NewReader(idle)
	_, err := idle.Write([]byte("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"))
	require.NoError(t, err)
	require.Equal(t, 404, readResponse(t, r).StatusCode)

	busy := h.raw()
	_, err = busy.Write(h.post(good))
	require.NoError(t, err)
	<-asked
	drained := make(chan error, 1)
	go func() { drained <- h.server.Shutdown(context.Background()) }()

	_, err = r.ReadByte()
	require.ErrorIs(t, err, io.EOF, "an idle connection is closed")
	_, err = net.Dial("tcp", h.addr)
	require.Error(t, err, "nobody is let in")
	require.Empty(t, drained)

	close(placed)
	resp := readResponse(t, busy)
	require.Equal(t, 201, resp.StatusCode)
	require.True(t, resp.Close, "and the client is told to go")
	require.NoError(t, <-drained)
	require.Equal(t, exampleID, <-h.calls.lifted)
}

func TestDrainingThatTakesTooLong(t *testing.T) {
	h := newHouse(t)
	asked := make(chan struct{})
	h.calls.answer = func(ctx context.Context, _ engine.Command) engine.Reply {
		close(asked)
		<-ctx.Done() // the request is given up, not its call
		return engine.Reply{Err: &engine.Error{Code: engine.CodeOutcomeUnknown}}
	}
	c := h.raw()
	_, err := c.Write(h.post(good))
	require.NoError(t, err)
	<-asked
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, h.server.Shutdown(ctx), context.DeadlineExceeded)
	_, err = io.ReadAll(c)
	if err != nil {
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "cut off, not left hanging")
	}
}

func TestShutdownBeforeServe(t *testing.T) {
	s, err := New(Config{})
	require.NoError(t, err)
	require.NoError(t, s.Shutdown(context.Background()))
	ln := listen(t)
	require.NoError(t, s.Serve(ln))
	_, err = ln.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestConnectionsOfOneAddress(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.MaxConnsPerAddress = 2 })
	var held []net.Conn
	for range 2 {
		c := h.raw()
		_, err := c.Write([]byte("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"))
		require.NoError(t, err)
		require.Equal(t, 404, readResponse(t, c).StatusCode)
		held = append(held, c)
	}
	resp := readResponse(t, h.raw())
	require.Equal(t, 429, resp.StatusCode)
	require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
	require.Equal(t, "1", resp.Header.Get("Retry-After"))

	require.NoError(t, held[0].Close())
	require.Eventually(t, func() bool { // the server must notice first
		c := h.raw()
		defer c.Close()
		if _, err := c.Write([]byte("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
			return false
		}
		b := make([]byte, 12)
		_, err := io.ReadFull(c, b)
		return err == nil && string(b) == "HTTP/1.1 404"
	}, 10*time.Second, 5*time.Millisecond)
}

func TestConnectionsInAll(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.MaxConns = 1 })
	c := h.raw()
	_, err := c.Write([]byte("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"))
	require.NoError(t, err)
	require.Equal(t, 404, readResponse(t, c).StatusCode)
	require.Equal(t, 429, readResponse(t, h.raw()).StatusCode)
}

// makeCertificate writes a self-signed certificate with a name.
func makeCertificate(t *testing.T, dir, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	require.NoError(t, err)
	pk, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pk}), 0o600))
	return certFile, keyFile
}

func (h *house) certName(version uint16) (string, error) {
	c := tls.Client(h.raw(), &tls.Config{InsecureSkipVerify: true, MaxVersion: version, MinVersion: version})
	defer c.Close()
	if err := c.Handshake(); err != nil {
		return "", err
	}
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestHTTPS(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := makeCertificate(t, dir, "first")
	var log lockedBuffer
	h := newHouse(t, func(c *Config) {
		c.CertFile, c.KeyFile, c.Log = certFile, keyFile, slog.New(slog.NewTextHandler(&log, nil))
	})
	name, err := h.certName(tls.VersionTLS12)
	require.NoError(t, err)
	require.Equal(t, "first", name)
	_, err = h.certName(tls.VersionTLS11)
	require.Error(t, err)

	makeCertificate(t, dir, "the second one")
	require.Eventually(t, func() bool {
		name, err := h.certName(tls.VersionTLS13)
		return err == nil && name == "the second one"
	}, 10*time.Second, 50*time.Millisecond)

	// What cannot be used is not used.
	require.NoError(t, os.WriteFile(keyFile, []byte("half a ke"), 0o600))
	require.Eventually(t, func() bool {
		name, err := h.certName(tls.VersionTLS13)
		if err != nil || name != "the second one" {
			t.Errorf("served %q: %v", name, err)
		}
		return strings.Contains(log.String(), "the old one stays")
	}, 10*time.Second, 50*time.Millisecond)

	_, err = New(Config{CertFile: certFile, KeyFile: filepath.Join(dir, "nothing.pem")})
	require.ErrorContains(t, err, "certificate")
}
