package webhook

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

// shortTimes makes a client that may talk to loopback and gives up early.
func shortTimes() ClientConfig {
	cfg := ampleTimes()
	cfg.ConnectTimeout, cfg.TLSTimeout, cfg.TotalTimeout = time.Second, time.Second, time.Second
	return cfg
}

// ampleTimes are for those whose answer is to come, however busy the machine is.
func ampleTimes() ClientConfig {
	return ClientConfig{
		Guard: Guard{AllowHTTP: true, AllowPrivate: true}, Version: "test",
		ConnectTimeout: 20 * time.Second, TLSTimeout: 20 * time.Second, TotalTimeout: 20 * time.Second, BodyTimeout: 50 * time.Millisecond,
	}
}

func aim(t *testing.T, cfg ClientConfig, url string) Target {
	t.Helper()
	target, err := NewClient(cfg).Aim("app", tenant.Receiver{URL: url, Secrets: []string{testSecret}})
	require.NoError(t, err)
	t.Cleanup(target.Close)
	return target
}

func note(n int) *engine.Notification {
	return &engine.Notification{
		App: "app", Subscriber: "alice", Kind: engine.StreamCalls, Sequence: uint64(n), EventID: fmt.Sprintf("evt_%d", n),
		Time: time.Now().UnixMilli(), Body: fmt.Appendf(nil, `{"sequence_number":"%d","state":"ringing"}`, n),
	}
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

func TestARequestIsWhatTheContractSays(t *testing.T) {
	verify, err := standardwebhooks.NewWebhook(testSecret)
	require.NoError(t, err)
	var conns sync.Map
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		conns.Store(r.RemoteAddr, true)
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.NoError(t, verify.Verify(body, r.Header))
		require.Equal(t, http.MethodPost, r.Method)
		require.Equal(t, "/hooks/calls?tenant=a%20b", r.RequestURI)
		require.Equal(t, "application/json", r.Header.Get("Content-Type"))
		require.Equal(t, "offhook/test", r.Header.Get("User-Agent"))
		require.Equal(t, int64(len(body)), r.ContentLength)
		require.Equal(t, "evt_7", r.Header.Get("webhook-id"))
		require.Equal(t, string(note(7).Body), string(body))
		w.WriteHeader(http.StatusOK)
		io.WriteString(w, `{"ok":true}`)
	})
	target := aim(t, ampleTimes(), srv.URL+"/hooks/calls?tenant=a%20b")
	for range 20 {
		out := target.Post(parcel(note(7)))
		require.Equal(t, Delivered, out.Class, "%v", out.Err)
		require.Equal(t, 200, out.Status)
	}
	n := 0
	conns.Range(func(any, any) bool { n++; return true })
	require.Equal(t, 1, n, "the connection is kept")
}

func TestProxiesOfTheEnvironmentAreIgnored(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	srv := serve(t, func(http.ResponseWriter, *http.Request) {})
	require.Equal(t, Delivered, aim(t, ampleTimes(), srv.URL).Post(parcel(note(1))).Class)
}

func TestAnswersAndWhatTheyCountFor(t *testing.T) {
	var stray atomic.Int32
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { stray.Add(1) })
	var status atomic.Int32
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", elsewhere.URL)
		w.Header().Set("Retry-After", "1e9")
		w.WriteHeader(int(status.Load()))
	})
	target := aim(t, ampleTimes(), srv.URL)
	for code, want := range map[int]Class{
		200: Delivered, 201: Delivered, 202: Delivered, 204: Delivered, 299: Delivered,
		300: Redirected, 301: Redirected, 302: Redirected, 303: Redirected, 304: Redirected, 307: Redirected, 308: Redirected,
		400: Refused4xx, 401: Refused4xx, 404: Refused4xx, 408: Refused4xx, 429: Refused4xx, 410: Gone,
		500: Failed5xx, 502: Failed5xx, 503: Failed5xx, 599: Failed5xx, 600: Malformed, 999: Malformed,
	} {
		status.Store(int32(code))
		out := target.Post(parcel(note(1)))
		require.Equal(t, want, out.Class, "%d: %v", code, out.Err)
		require.Equal(t, code, out.Status)
		if want == Delivered {
			require.Zero(t, out.RetryAfter)
		} else {
			require.Equal(t, 10*time.Minute, out.RetryAfter)
			require.NotEmpty(t, out.reason())
		}
	}
	require.Zero(t, stray.Load(), "no redirect is followed")
}

