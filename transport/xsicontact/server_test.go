package xsicontact

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestADocumentIsHandedOverAndAnsweredAsTheContactSays(t *testing.T) {
	d := open(t, nil)
	c := d.raw()
	require.Equal(t, 200, ask(t, c, posted(secretPath, "<a/>")).StatusCode)
	d.clerk.mu.Lock()
	d.clerk.status = http.StatusServiceUnavailable
	d.clerk.mu.Unlock()
	res := ask(t, c, posted(secretPath, "<b/>"))
	require.Equal(t, 503, res.StatusCode)
	require.Equal(t, "1", res.Header.Get("Retry-After"))
	require.Equal(t, []string{"<a/>", "<b/>"}, d.clerk.documents(), "one connection serves many")
}

func TestABodyMayComeInChunksAndWithoutAType(t *testing.T) {
	d := open(t, nil)
	require.Equal(t, 200, d.say("POST "+secretPath+" HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n<a\r\n2\r\n/>\r\n0\r\n\r\n").StatusCode)
	require.Equal(t, []string{"<a/>"}, d.clerk.documents())
}

func TestWhoDoesNotKnowThePathFindsNothing(t *testing.T) {
	d := open(t, nil)
	for _, path := range []string{"/", "/xsi", "/xsi/", secretPath[:len(secretPath)-1], secretPath + "0", "/XSI/0123456789ABCDEF", "/%00", "/" + strings.Repeat("a", 4000)} {
		require.Equal(t, 404, d.say(posted(path, "<a/>")).StatusCode, path)
	}
	require.Equal(t, 405, d.say("GET "+secretPath+" HTTP/1.1\r\nHost: r\r\n\r\n").StatusCode)
	require.Empty(t, d.clerk.documents())
	require.Positive(t, d.refusals("path"))
	require.NotContains(t, d.log.String(), "0123456789abcdef")
}

// Who is not in the list is cut off without a word, and without being heard.
func TestOnlyTheAllowListIsReadFrom(t *testing.T) {
	d := open(t, func(c *Config) {
		c.Allow = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	})
	for range 3 {
		c, err := net.Dial("tcp", d.addr)
		if err == nil { // else it was cut off even before that returned
			require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
			_, err = c.Read(make([]byte, 1))
			_ = c.Close()
		}
		require.Error(t, err)
		var late net.Error
		require.False(t, errors.As(err, &late) && late.Timeout(), "it is cut off, not kept waiting: %v", err)
	}
	require.Empty(t, d.clerk.documents())
	require.Eventually(t, func() bool { return d.refusals("source") == 3 }, 10*time.Second, time.Millisecond)
	require.Equal(t, 1, strings.Count(d.log.String(), "not in the allow-list"), "a flood does not fill the log")
	require.Contains(t, d.log.String(), "from=127.0.0.1", "the operator sees whom to add")
}

