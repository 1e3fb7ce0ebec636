package httpapi

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fuzzedKey stands for the key of the day in what is sent.
const fuzzedKey = "THE-KEY"

// Whatever bytes a client sends: each answer is whole, a refusal is a problem
// document, nothing is our fault, and nobody without a key moves a call.
func FuzzPublic(f *testing.F) {
	head := "POST /apps/" + appID + "/calls HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + fuzzedKey + "\r\n"
	for _, sent := range []string{
		head + "Content-Length: 2\r\n\r\n{}",
		head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		head + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		head + "Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: 2\r\n\r\n{}",
		head + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
		"GET /apps/" + appID + "/calls?limit=1&after=MTp4 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + fuzzedKey + "\r\n\r\n",
		"PUT /apps/" + appID + "/calls/callhalf-13467354071:0/hold HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + fuzzedKey + "\r\n\r\n",
		"DELETE /apps/%2e%2e/calls/x HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n", "\x16\x03\x01", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		f.Add([]byte(sent))
	}
	body, err := json.Marshal(json.RawMessage(good))
	require.NoError(f, err)
	f.Add([]byte(head + "Content-Type: application/json\r\nContent-Length: 180\r\n\r\n" + string(body)))
	f.Fuzz(func(t *testing.T, sent []byte) {
		if len(sent) > 64<<10 {
			return
		}
		h := newHouse(t)
		c := h.raw()
		// What stands behind a refusal may never be read, nor its writing end.
		go func() {
			_, _ = io.WriteString(c, strings.ReplaceAll(string(sent), fuzzedKey, h.key))
			_ = c.(*net.TCPConn).CloseWrite()
		}()
		answers := bufio.NewReader(c)
		for {
			resp, err := http.ReadResponse(answers, nil)
			if err != nil {
				break // the end, or a connection that was cut off
			}
			b, err := io.ReadAll(resp.Body)
			if err != nil {
				break
			}
			require.Less(t, resp.StatusCode, 500, "%s", b)
			if resp.StatusCode >= 400 && len(b) > 0 { // the answer to HEAD looks like one with a body, and has none
				require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
				require.Contains(t, string(b), `"code":"`)
			}
		}
		if !strings.Contains(string(sent), fuzzedKey) {
			require.Empty(t, h.calls.commands())
		}
		require.Equal(t, 200, h.get("/apps/"+appID+"/calls").StatusCode, "the next client is served")
	})
}