func TestRetryAfterIsReadInBothForms(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, "0": 0, "-5": 0, "1e9": 10 * time.Minute, "99999999999999999999999": 10 * time.Minute, "soon": 0, "NaN": 0, "Inf": 10 * time.Minute, "-Inf": 0, "-1e9": 0, "1e309": 0, "2.5": 2500 * time.Millisecond,
		"Fri, 31 Dec 9999 23:59:59 GMT": 10 * time.Minute, "Mon, 23 Nov 0001 11:00:00 GMT": 0, "Mon, 99 Foo 2026 12:01:00 GMT": 0,
		"Mon, 23 Nov 2026 12:01:00 GMT": time.Minute, "Mon, 23 Nov 2026 11:00:00 GMT": 0, "Mon, 23 Nov 2099 11:00:00 GMT": 10 * time.Minute,
	} {
		require.Equal(t, want, retryAfter([]byte(text), nil, now), text)
	}
	date, soon := []byte("Mon, 23 Nov 2026 12:00:00 GMT"), []byte("Mon, 23 Nov 2026 12:01:00 GMT")
	for _, ours := range []time.Time{now, now.Add(-time.Hour), now.AddDate(1, 0, 0)} {
		require.Equal(t, time.Minute, retryAfter(soon, date, ours), "of whom our clock is wrong is no matter")
	}
	require.Equal(t, time.Minute, retryAfter(soon, []byte("today"), now))
}

// raw is a receiver that does with each connection whatever it likes.
func raw(t *testing.T, do func(c net.Conn, r *bufio.Reader)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				do(c, bufio.NewReader(c))
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return "http://" + l.Addr().String()
}

