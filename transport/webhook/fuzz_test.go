package webhook

import (
	"bufio"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A URL that is taken names a public host by a scheme that is allowed, in a
// form that no resolver reads as another address, and no login.
func FuzzGuardURL(f *testing.F) {
	for _, url := range []string{
		"https://hooks.example.com/x?y=z", "https://hooks.example.com:8443/", "http://hooks.example.com/", "https://127.0.0.1/", "https://[::ffff:127.0.0.1]/", "https://0x7f.1/",
		"https://user:pass@hooks.example.com/", "https://[fe80::1%25eth0]/", "https://hooks.example.com#x", "https://169.254.169.254/latest", "https://127。0。0。1/", "https:hooks.example.com",
		"https://[64:ff9b::7f00:1]/", "https://1.1.1.1/", "https://[2606:4700::1111]/", "https://hooks.example.com:443:443/", "https://2130706433/", "HTTPS://HOOKS.EXAMPLE.COM./",
	} {
		f.Add(url)
	}
	strict := &Guard{}
	f.Fuzz(func(t *testing.T, url string) {
		u, err := strict.CheckURL("app", url)
		if err != nil {
			require.ErrorIs(t, err, ErrBlocked)
			return
		}
		require.Equal(t, "https", u.Scheme)
		require.Nil(t, u.User)
		require.Empty(t, u.Fragment)
		host := u.Hostname()
		require.NotEmpty(t, host)
		require.Empty(t, strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789.-_:"), "a plain host")
		if addr, err := netip.ParseAddr(host); err == nil {
			require.Empty(t, addr.Zone())
			addr = addr.Unmap()
			require.False(t, addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() || addr.IsMulticast() || addr.IsUnspecified(), "%s", addr)
			return
		}
		labels := strings.Split(strings.TrimSuffix(host, "."), ".")
		require.NotEmpty(t, strings.Trim(labels[len(labels)-1], "0123456789"), "a resolver may take it for an address")
	})
}

// Whatever a receiver asks for, it is waited for no longer than is promised.
func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{"120", "0", "-5", "1e9", "NaN", "Inf", "-Inf", "0x1p9", "1_0", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 23 Nov 2026 12:01:00 GMT", "soon", " 5", "99999999999999999999"} {
		f.Add(value)
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		wait := retryAfter([]byte(value), []byte(value), now)
		require.GreaterOrEqual(t, wait, time.Duration(0))
		require.LessOrEqual(t, wait, maxRetryAfter)
	})
}

// Nobody but the owner of the secret signs, whatever the headers look like.
func FuzzVerifier(f *testing.F) {
	f.Add("msg_1", "1795435200", "v1,AAAA v1a,BBBB", []byte("{}"))
	f.Add("msg_1", "-1", "v1,", []byte(nil))
	f.Add("", "9223372036854775807", "v1,"+strings.Repeat("A", 43)+"=", []byte("x"))
	v, err := NewVerifier(testSecret)
	require.NoError(f, err)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, id, timestamp, signatures string, body []byte) {
		require.Error(t, v.Verify(now, id, timestamp, signatures, body))
	})
}

// Whatever a receiver answers with, an attempt ends in its time with a class,
// and nothing but what stands behind a status line of its own counts for success.
func FuzzAnswer(f *testing.F) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 429 No\r\nRetry-After: 1e9\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\nContent-Length: 0\n\n", "HTTP/1.1 20", "<html>", "SSH-2.0-x\r\n", "HTTP/1.1 999 ?\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n",
	} {
		f.Add([]byte(answer))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		url := raw(t, func(c net.Conn, r *bufio.Reader) {
			if swallow(r) {
				_, _ = c.Write(answer)
			}
		})
		began := time.Now()
		out := aim(t, shortTimes(), url).Post(parcel(note(1)))
		require.Less(t, time.Since(began), 10*time.Second)
		if out.Class == Delivered {
			require.Contains(t, string(answer), " 2", "it was refused or not answered")
		}
		require.LessOrEqual(t, len(out.Excerpt), maxExcerpt)
	})
}
