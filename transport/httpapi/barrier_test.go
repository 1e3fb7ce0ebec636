package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

func readResponse(t *testing.T, c io.Reader) *http.Response {
	t.Helper()
	r, ok := c.(*bufio.Reader)
	if !ok {
		r = bufio.NewReader(c)
	}
	resp, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp
}

// gated is a listener whose connections write only when they are let.
type gated struct {
	net.Listener
	begun chan []byte // what a connection is about to hand to the socket
	pass  chan error  // nil lets it; anything else is the error it gets
}

type gatedConn struct {
	net.Conn
	l *gated
}

func (l *gated) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &gatedConn{c, l}, nil
}

func (c *gatedConn) Write(p []byte) (int, error) {
	c.l.begun <- bytes.Clone(p)
	if err := <-c.l.pass; err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

func newGatedHouse(t *testing.T) (*house, *gated) {
	t.Helper()
	h := newHouse(t)
	l := &gated{begun: make(chan []byte), pass: make(chan error)}
	second, err := New(Config{Calls: h.calls, Tenants: h.tenants, IdleWorker: h.server.config.IdleWorker})
	require.NoError(t, err)
	h.server = second
	l.Listener = listen(t)
	h.serve(l)
	return h, l
}

// Until the socket has taken the 201, the app may not hear of the call.
func TestEventsWaitForThe201(t *testing.T) {
	h, l := newGatedHouse(t)
	c := h.raw()
	_, err := c.Write(h.post(good))
	require.NoError(t, err)

	written := <-l.begun
	require.Contains(t, string(written), "201 Created")
	require.Empty(t, h.calls.lifted, "the socket has not taken it yet")
	l.pass <- nil
	require.Equal(t, exampleID, <-h.calls.lifted)
	require.Equal(t, 201, readResponse(t, c).StatusCode)
}

// A write that fails will never succeed: the events need wait no longer.
func TestEventsDoNotWaitForA201ThatCannotBeWritten(t *testing.T) {
	h, l := newGatedHouse(t)
	_, err := h.raw().Write(h.post(good))
	require.NoError(t, err)
	<-l.begun
	require.Empty(t, h.calls.lifted)
	l.pass <- errors.New("write: broken pipe")
	require.Equal(t, exampleID, <-h.calls.lifted)
}

// fasthttp holds a response back while more requests are in its buffer. The
// 201 must not wait for them, and the events must not either.
func TestAPipelinedRequestDoesNotHoldThe201Back(t *testing.T) {
	h := newHouse(t)
	slow := make(chan struct{})
	h.calls.answer = func(_ context.Context, cmd engine.Command) engine.Reply {
		if cmd.Verb != engine.VerbOriginate {
			<-slow
			return engine.Reply{}
		}
		return engine.Reply{Profile: &tommy, Call: callOf(exampleID)}
	}
	c := h.raw()
	var both bytes.Buffer
	both.Write(h.post(good))
	both.WriteString("PUT /apps/" + appID + "/calls/callhalf-5:0/hold HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + h.key + "\r\n\r\n")
	_, err := c.Write(both.Bytes())
	require.NoError(t, err)

	r := bufio.NewReader(c)
	require.Equal(t, 201, readResponse(t, r).StatusCode)
	require.Equal(t, exampleID, <-h.calls.lifted, "while the hold is still waiting")
	close(slow)
	require.Equal(t, 204, readResponse(t, r).StatusCode)
}

// A client that leaves while its call is being placed never reads the 201.
// The call exists, and the app learns of it from its events.
func TestAClientThatDisconnectsMidRequest(t *testing.T) {
	h := newHouse(t)
	asked, placed := make(chan struct{}), make(chan struct{})
	h.calls.answer = func(context.Context, engine.Command) engine.Reply {
		close(asked)
		<-placed
		return engine.Reply{Profile: &tommy, Call: callOf(exampleID)}
	}
	c := h.raw().(*net.TCPConn)
	_, err := c.Write(h.post(good))
	require.NoError(t, err)
	<-asked
	require.NoError(t, c.SetLinger(0)) // a reset, not a goodbye
	require.NoError(t, c.Close())
	close(placed)
	require.Equal(t, exampleID, <-h.calls.lifted)
}

func TestAClientThatDisconnectsMidBodyPlacesNothing(t *testing.T) {
	h := newHouse(t)
	c := h.raw().(*net.TCPConn)
	whole := h.post(good)
	_, err := c.Write(whole[:len(whole)-10])
	require.NoError(t, err)
	require.NoError(t, c.CloseWrite())
	require.Equal(t, 400, readResponse(t, c).StatusCode)
	require.Empty(t, h.calls.commands())
}

// Each call of a connection is lifted once, in the order of the requests.
func TestLiftsOfAKeepAliveConnection(t *testing.T) {
	h := newHouse(t)
	var n atomic.Uint64
	h.calls.answer = func(context.Context, engine.Command) engine.Reply {
		return engine.Reply{Profile: &tommy, Call: callOf(engine.CallID(n.Add(1)))}
	}
	c := h.raw()
	r := bufio.NewReader(c)
	for i := range 5 {
		_, err := c.Write(h.post(good))
		require.NoError(t, err)
		require.Equal(t, 201, readResponse(t, r).StatusCode)
		require.Equal(t, engine.CallID(i+1), <-h.calls.lifted)
	}
	require.Empty(t, h.calls.lifted)
}

func TestThe201OverTLS(t *testing.T) {
	certFile, keyFile := makeCertificate(t, t.TempDir(), "first")
	h := newHouse(t, func(c *Config) { c.CertFile, c.KeyFile = certFile, keyFile })
	c := tls.Client(h.raw(), &tls.Config{InsecureSkipVerify: true})
	_, err := c.Write(h.post(good))
	require.NoError(t, err)
	require.Equal(t, 201, readResponse(t, c).StatusCode)
	require.Equal(t, exampleID, <-h.calls.lifted)
}

// Many clients at once, each connection its own: every 201 is lifted.
func TestEvery201IsLifted(t *testing.T) {
	h := newHouse(t)
	var n atomic.Uint64
	h.calls.answer = func(context.Context, engine.Command) engine.Reply {
		return engine.Reply{Profile: &tommy, Call: callOf(engine.CallID(n.Add(1)))}
	}
	h.calls.lifted = make(chan engine.CallID, 1000)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			c := h.raw()
			r := bufio.NewReader(c)
			for range 25 {
				if _, err := c.Write(h.post(good)); err != nil {
					t.Error(err)
					return
				}
				if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != 201 {
					t.Error(resp, err)
					return
				} else if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	seen := map[engine.CallID]bool{}
	for range 200 {
		seen[<-h.calls.lifted] = true
	}
	require.Len(t, seen, 200)
}
