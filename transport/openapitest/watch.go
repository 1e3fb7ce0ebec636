package openapitest

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// most is how much of a body is kept. What is longer is not judged: whole
// lists, and what is sent to find a bound.
const most = 4 << 20

// Watch has the client's exchanges held against the document of the host they
// are with; that of "" is for all others.
func Watch(t testing.TB, client *http.Client, hosts map[string]*Document) {
	next := client.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	client.Transport = &watcher{t, next, hosts}
}

type watcher struct {
	t     testing.TB
	next  http.RoundTripper
	hosts map[string]*Document
}

// CloseIdleConnections is passed on; http.Client looks for it.
func (w *watcher) CloseIdleConnections() {
	if c, ok := w.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip is http.RoundTripper's.
func (w *watcher) RoundTrip(req *http.Request) (*http.Response, error) {
	d := w.hosts[req.URL.Host]
	if d == nil {
		d = w.hosts[""]
	}
	sent := &copied{}
	if req.Body != nil && req.Body != http.NoBody {
		req = sent.of(req)
	}
	resp, err := w.next.RoundTrip(req)
	if err != nil || d == nil {
		return resp, err
	}
	x := Exchange{Method: req.Method, Header: req.Header, Status: resp.StatusCode, Answer: resp.Header}
	x.Path, x.Query = target(req)
	judge := func() {
		x.Body, x.BodyCut = sent.text()
		if err := d.Check(x); err != nil {
			w.t.Error(err)
		}
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		x.Cut = true // there is no end to wait for
		judge()
		_, op, _ := d.operation(x.Method, x.Path)
		resp.Body = &eventStream{ReadCloser: resp.Body, events: op.to("responses", "200", "content", "text/event-stream", "schema", "x-events"), t: w.t}
		return resp, nil
	}
	got := &judged{copied: copied{ReadCloser: resp.Body}}
	got.judge = func() {
		x.Text, x.Cut = got.text()
		judge()
	}
	resp.Body = got
	return resp, nil
}

// target is what was asked for, as it was sent.
func target(req *http.Request) (path, query string) {
	if req.URL.Opaque == "" {
		return req.URL.EscapedPath(), req.URL.RawQuery
	}
	path = strings.TrimPrefix(req.URL.Opaque, "//"+req.URL.Host)
	path, query, _ = strings.Cut(path, "?")
	return path, query
}

// copied keeps what is read.
type copied struct {
	io.ReadCloser
	mu    sync.Mutex
	bytes bytes.Buffer
	over  bool
}

// of is a request whose body is kept as it is sent.
func (c *copied) of(req *http.Request) *http.Request {
	c.ReadCloser = req.Body
	kept := req.Clone(req.Context())
	kept.Body = c
	if again := req.GetBody; again != nil {
		kept.GetBody = func() (io.ReadCloser, error) { // a connection was gone before it was used
			body, err := again()
			c.mu.Lock()
			defer c.mu.Unlock()
			c.ReadCloser, c.over = body, false
			c.bytes.Reset()
			return c, err
		}
	}
	return kept
}

func (c *copied) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over = c.over || c.bytes.Len()+n > most; !c.over {
		c.bytes.Write(p[:n])
	}
	return n, err
}

func (c *copied) text() (text []byte, cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.bytes.Bytes()), c.over
}

// judged is judged when it was read to its end, or closed before.
type judged struct {
	copied
	once  sync.Once
	judge func()
}

func (j *judged) Read(p []byte) (int, error) {
	n, err := j.copied.Read(p)
	if err == io.EOF {
		j.once.Do(j.judge)
	}
	return n, err
}

func (j *judged) Close() error {
	j.once.Do(func() {
		j.mu.Lock()
		j.over = true
		j.mu.Unlock()
		j.judge()
	})
	return j.ReadCloser.Close()
}
