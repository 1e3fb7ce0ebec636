package web

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

// A body counts by what it holds, and a request by what it takes on the wire:
// what is in neither count is read no further than the bound.
func TestWhatIsInNoBodyIsBoundedToo(t *testing.T) {
	s, err := NewServer(Config{MaxBody: 1 << 10, MaxHeader: 1 << 10, IdleWorker: 50 * time.Millisecond, Handler: func(ctx *fasthttp.RequestCtx) {
		ctx.SetStatusCode(fasthttp.StatusNoContent)
	}})
	require.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	defer func() {
		require.NoError(t, s.Shutdown(context.Background()))
		require.NoError(t, <-served)
	}()
	const head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	for name, tt := range map[string]struct {
		body string
		want int
	}{
		"chunks of a byte":      {strings.Repeat("1\r\nx\r\n", 1<<10) + "0\r\n\r\n", 204},
		"an extension":          {"1;a=b\r\nx\r\n0\r\n\r\n", 204},
		"an endless extension":  {"1;" + strings.Repeat("x", 64<<10) + "\r\nx\r\n0\r\n\r\n", 400},
		"extensions everywhere": {strings.Repeat("1;"+strings.Repeat("x", 1<<10)+"\r\nx\r\n", 64) + "0\r\n\r\n", 400},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", ln.Addr().String())
			require.NoError(t, err)
			defer c.Close()
			require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
			r := bufio.NewReader(c)
			for range 3 { // bounds are of one request, not of a connection
				_, err = io.WriteString(c, head+tt.body)
				require.NoError(t, err)
				resp, err := http.ReadResponse(r, nil)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				require.Equal(t, tt.want, resp.StatusCode)
				if tt.want != 204 {
					require.True(t, resp.Close)
					return
				}
			}
		})
	}
}
