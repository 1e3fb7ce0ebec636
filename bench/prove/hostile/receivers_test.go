package hostile

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

// receiver is what somebody does to our webhooks. A connection is closed when
// it returns.
type receiver struct {
	name string
	do   func(c net.Conn, r *bufio.Reader)
	tls  bool // behind a certificate that nobody signed
}

// read takes one request.
func read(r *bufio.Reader) {
	if req, err := http.ReadRequest(r); err == nil {
		_, _ = io.Copy(io.Discard, req.Body)
	}
}

// says reads a request and answers with this, and then with the piece again
// and again until nobody reads.
func says(head, piece string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		read(r)
		_, err := io.WriteString(c, head)
		for piece != "" && err == nil {
			_, err = io.WriteString(c, piece)
		}
	}
}

func drips(head, piece string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		read(r)
		_, _ = io.WriteString(c, head)
		drip(c, piece)
	}
}

func receivers(over <-chan struct{}, trap string) []receiver {
	filler := strings.Repeat("x", 4<<10)
	return []receiver{
		{name: "a black hole", do: func(_ net.Conn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) }},
		{name: "takes nothing at all", do: func(c net.Conn, _ *bufio.Reader) { <-over }},
		{name: "a close at once", do: func(net.Conn, *bufio.Reader) {}},
		{name: "a body of a byte at a time", do: drips("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "x")},
		{name: "a head of a byte at a time", do: drips("", "HTTP/1.1 200 OK\r\nX-Filler: "+filler)},
		{name: "a body of ten gigabytes", do: says("HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n", filler)},
		{name: "chunks without end", do: says("HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n", "1000\r\n"+filler+"\r\n")},
		{name: "headers without end", do: says("HTTP/1.1 200 OK\r\n", "X-Filler: "+filler+"\r\n")},
		{name: "interim answers without end", do: says("", "HTTP/1.1 100 Continue\r\n\r\n")},
		{name: "hints without end", do: says("", "HTTP/1.1 103 Early Hints\r\nLink: <"+filler+">\r\n\r\n")},
		{name: "the metadata service", do: says("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/meta-data/\r\nContent-Length: 0\r\n\r\n", "")},
		{name: "somebody else", do: says("HTTP/1.1 307 There\r\nLocation: http://"+trap+"/\r\nContent-Length: 0\r\n\r\n", "")},
		{name: "a 200 and a reset", do: func(c net.Conn, r *bufio.Reader) {
			read(r)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
			_ = c.(*net.TCPConn).SetLinger(0)
		}},
		{name: "come back in thirty years", do: says("HTTP/1.1 429 No\r\nRetry-After: 1e9\r\nContent-Length: 0\r\n\r\n", "")},
		{name: "a gzip bomb", do: says("HTTP/1.1 503 Oh\r\nContent-Encoding: gzip\r\nContent-Length: 10737418240\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", strings.Repeat("\x00", 4<<10))},
		{name: "HTTP/0.9", do: says("<html>hello</html>\r\n", "")},
		{name: "SSH", do: says("SSH-2.0-OpenSSH_9.7\r\n", "")},
		{name: "an answer before the request", do: func(c net.Conn, r *bufio.Reader) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			read(r)
		}},
		{name: "a certificate that nobody signed", do: says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""), tls: true},
		{name: "half of a TLS hello", do: func(c net.Conn, r *bufio.Reader) {
			_, _ = io.WriteString(c, "\x16\x03\x03\x40\x00\x02\x00")
			_, _ = io.Copy(io.Discard, r)
		}, tls: true},
	}
}

// serve gives a receiver a URL. It counts connections.
func (x receiver) serve(t *testing.T, seen *atomic.Int64) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	scheme := "http"
	var cfg *tls.Config
	if x.tls {
		scheme = "https"
		env := certificate(t)
		pair, err := tls.LoadX509KeyPair(value(env[0]), value(env[1]))
		require.NoError(t, err)
		cfg = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			seen.Add(1)
			mu.Lock()
			open[c] = true
			mu.Unlock()
			wg.Go(func() {
				if cfg != nil && x.name != "half of a TLS hello" {
					c = tls.Server(c, cfg)
				}
				x.do(c, bufio.NewReader(c))
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		for c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return scheme + "://" + ln.Addr().String() + "/hook"
}

func value(env string) string { _, v, _ := strings.Cut(env, "="); return v }

// Twenty receivers do their worst, each to an app of its own that has the same
// people as one good app. The good one's streams arrive whole and in time, no
// proxy of the environment is asked, no redirect followed, and memory bounded.
func TestHostileReceiversBesideAGoodOne(t *testing.T) {
	t.Parallel()
	row := report.Attack(t, report.Isolation, "hostile receivers beside a good one", "events")
	var trapped, seen atomic.Int64
	trap := receiver{name: "trap", do: says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "")}.serve(t, &trapped)
	env := append(rig.Anywhere("none"), "OFFHOOK_CALLS_APPS_PER_SUBSCRIBER=32",
		"HTTP_PROXY="+trap, "HTTPS_PROXY="+trap, "http_proxy="+trap, "https_proxy="+trap, "ALL_PROXY="+trap, "NO_PROXY=")
	p := rig.Plain.Run(t, env, "serve", "--data-dir", t.TempDir())
	ledger := rig.NewLedger(t)
	const people = 10
	site := rig.Connect(t, p, ledger, people)
	site.Followed(len(site.Subscribers))
	hostile := receivers(t.Context().Done(), strings.TrimSuffix(strings.TrimPrefix(trap, "http://"), "/hook"))
	for _, x := range hostile {
		app := rig.Must(t, 201, "POST", site.Admin("/admin/apps"), rig.Operator,
			fmt.Sprintf(`{"name":%q,"calls_webhook":{"url":%q}}`, x.name, x.serve(t, &seen))).JSON(t)["app_id"].(string)
		for _, sub := range site.Subscribers[:people] {
			rig.Must(t, 204, "PUT", site.Admin("/admin/apps/"+app+"/subscribers/"+sub["subscriber_id"].(string)), rig.Operator, "")
		}
	}
	was := resident(t, p)
	most := was
	rounds := knob(t, "OFFHOOK_HOSTILE_ROUNDS", 10)
	for round := range rounds {
		began := ledger.Count()
		site.Ring(site.Subscribers[:people])
		ledger.Wait(t, "every ring and answer", func() bool { return ledger.Count() >= began+2*people })
		for _, c := range rig.Must(t, 200, "GET", site.API("/calls"), site.Key, "").List(t) {
			rig.Must(t, 204, "DELETE", site.API("/calls/"+c["call_id"].(string)), site.Key, "")
		}
		ledger.Wait(t, "every end", func() bool { return ledger.Count() >= began+3*people })
		most = max(most, resident(t, p))
		require.Less(t, most-was, 150*mega, "memory is bounded, round %d", round)
	}
	ledger.Audit(t)
	require.Empty(t, ledger.Open())
	for sub, stream := range ledger.Streams() {
		for i, d := range stream {
			assert.Equal(t, fmt.Sprint(i+1), d.Sequence, "the stream of %s is whole", sub)
		}
	}
	assert.Zero(t, trapped.Load(), "neither a proxy of the environment nor the target of a redirect is asked")
	row.Add(ledger.Count())
	row.Note("%d receivers, %d hostile connections; %d MB more", len(hostile), seen.Load(), (most-was)/mega)
}
