package broadworks

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func glanced(answer string) (status, length, left int) {
	in := bufio.NewReader(strings.NewReader(answer))
	_, _ = in.Peek(1)
	status, length = glance(in, 1000)
	return status, length, in.Buffered()
}

func TestAPlainAnswerIsSeenAtAGlance(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200\r\nDate: Sun, 29 Nov 2026 01:00:00 GMT\r\ncontent-length:0\r\n\r\n",
		"HTTP/1.1 201 Created\r\nServer: Apache\r\nConnection: keep-alive\r\nKeep-Alive: timeout=4\r\nContent-Length:  0 \r\n\r\n",
	} {
		status, length, left := glanced(answer)
		require.NotZero(t, status, answer)
		require.Zero(t, length)
		require.Zero(t, left)
	}
	_, length, left := glanced("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
	require.Equal(t, []int{5, 5}, []int{length, left}, "the body is left to the reader")
}

func TestWhatIsNotPlainIsLeftAlone(t *testing.T) {
	for _, answer := range []string{
		"", "H", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
		"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding : chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: a\r\n b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: a=b\r\n\r\n",
	} {
		status, _, left := glanced(answer)
		require.Zero(t, status, "%q", answer)
		require.Equal(t, len(answer), left, "%q", answer)
	}
}

// What is plain at a glance is to net/http too.
func FuzzGlance(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nyesHTTP/1.1"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		in := bufio.NewReaderSize(bytes.NewReader(answer), 1<<12)
		_, _ = in.Peek(1)
		status, length := glance(in, 1000)
		if status == 0 {
			return
		}
		res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
		if err != nil {
			return // it is stricter about what neither of us has use for
		}
		require.Equal(t, status, res.StatusCode)
		require.Equal(t, int64(length), res.ContentLength)
		require.False(t, res.Close)
		require.Empty(t, res.Cookies())
		rest, err := io.ReadAll(in)
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(answer)-len(rest), len("HTTP/1.1 200\r\n\r\n"))
		body, _ := io.ReadAll(res.Body)
		require.True(t, bytes.HasPrefix(rest, body))
	})
}
