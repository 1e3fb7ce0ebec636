package broadworks

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
)

// counter is an XSP that takes acknowledgements, one connection after the other.
type counter struct {
	t     *testing.T
	p     *Provider
	conns chan net.Conn
	conn  net.Conn
	in    *bufio.Reader
}

// atCounter has so many acknowledgements wait before any is sent, and one
// goroutine send them while the test is the XSP.
func atCounter(t *testing.T, wait int, play func(c *counter)) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{t: t, conns: make(chan net.Conn)}
		p, err := New(Config{
			Network: tenant.BroadWorks{XSPs: []string{"http://xsp1"}, Username: "admin"}, Sink: &sink{},
			Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
				require.Equal(t, "xsp1:80", address)
				ours, theirs := net.Pipe()
				select {
				case c.conns <- theirs:
					return ours, nil
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			},
		})
		require.NoError(t, err)
		p.gate.admit(0)
		c.p = p
		for i := range wait {
			p.answer(asker{x: p.xsps.Load().all[0]}, fmt.Sprint("e", i), ackOK)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); p.acknowledge(ctx) }()
		c.accept()
		play(c)
		stop()
		<-ended
		_ = c.conn.Close()
		p.clients.close()
	})
}

func (c *counter) accept() {
	c.conn = <-c.conns
	c.in = bufio.NewReader(c.conn)
}

// read takes one request and returns the id that it acknowledges.
func (c *counter) read() (id string, req *http.Request) {
	c.t.Helper()
	req, err := http.ReadRequest(c.in)
	require.NoError(c.t, err)
	body, err := io.ReadAll(req.Body)
	require.NoError(c.t, err)
	m := idPattern.FindSubmatch(body)
	require.Len(c.t, m, 3, "%s", body)
	return string(m[1]), req
}

func (c *counter) say(answer string) {
	c.t.Helper()
	_, err := io.WriteString(c.conn, answer)
	require.NoError(c.t, err)
}

const taken = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

func TestAcknowledgementsThatWaitLeaveTogether(t *testing.T) {
	atCounter(t, 20, func(c *counter) {
		for n := 0; n < 20; {
			var ids []string
			for {
				id, req := c.read()
				require.Equal(t, "/com.broadsoft.xsi-events/v2.0/channel/eventresponse", req.URL.Path)
				require.NotEmpty(t, req.Header.Get("Authorization"))
				require.Equal(t, "xsp1", req.Host)
				ids = append(ids, id)
				if n++; c.in.Buffered() == 0 {
					break
				}
			}
			if n < 20 {
				require.Greater(t, len(ids), 1, "nothing is answered yet")
			}
			for range ids {
				c.say(taken)
			}
		}
		synctest.Wait()
		require.Empty(t, c.p.acks)
	})
}

// Whoever ends the connection between two answers does not take several at
// once. What it left is sent again, and from then on one at a time.
func TestAnXSPThatTakesOneAtATimeIsAskedSo(t *testing.T) {
	for name, answer := range map[string]string{
		"and says so": "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
		"and breaks":  taken,
	} {
		t.Run(name, func(t *testing.T) {
			atCounter(t, 30, func(c *counter) {
				seen := map[string]bool{}
				id, _ := c.read()
				seen[id] = true
				require.NotZero(t, c.in.Buffered(), "several at once")
				c.say(answer)
				_ = c.conn.Close()
				c.accept() // what was left goes by itself
				for len(seen) < 30 {
					id, _ := c.read()
					seen[id] = true
					require.Zero(t, c.in.Buffered(), "one at a time")
					c.say(taken)
					select {
					case c.conn = <-c.conns: // after those that were left, the line goes on
						c.in = bufio.NewReader(c.conn)
					case <-time.After(time.Millisecond):
					}
				}
				require.True(t, c.p.xsps.Load().all[0].lone.Load())
			})
		})
	}
}

func TestACookieOfAnAnswerComesBack(t *testing.T) {
	atCounter(t, 1, func(c *counter) {
		_, req := c.read()
		require.Empty(t, req.Cookies())
		c.say("HTTP/1.1 200 OK\r\nSet-Cookie: route=node2; Path=/; Secure\r\nContent-Length: 0\r\n\r\n")
		synctest.Wait()
		c.p.answer(asker{x: c.p.xsps.Load().all[0]}, "late", ackUnknownSubscription)
		id, req := c.read()
		require.Equal(t, "late", id)
		require.Equal(t, "route=node2", req.Header.Get("Cookie"))
		c.say(taken)
		synctest.Wait()
	})
}

func TestAnIdleLineIsClosedBeforeTheXSPDoes(t *testing.T) {
	atCounter(t, 1, func(c *counter) {
		c.read()
		c.say(taken)
		began := time.Now()
		_, err := c.in.ReadByte()
		require.ErrorIs(t, err, io.EOF)
		require.InDelta(t, ackIdle.Seconds(), time.Since(began).Seconds(), 0.1)
	})
}