// swallow reads one request and reports whether there was one.
func swallow(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

func reset(c net.Conn) {
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// endless writes until the other side hangs up.
func endless(w io.Writer, piece string) {
	for {
		if _, err := io.WriteString(w, piece); err != nil {
			return
		}
	}
}

// drip writes a byte at a time, slowly, until the other side hangs up.
func drip(c net.Conn, text string) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i = (i + 1) % len(text) {
		if _, err := io.WriteString(c, text[i:i+1]); err != nil {
			return
		}
		<-tick.C
	}
}

// hostile is what receivers do to us, and what it has to count for.
var hostile = []struct {
	name string
	do   func(c net.Conn, r *bufio.Reader)
	want Class
}{
	{"a black hole", func(_ net.Conn, r *bufio.Reader) { io.Copy(io.Discard, r) }, Timeout},
	{"one byte of head at a time", func(c net.Conn, r *bufio.Reader) {
		swallow(r)
		drip(c, "HTTP/1.1 200 OK\r\nX-Filler: "+strings.Repeat("x", 2000))
	}, Timeout},
	{"a 200 with an endless body", func(c net.Conn, r *bufio.Reader) {
		swallow(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		endless(c, strings.Repeat("x", 4096))
	}, Delivered},
	{"a 200 with an endless chunked body", func(c net.Conn, r *bufio.Reader) {
		swallow(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		endless(c, "400\r\n"+strings.Repeat("x", 1024)+"\r\n")
	}, Delivered},
	{"a 200 with ten gigabytes announced", func(c net.Conn, r *bufio.Reader) {
		swallow(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n")
		endless(c, strings.Repeat("x", 4096))
	}, Delivered},
	{"a 200 with a body of one byte at a time", func(c net.Conn, r *bufio.Reader) {
		swallow(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
		drip(c, "x")
	}, Delivered},
	{"a reset after the 200", func(c net.Conn, r *bufio.Reader) {
		swallow(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		c.Close()
	}, Delivered},
	{"a reset right after the 200", func(c net.Conn, r *bufio.Reader) {
		swallow(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		reset(c)
	}, Delivered},
	{"a 200 without a body, and a close in the middle of it", func(c net.Conn, r *bufio.Reader) {
		swallow(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
	}, Delivered},
	{"a reset instead of an answer", func(c net.Conn, r *bufio.Reader) { swallow(r); reset(c) }, Reset},
	{"a close instead of an answer", func(_ net.Conn, r *bufio.Reader) { swallow(r) }, Reset},
	{"a close in the middle of the head", func(c net.Conn, r *bufio.Reader) { swallow(r); io.WriteString(c, "HTTP/1.1 200 OK\r\nConte") }, Malformed},
	{"not HTTP", func(c net.Conn, r *bufio.Reader) { swallow(r); io.WriteString(c, "SSH-2.0-OpenSSH_9.7\r\n\r\n") }, Malformed},
	{"an endless head", func(c net.Conn, r *bufio.Reader) {
		swallow(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		endless(c, "X-Filler: "+strings.Repeat("x", 500)+"\r\n")
	}, Malformed},
	{"endless interim answers", func(c net.Conn, r *bufio.Reader) { swallow(r); endless(c, "HTTP/1.1 100 Continue\r\n\r\n") }, Malformed},
	{"one interim answer", func(c net.Conn, r *bufio.Reader) {
		swallow(r)
		io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
	}, Delivered},
	{"another protocol", func(c net.Conn, r *bufio.Reader) {
		swallow(r)
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
	}, Malformed},
	{"a redirect to the metadata service", func(c net.Conn, r *bufio.Reader) {
		swallow(r)
		io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/meta-data/\r\nContent-Length: 0\r\n\r\n")
	}, Redirected},
	{"Retry-After for thirty years", func(c net.Conn, r *bufio.Reader) {
		swallow(r)
		io.WriteString(c, "HTTP/1.1 503 Busy\r\nRetry-After: 1e9\r\nContent-Length: 0\r\n\r\n")
	}, Failed5xx},
}

func TestHostileReceivers(t *testing.T) {
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			target := aim(t, shortTimes(), raw(t, tt.do))
			for i := range 2 {
				began := time.Now()
				out := target.Post(parcel(note(i + 1)))
				require.Equal(t, tt.want, out.Class, "%v", out.Err)
				require.Less(t, time.Since(began), 3*time.Second)
			}
		})
	}
}

func TestAKeptConnectionThatWasClosedIsNotAFailure(t *testing.T) {
	var served, dialled atomic.Int32
	hung := make(chan struct{}, 8)
	url := raw(t, func(c net.Conn, r *bufio.Reader) {
		dialled.Add(1)
		if swallow(r) {
			served.Add(1)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
		c.Close() // without a word, as an idle timeout does
		hung <- struct{}{}
	})
	target := aim(t, shortTimes(), url)
	for i := range 5 {
		require.Equal(t, Delivered, target.Post(parcel(note(i+1))).Class)
		<-hung
	}
	require.EqualValues(t, 5, served.Load())
	require.EqualValues(t, 5, dialled.Load())
}

func TestANewConnectionThatIsClosedIsAFailure(t *testing.T) {
	var dialled atomic.Int32
	url := raw(t, func(_ net.Conn, r *bufio.Reader) { dialled.Add(1); swallow(r) })
	require.Equal(t, Reset, aim(t, ampleTimes(), url).Post(parcel(note(1))).Class)
	require.EqualValues(t, 1, dialled.Load(), "one attempt is one request")
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	url := "http://" + l.Addr().String()
	l.Close()
	require.Equal(t, ConnRefused, aim(t, ampleTimes(), url).Post(parcel(note(1))).Class)
}

func TestANameThatDoesNotResolve(t *testing.T) {
	cfg := shortTimes()
	cfg.Resolver = &net.Resolver{PreferGo: true, Dial: resolveTo(t, nil)}
	out := aim(t, cfg, "https://hooks.example.com/").Post(parcel(note(1)))
	require.Equal(t, DNS, out.Class, "%v", out.Err)
}

func TestANameThatTurnsPrivateIsBlocked(t *testing.T) {
	cfg := shortTimes()
	cfg.Guard = Guard{}
	for _, ip := range []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(169, 254, 169, 254), net.IPv4(10, 0, 0, 1)} {
		cfg.Resolver = &net.Resolver{PreferGo: true, Dial: resolveTo(t, ip.To4())}
		out := aim(t, cfg, "https://rebind.example.com/").Post(parcel(note(1)))
		require.Equal(t, Blocked, out.Class, "%v", out.Err)
		require.Contains(t, out.reason(), "not allowed")
	}
}

// A name may turn private between two attempts: each connection is judged.
func TestANameThatTurnsPrivateLaterIsBlocked(t *testing.T) {
	cfg := shortTimes() // 127.0.0.1 stands for a public address
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	require.NoError(t, err)
	before, after := resolveTo(t, net.IPv4(127, 0, 0, 1).To4()), resolveTo(t, net.IPv4(169, 254, 169, 254).To4())
	var turned atomic.Bool
	cfg.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if turned.Load() {
			return after(ctx, network, address)
		}
		return before(ctx, network, address)
	}}
	target := aim(t, cfg, "http://rebind.example.com:"+port)
	require.Equal(t, Delivered, target.Post(parcel(note(1))).Class)
	turned.Store(true)
	out := target.Post(parcel(note(2)))
	require.Equal(t, Blocked, out.Class, "%v", out.Err)
	require.NotContains(t, out.reason(), "169.254", "what a name resolves to is not told")
}

func TestCertificatesAreVerified(t *testing.T) {
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	trusted := x509.NewCertPool()
	trusted.AddCert(srv.Certificate())

	cfg := shortTimes()
	out := aim(t, cfg, srv.URL).Post(parcel(note(1)))
	require.Equal(t, TLS, out.Class, "a certificate of nobody: %v", out.Err)
	require.Equal(t, "the certificate was not accepted: nobody we know vouches for it", out.reason())

	cfg.RootCAs = trusted
	require.Equal(t, Delivered, aim(t, cfg, srv.URL).Post(parcel(note(1))).Class)

	cfg.Resolver = &net.Resolver{PreferGo: true, Dial: resolveTo(t, net.IPv4(127, 0, 0, 1).To4())}
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	require.NoError(t, err)
	require.Equal(t, Delivered, aim(t, cfg, "https://example.com:"+port).Post(parcel(note(1))).Class, "the name of the certificate")
	out = aim(t, cfg, "https://example.org:"+port).Post(parcel(note(1)))
	require.Equal(t, TLS, out.Class, "another name")
	require.Equal(t, "the certificate was not accepted: it is for another name", out.reason())

	old := httptest.NewUnstartedServer(handler)
	old.Config.ErrorLog = log.New(io.Discard, "", 0)
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	t.Cleanup(old.Close)
	require.Equal(t, TLS, aim(t, cfg, old.URL).Post(parcel(note(1))).Class, "TLS 1.1")

	plain := serve(t, handler)
	require.Equal(t, TLS, aim(t, cfg, "https"+strings.TrimPrefix(plain.URL, "http")).Post(parcel(note(1))).Class, "no TLS at all")

	mute := raw(t, func(_ net.Conn, r *bufio.Reader) { io.Copy(io.Discard, r) })
	require.Equal(t, Timeout, aim(t, cfg, "https"+strings.TrimPrefix(mute, "http")).Post(parcel(note(1))).Class, "a handshake without an answer")
}

func TestUnusableReceiversAreRefused(t *testing.T) {
	client := NewClient(ClientConfig{})
	for _, r := range []tenant.Receiver{
		{URL: "http://hooks.example.com/", Secrets: []string{testSecret}},
		{URL: "https://10.0.0.1/", Secrets: []string{testSecret}},
		{URL: "https://hooks.example.com/"},
		{URL: "https://hooks.example.com/", Secrets: []string{"whsec_short"}},
	} {
		_, err := client.Aim("app", r)
		require.Error(t, err)
	}
}

func TestAbortEndsAnAttemptAsCanceled(t *testing.T) {
	arrived := make(chan struct{})
	url := raw(t, func(_ net.Conn, r *bufio.Reader) { swallow(r); close(arrived); io.Copy(io.Discard, r) })
	cfg := shortTimes()
	cfg.TotalTimeout = time.Minute
	target := aim(t, cfg, url)
	go func() { <-arrived; target.Abort() }()
	require.Equal(t, Canceled, target.Post(parcel(note(1))).Class)
	require.Equal(t, Canceled, target.Post(parcel(note(1))).Class, "and there is no other")
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	closed := make(chan struct{})
	url := raw(t, func(c net.Conn, r *bufio.Reader) {
		swallow(r)
		io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		io.Copy(io.Discard, r)
		close(closed)
	})
	cfg := shortTimes()
	cfg.IdleTimeout = 20 * time.Millisecond
	require.Equal(t, Delivered, aim(t, cfg, url).Post(parcel(note(1))).Class)
	<-closed
}
