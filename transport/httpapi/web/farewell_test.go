package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

// kept starts a server and opens a connection that is kept alive: one request
// was answered on it.
func kept(t *testing.T, rest time.Duration) (s *Server, c *net.TCPConn, post func() *http.Response) {
	s, err := NewServer(Config{Rest: rest, IdleWorker: time.Millisecond, Handler: func(ctx *fasthttp.RequestCtx) { ctx.SetStatusCode(201) }})
	require.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() { require.NoError(t, <-served) })
	dialled, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = dialled.Close() })
	require.NoError(t, dialled.SetDeadline(time.Now().Add(20*time.Second)))
	r := bufio.NewReader(dialled)
	post = func() *http.Response {
		_, err := fmt.Fprint(dialled, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
		require.NoError(t, err)
		resp, err := http.ReadResponse(r, nil)
		require.NoError(t, err, "a request that came in is answered")
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 201, resp.StatusCode)
		return resp
	}
	require.False(t, post().Close)
	return s, dialled.(*net.TCPConn), post
}

func TestARequestWhileDrainingIsAnsweredAndTheLast(t *testing.T) {
	s, c, post := kept(t, time.Hour)
	drained := make(chan error, 1)
	go func() { drained <- s.Shutdown(context.Background()) }()
	require.Eventually(t, s.draining.Load, 20*time.Second, time.Millisecond)
	require.Empty(t, drained, "there is somebody who may be about to ask")
	require.True(t, post().Close, "the client is told to go")
	_, err := c.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, <-drained)
}

func TestAConnectionThatRestsIsEnded(t *testing.T) {
	s, c, _ := kept(t, 1)
	drained := make(chan error, 1)
	go func() { drained <- s.Shutdown(context.Background()) }()
	_, err := c.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF, "with an end, and no reset")
	require.NoError(t, c.Close())
	require.NoError(t, <-drained)
}

// A request that comes in the moment of the end is not taken from whoever waits
// for it. What comes later is read, so that nobody is reset.
func TestTheLastLook(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	defer client.Close()
	accepted, err := ln.Accept()
	require.NoError(t, err)
	g := newGate(Config{}.fill())
	c, ok := g.enter(accepted)
	require.True(t, ok)

	_, err = client.Write([]byte("POST"))
	require.NoError(t, err)
	c.goAway()
	b := make([]byte, 16)
	n, err := c.Read(b)
	require.NoError(t, err)
	require.Equal(t, "POST", string(b[:n]))
	_, err = c.Write([]byte("201"))
	require.NoError(t, err)
	c.goAway()
	_, err = c.Read(b)
	require.ErrorIs(t, err, io.EOF)

	_, err = client.Write([]byte("too late"))
	require.NoError(t, err)
	closed := make(chan error, 1)
	go func() { closed <- c.Close() }()
	said, err := io.ReadAll(client)
	require.NoError(t, err, "no reset")
	require.Equal(t, "201", string(said))
	require.NoError(t, client.Close())
	require.NoError(t, <-closed)
	require.Empty(t, g.all())
}
