package xsicontact

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whatever bytes a peer sends, what is handed over came whole on the secret
// path, no longer than is allowed, and the listener lives on.
func FuzzListener(f *testing.F) {
	const limit = 2048
	f.Add([]byte(posted(secretPath, "<a/>")))
	f.Add([]byte(posted(secretPath, "<a/>") + posted(secretPath, "<b/>")))
	f.Add([]byte(posted("/xsi/other", "<a/>") + "GET / HTTP/1.0\r\n\r\n"))
	f.Add([]byte("POST " + secretPath + " HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n<a\r\n2\r\n/>\r\n0\r\n\r\n"))
	f.Add([]byte("POST " + secretPath + " HTTP/1.1\r\nHost: r\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n<a/>"))
	f.Add([]byte("POST " + secretPath + "?x=1 HTTP/1.1\nHost: r\nContent-Length: 99999\n\n"))
	f.Add([]byte(posted(secretPath, strings.Repeat("long ", limit))))
	files, err := filepath.Glob("../../provider/broadworks/testdata/captures/*.xml")
	require.NoError(f, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add([]byte(posted(secretPath, string(b))))
	}
	d := open(f, func(c *Config) { c.MaxBody, c.ReadTimeout = limit, time.Second })
	f.Fuzz(func(t *testing.T, sent []byte) {
		d.TB = t
		d.clerk.forget()
		c := d.raw()
		_, err := c.Write(sent)
		require.NoError(t, err)
		require.NoError(t, c.(*net.TCPConn).CloseWrite())
		require.NoError(t, c.SetReadDeadline(time.Now().Add(20*time.Second)))
		answers := bufio.NewReader(c)
		good := 0
		for {
			res, err := http.ReadResponse(answers, nil)
			if err != nil {
				break // the end, or a connection that was cut off
			}
			if _, err := io.Copy(io.Discard, res.Body); err != nil {
				break
			}
			if res.StatusCode == http.StatusOK {
				good++
			}
		}
		taken := d.clerk.documents()
		require.LessOrEqual(t, good, len(taken), "a 200 without a document")
		for _, doc := range taken {
			require.LessOrEqual(t, len(doc), limit)
		}
		if len(taken) > 0 {
			require.Contains(t, string(sent), secretPath[1:])
		}
		require.Equal(t, 200, d.say(posted(secretPath, "<alive/>")).StatusCode)
	})
}
