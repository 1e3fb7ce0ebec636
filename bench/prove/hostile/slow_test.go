package hostile

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

// perAddress is how many connections one address may have, unless somebody
// says otherwise.
const perAddress = 1024

// cutBy is when the last slow client must be gone: well past any time limit of
// a request. Who looks at no answer is cut off after what the kernel takes for him,
// megabytes, was made, which takes its time where hundreds do that at once.
const cutBy = time.Minute

// slow is a way to be slow.
type slow struct {
	name string
	be   func(c net.Conn, as client)
}

// drip writes a byte at a time until nobody reads.
func drip(c net.Conn, text string) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i = (i + 1) % len(text) {
		if _, err := io.WriteString(c, text[i:i+1]); err != nil {
			return
		}
		<-tick.C
	}
}

var inTheClear = []slow{
	{"a head of one byte at a time", func(c net.Conn, as client) { drip(c, as.head("X-Filler: "+strings.Repeat("x", 2000))) }},
	{"a body of one byte at a time", func(c net.Conn, as client) {
		_, _ = io.WriteString(c, as.head("Content-Length: 1000\r\n\r\n"))
		drip(c, " ")
	}},
	{"chunks of one byte at a time", func(c net.Conn, as client) {
		_, _ = io.WriteString(c, as.head("Transfer-Encoding: chunked\r\n\r\n"))
		drip(c, "1\r\nx\r\n")
	}},
	{"open, and not a word", func(c net.Conn, _ client) {}},
	{"half of a head, and not a word more", func(c net.Conn, as client) { _, _ = io.WriteString(c, as.head()) }},
	{"requests, and no look at the answers", func(c net.Conn, as client) {
		_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
		block := strings.Repeat("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 1000)
		for {
			if _, err := io.WriteString(c, block); err != nil {
				return
			}
		}
	}},
}

var overTLS = []slow{
	{"half of a hello", func(c net.Conn, _ client) { _, _ = io.WriteString(c, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03") }},
	{"a hello of one byte at a time", func(c net.Conn, _ client) {
		drip(c, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"+strings.Repeat("\x00", 500))
	}},
	{"open, and not a word", func(c net.Conn, _ client) {}},
	{"a head of one byte at a time", func(c net.Conn, as client) {
		s := tls.Client(c, &tls.Config{InsecureSkipVerify: true}) // #nosec G402 -- a client that does not care
		if s.Handshake() == nil {
			drip(s, as.head("X-Filler: "+strings.Repeat("x", 2000)))
		}
	}},
}

// Thousands of slow clients from many addresses cost whoever asks as one
// should nothing but a little time; each of them is cut off in the end, and
// one address gets no more than its share.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	row := report.Attack(t, report.Isolation, "slow clients", "connections")
	n := knob(t, "OFFHOOK_HOSTILE_CLIENTS", 2000)
	var notes [2]string
	t.Run("at once", func(t *testing.T) {
		t.Run("in the clear", func(t *testing.T) {
			t.Parallel()
			notes[0] = slowly(t, row, "http", n*3/4, inTheClear)
		})
		t.Run("over TLS", func(t *testing.T) {
			t.Parallel()
			notes[1] = slowly(t, row, "https", n/4, overTLS, certificate(t)...)
		})
	})
	row.Note("%s; %s", notes[0], notes[1])
}

func slowly(t *testing.T, row *report.Row, scheme string, n int, kinds []slow, env ...string) (note string) {
	p := rig.Plain.Run(t, append(rig.Anywhere("none"), env...), "serve", "--data-dir", t.TempDir())
	site := rig.Connect(t, p, rig.NewLedger(t), 1)
	as := client{"POST", "/apps/" + site.App + "/calls", "Authorization: Bearer " + site.Key + "\r\n"}
	was, base := resident(t, p), goroutines(t, p)
	good := newGood(strings.Replace(site.API("/subscribers"), "http:", scheme+":", 1), site.Key)
	defer good.close()
	quiet := good.ask(t, 2*time.Second, nil)
	over := 0
	if scheme == "http" {
		over = crowd(t, p.Addr("api"), row)
	}

	var all sync.WaitGroup
	var last atomic.Int64 // when the last was cut, since its beginning
	for i := range n {
		c, err := from(fmt.Sprintf("127.0.%d.1", 1+i/500), p.Addr("api"))
		require.NoError(t, err, "%d are connected", i)
		kind := kinds[i%len(kinds)]
		all.Go(func() {
			defer c.Close()
			began := time.Now()
			_ = c.SetDeadline(began.Add(cutBy))
			kind.be(c, as)
			_, err := io.Copy(io.Discard, c) // an answer may say why
			if took := time.Since(began); assert.Less(t, took, cutBy, "%s was not cut off: %v", kind.name, err) {
				last.Store(max(last.Load(), int64(took)))
			}
		})
	}
	row.Add(n)
	most := resident(t, p) - was
	cutAll := make(chan struct{})
	go func() { all.Wait(); close(cutAll) }()
	busy := good.ask(t, cutBy, cutAll)
	<-cutAll
	most = max(most, resident(t, p)-was)
	require.Less(t, most, 100*mega+n*(64<<10), "memory is bounded")
	rests(t, p, base)
	note = fmt.Sprintf("%s: %d clients, p99 %v, before %v; all cut after %v; %d MB more", scheme, n, percentile(busy, 99), percentile(quiet, 99),
		time.Duration(last.Load()).Round(time.Second), most/mega)
	if over > 0 {
		note += fmt.Sprintf("; %d of one address refused", over)
	}
	return note
}

// crowd opens more connections from one address than it may have, and has the
// rest refused in words.
func crowd(t *testing.T, addr string, row *report.Row) (refused int) {
	const more = 50
	var open []net.Conn
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	for range perAddress + more {
		c, err := from("127.0.99.1", addr)
		require.NoError(t, err)
		open = append(open, c)
	}
	row.Add(len(open))
	var told atomic.Int64
	var reads sync.WaitGroup
	for _, c := range open {
		_ = c.SetReadDeadline(time.Now().Add(4 * time.Second)) // those that are let in live longer
		reads.Go(func() {
			b := make([]byte, 12)
			if _, err := io.ReadFull(c, b); err == nil && assert.Equal(t, "HTTP/1.1 429", string(b)) {
				told.Add(1)
			}
		})
	}
	reads.Wait()
	require.EqualValues(t, more, told.Load(), "one address has its share and no more")
	return more
}

// good is a client as they should be: it asks a hundred times a second, by
// turns over a kept connection and over a new one.
type good struct {
	url, key    string
	kept, fresh *http.Client
}

func newGood(url, key string) *good {
	make := func(keep bool) *http.Client {
		return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
			DisableKeepAlives: !keep, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // #nosec G402 -- a certificate made a moment ago
		}}
	}
	return &good{url: url, key: key, kept: make(true), fresh: make(false)}
}

func (g *good) close() { g.kept.CloseIdleConnections() }

// ask asks until the time is up, or until is closed; every request is answered.
// Each is timed from when it should have left.
func (g *good) ask(t *testing.T, limit time.Duration, until <-chan struct{}) (took []time.Duration) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(limit)
	for i := 0; ; i++ {
		select {
		case due := <-tick.C:
			c := g.kept
			if i%10 == 0 {
				c = g.fresh
			}
			a, err := rig.AskWith(c, "GET", g.url, g.key, "")
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
			took = append(took, time.Since(due))
		case <-until:
			return took
		case <-deadline:
			return took
		}
	}
}

func percentile(all []time.Duration, p int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, len(sorted)*p/100)].Round(100 * time.Microsecond)
}

// certificate is the environment of an offhook with a certificate of its own.
func certificate(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	require.NoError(t, err)
	pk, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	var env []string
	for _, f := range []struct {
		name, kind string
		der        []byte
	}{{"CERT_FILE", "CERTIFICATE", der}, {"KEY_FILE", "PRIVATE KEY", pk}} {
		path := filepath.Join(dir, strings.ToLower(f.name))
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.der}), 0o600))
		env = append(env, "OFFHOOK_TLS_"+f.name+"="+path)
	}
	return env
}
