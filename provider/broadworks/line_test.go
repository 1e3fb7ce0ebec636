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

// counter is an XSP that takes acknowledgements, byte by byte as a test has it.
type counter struct {
	*testing.T
	p     *Provider
	x     *xsp
	conns chan net.Conn
	conn  net.Conn
	in    *bufio.Reader
	stop  context.CancelFunc
}

// atCounter has one goroutine send acknowledgements while the test is the XSP.
func atCounter(t *testing.T, play func(c *counter)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &counter{T: t, conns: make(chan net.Conn)}
		p, err := New(Config{
			Network: tenant.BroadWorks{XSPs: []string{"http://xsp1"}, Username: "admin", Password: "secret"}, Sink: &sink{},
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
		c.p, c.x = p, p.order()[0]
		ctx, stop := context.WithCancel(t.Context())
		c.stop = stop
		ended := make(chan struct{})
		go func() { defer close(ended); p.acknowledge(ctx) }()
		play(c)
		stop()
		<-ended
		if c.conn != nil {
			_ = c.conn.Close()
		}
	})
}

// owe queues an acknowledgement.
func (c *counter) owe(id string) {
	c.p.answer(asker{x: c.x}, id, ackOK)
	synctest.Wait()
}

// accept waits for a new connection.
func (c *counter) accept() {
	c.Helper()
	c.conn = <-c.conns
	c.in = bufio.NewReader(c.conn)
}

// onward goes on with a new connection, if there is one by now.
func (c *counter) onward() {
	synctest.Wait()
	select {
	case conn := <-c.conns:
		_ = c.conn.Close()
		c.conn, c.in = conn, bufio.NewReader(conn)
	default:
	}
}

// hear reads one request, which acknowledges an event.
func (c *counter) hear(id string) *http.Request {
	c.Helper()
	req, err := http.ReadRequest(c.in)
	require.NoError(c, err)
	body, err := io.ReadAll(req.Body)
	require.NoError(c, err)
	require.Equal(c, ackBody(id, ackOK), string(body))
	return req
}

func (c *counter) say(answer string) {
	c.Helper()
	_, err := io.WriteString(c.conn, answer)
	require.NoError(c, err)
	synctest.Wait()
}

const thanks = "HTTP/1.1 200 OK\r\nDate: Sun, 29 Nov 2026 01:00:00 GMT\r\nContent-Length: 0\r\n\r\n"

func TestAcknowledgementsStayOnTheirLine(t *testing.T) {
	atCounter(t, func(c *counter) {
		c.owe("e1")
		c.accept()
		req := c.hear("e1")
		require.Equal(c, "POST /com.broadsoft.xsi-events/v2.0/channel/eventresponse", req.Method+" "+req.RequestURI)
		require.Equal(c, "xsp1", req.Host)
		require.Equal(c, http.Header{
			"Authorization": {basic("admin", "secret")}, "User-Agent": {"offhook"}, "Accept": {"application/xml, text/xml"},
			"Content-Type": {"application/xml; charset=UTF-8"}, "Content-Length": {fmt.Sprint(req.ContentLength)},
		}, req.Header)
		c.say(thanks)
		c.owe("e2")
		c.hear("e2")
		c.say(thanks[:20]) // in pieces, too
		c.say(thanks[20:])
		c.owe("e3")
		c.hear("e3")
		c.say("HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n")
		c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n")
		c.owe("e4")
		c.hear("e4")
		c.say("HTTP/1.1 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 3\r\n\r\nyes")
		c.owe("e5")
		c.hear("e5")
	})
}

func TestALineThatWasClosedCostsNoAcknowledgement(t *testing.T) {
	atCounter(t, func(c *counter) {
		c.owe("e1")
		c.accept()
		c.hear("e1")
		c.say(thanks)
		require.NoError(c, c.conn.Close())
		began := time.Now()
		c.owe("e2")
		c.accept()
		c.hear("e2")
		require.Equal(c, began, time.Now(), "it leaves again at once")
		c.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		c.owe("e3")
		c.accept()
		c.hear("e3")
		c.say(thanks + thanks) // nobody knows whose the second one is
		c.owe("e4")
		c.accept()
		c.hear("e4")
		c.say(thanks)
		time.Sleep(keepIdle)
		synctest.Wait()
		_, err := c.in.ReadByte()
		require.Equal(c, io.EOF, err, "a line that nobody needs is closed before the XSP does it")
	})
}

func TestALineBringsItsCookies(t *testing.T) {
	atCounter(t, func(c *counter) {
		c.owe("e1")
		c.accept()
		require.Empty(c, c.hear("e1").Cookies())
		c.say("HTTP/1.1 200 OK\r\nSet-Cookie: JSESSIONID=node1; Path=/; HttpOnly\r\nContent-Length: 0\r\n\r\n")
		c.owe("e2")
		require.Equal(c, "JSESSIONID=node1", c.hear("e2").Header.Get("Cookie"))
		c.say("HTTP/1.1 200 OK\r\nSet-Cookie: JSESSIONID=node2; Path=/; HttpOnly\r\nContent-Length: 0\r\n\r\n")
		c.owe("e3")
		require.Equal(c, "JSESSIONID=node2", c.hear("e3").Header.Get("Cookie"))
	})
}

func TestWhatIsNotThankedForIsAcknowledgedAgain(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 4\r\n\r\nbusy",
		"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
		"SSH-2.0-OpenSSH\r\n\r\n",
		"HTTP/1.1 2OO OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
	} {
		atCounter(t, func(c *counter) {
			c.owe("e1")
			c.accept()
			c.hear("e1")
			c.say(answer)
			time.Sleep(50 * time.Millisecond)
			c.onward()
			c.hear("e1")
			c.say(thanks)
		})
	}
}

func TestAnOverloadedXSPIsHeededOnItsLines(t *testing.T) {
	atCounter(t, func(c *counter) {
		time.Sleep(shareEvery)
		c.owe("e1")
		c.accept()
		c.hear("e1")
		c.say("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n")
		require.Equal(c, 7*time.Second, c.x.limit.pause())
	})
}

func TestARefusedLoginOnALineClosesTheGate(t *testing.T) {
	atCounter(t, func(c *counter) {
		c.owe("e1")
		c.accept()
		c.hear("e1")
		c.say("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
		require.True(c, c.p.gate.refusing())
		c.owe("e2")
		time.Sleep(time.Minute)
		require.Zero(c, c.in.Buffered(), "nothing is sent through a closed gate")
	})
}

func TestNobodyWaitsForAnXSPThatIsSilent(t *testing.T) {
	t.Run("it is asked again", func(t *testing.T) {
		atCounter(t, func(c *counter) {
			c.owe("e1")
			c.accept()
			began := time.Now()
			c.hear("e1")
			c.accept()
			c.hear("e1")
			require.Equal(c, c.p.cfg.Request+50*time.Millisecond, time.Since(began))
		})
	})
	t.Run("the end does not wait for it", func(t *testing.T) {
		atCounter(t, func(c *counter) {
			c.owe("e1")
			c.accept()
			began := time.Now()
			c.hear("e1")
			c.stop()
			_, err := c.in.ReadByte()
			require.Equal(c, io.EOF, err)
			require.Equal(c, began, time.Now())
		})
	})
}