func TestBehindAProxyTheLastForwardedAddressCounts(t *testing.T) {
	d := open(t, func(c *Config) {
		c.TrustForwarded = true
		c.Allow = append(loopback(), netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32"))
	})
	for header, want := range map[string]int{
		"":                           404, // the proxy does not say
		"X-Forwarded-For: 192.0.2.7": 200,
		"X-Forwarded-For: 203.0.113.9, 192.0.2.7": 200,
		"X-Forwarded-For: 2001:db8::7":            200,
		"X-Forwarded-For: ::ffff:192.0.2.7":       200,
		"X-Forwarded-For: 192.0.2.7, 203.0.113.9": 404, // the client says what it likes
		"X-Forwarded-For: 192.0.2.7:443":          404,
		"X-Forwarded-For: unknown":                404,
		"X-Forwarded-For: ":                       404,
	} {
		request := posted(secretPath, "<a/>")
		if header != "" {
			request = posted(secretPath, "<a/>", header)
		}
		require.Equal(t, want, d.say(request).StatusCode, header)
	}
	// Two headers: the last one is the proxy's.
	require.Equal(t, 404, d.say(posted(secretPath, "<a/>", "X-Forwarded-For: 192.0.2.7", "X-Forwarded-For: 203.0.113.9")).StatusCode)
	require.Len(t, d.clerk.documents(), 4)
}

func TestWithoutTrustTheHeaderSaysNothing(t *testing.T) {
	d := open(t, nil)
	require.Equal(t, 200, d.say(posted(secretPath, "<a/>", "X-Forwarded-For: 203.0.113.9")).StatusCode)
}

func TestALongBodyIsRefused(t *testing.T) {
	d := open(t, func(c *Config) { c.MaxBody = 1000 })
	require.Equal(t, 200, d.say(posted(secretPath, strings.Repeat("a", 1000))).StatusCode)
	require.Equal(t, 413, d.say(posted(secretPath, strings.Repeat("a", 1001))).StatusCode)
	require.Equal(t, 413, d.say("POST "+secretPath+" HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n"+strings.Repeat("a", 2000)+"\r\n0\r\n\r\n").StatusCode)
	require.Equal(t, 431, d.say("POST "+secretPath+" HTTP/1.1\r\nHost: r\r\nX: "+strings.Repeat("a", 10000)+"\r\n\r\n").StatusCode)
	require.Len(t, d.clerk.documents(), 1)
}

func TestASlowBodyIsGivenUp(t *testing.T) {
	d := open(t, func(c *Config) { c.ReadTimeout = 50 * time.Millisecond })
	for _, begun := range []string{"POST " + secretPath + " HTTP/1.1\r\nHo", posted(secretPath, "<a/>")[:len(posted(secretPath, "<a/>"))-1]} {
		require.Equal(t, 408, d.say(begun).StatusCode)
	}
	require.Empty(t, d.clerk.documents())
}

func TestConnectionsAreBounded(t *testing.T) {
	d := open(t, func(c *Config) { c.MaxConns = 2 })
	require.Equal(t, 200, d.say(posted(secretPath, "<a/>")).StatusCode)
	require.Equal(t, 200, d.say(posted(secretPath, "<b/>")).StatusCode)
	require.Equal(t, 429, answer(t, d.raw()).StatusCode)
}

func TestTLSWithACertificateThatChanges(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := certificate(t, dir, "first")
	d := open(t, func(c *Config) { c.CertFile, c.KeyFile = certFile, keyFile })
	name := func() string {
		c := tls.Client(d.raw(), &tls.Config{InsecureSkipVerify: true})
		defer c.Close()
		require.Equal(t, 200, ask(t, c, posted(secretPath, "<a/>")).StatusCode)
		return c.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	require.Equal(t, "first", name())
	certificate(t, dir, "the second one")
	require.Eventually(t, func() bool { return name() == "the second one" }, 10*time.Second, 50*time.Millisecond)

	old := tls.Client(d.raw(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10})
	require.Error(t, old.Handshake())
}

func TestWhatIsBeingAnsweredWhenItEndsIsAnswered(t *testing.T) {
	d := open(t, nil)
	d.clerk.hold = make(chan struct{})
	c := d.raw()
	_, err := io.WriteString(c, posted(secretPath, "<a/>"))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(d.clerk.documents()) == 1 }, 10*time.Second, time.Millisecond)
	d.stop()
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", d.addr)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, 10*time.Second, time.Millisecond, "nobody else is let in")
	close(d.clerk.hold)
	require.Equal(t, 200, answer(t, c).StatusCode)
}

func TestAnAddressThatIsTakenAndABadCertificateAreErrors(t *testing.T) {
	d := open(t, nil)
	err := Config{Listen: d.addr}.Serve(context.Background(), d.clerk, func() { t.Error("bound") })
	require.ErrorContains(t, err, "listen for the http contact")
	err = Config{Listen: "127.0.0.1:0", CertFile: "nowhere.pem", KeyFile: "nowhere.pem"}.Serve(context.Background(), d.clerk, func() { t.Error("bound") })
	require.ErrorContains(t, err, "certificate")
}

// A listener that comes back on the same address goes on.
func TestAListenerThatIsRestarted(t *testing.T) {
	d := open(t, nil)
	require.Equal(t, 200, d.say(posted(secretPath, "<a/>")).StatusCode)
	d.stop()
	require.NoError(t, <-d.ended)
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	bound := make(chan struct{})
	go func() {
		d.ended <- Config{Listen: d.addr, Allow: loopback(), IdleWorker: 50 * time.Millisecond}.Serve(ctx, d.clerk, func() { close(bound) })
	}()
	<-bound
	require.Equal(t, 200, d.say(posted(secretPath, "<b/>")).StatusCode)
	require.Equal(t, []string{"<a/>", "<b/>"}, d.clerk.documents())
}
