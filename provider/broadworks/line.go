package broadworks

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"offhook/engine/maybe"
)

// There is an acknowledgement for every event, so what one costs is a good part
// of what an event costs. net/http has two goroutines for a connection, and
// dozens of objects for an exchange; a line has neither. One request at a time
// is on it. What a plain answer says is seen at a glance, and any other is read
// by net/http.

// lines are the connections to one XSP that acknowledgements leave on.
type lines struct {
	p    *Provider
	addr string      // host:port
	tls  *tls.Config // nil for plain HTTP
	head atomic.Pointer[requestHead]

	mu    sync.Mutex
	idle  []*line     // the most recently used last
	sweep *time.Timer // armed while there are idle lines
}

// line is one of them. It is used by one goroutine at a time.
type line struct {
	conn    net.Conn
	bounded io.LimitedReader // conn, as far as one answer may go
	in      *bufio.Reader
	out     []byte
	used    bool      // it carried an answer: the XSP may have closed it meanwhile
	idle    time.Time // since when it waits
	unhook  func() bool
}

// requestHead is a request up to the length of its body, and what it was made of.
type requestHead struct {
	target, login, cookie string
	text                  []byte
}

func (l *lines) init(p *Provider, base *url.URL) {
	l.p, l.addr = p, base.Host
	if base.Port() == "" {
		l.addr = net.JoinHostPort(base.Hostname(), map[string]string{"https": "443", "http": "80"}[base.Scheme])
	}
	if base.Scheme == "https" {
		l.tls = p.clients.tls.Clone()
		l.tls.ServerName = base.Hostname()
	}
}

// errHungUp says that a line was closed without a byte of answer.
var errHungUp = errors.New("the connection was closed before the answer")

// exchangeOnLine is exchange on a line. When a kept line turns out to have been
// closed meanwhile, the request leaves once more on a new one.
func (p *Provider) exchangeOnLine(ctx context.Context, x *xsp, r *request, target, login string, deadline time.Time) (a answer, location string, err error) {
	for fresh := false; ; fresh = true {
		ln, err := x.lines.get(ctx, deadline, fresh)
		if err != nil {
			return answer{}, "", inTime(err)
		}
		a, location, err := p.converse(x, ln, r, target, login, deadline)
		if err != errHungUp || !ln.used {
			return a, location, inTime(err)
		}
	}
}

// converse does one exchange on a line, and keeps it or closes it.
func (p *Provider) converse(x *xsp, ln *line, r *request, target, login string, deadline time.Time) (a answer, location string, err error) {
	keep := false
	defer func() {
		if keep {
			x.lines.put(ln)
		} else {
			ln.close()
		}
	}()
	if maybe.Now("broadworks: the connection drops before the request") { // certainly nothing was done
		return answer{}, "", errDropped
	}
	jar := p.jarOf(x, r.path)
	head, err := x.lines.headFor(r, target, login, jar.cookie())
	if err != nil {
		return answer{}, "", err
	}
	a.sent = true
	ln.bounded.N = maxAnswerHead + int64(p.cfg.MaxDocument)
	whole, err := ln.ask(head, r.body, deadline)
	if err != nil {
		return a, "", err
	}
	if maybe.Now("broadworks: the connection drops before the answer is read") {
		return a, "", errDropped
	}
	if status, length := glance(ln.in, p.cfg.MaxDocument); status != 0 {
		if _, err := ln.in.Discard(length); err != nil {
			return a, "", err
		}
		p.answered(x, false, 0)
		keep = whole && ln.in.Buffered() == 0
		a.status = status
		return a, "", nil
	}
	res, err := readAnswer(ln.in, head.cookie)
	if err != nil {
		return a, "", err
	}
	jar.learn(res, false)
	a, location, err = p.hear(x, res)
	a.sent = true
	// What is left of an answer would be taken for the next one.
	_, end := res.Body.Read(make([]byte, 1))
	keep = whole && err == nil && end == io.EOF && !res.Close && ln.in.Buffered() == 0
	return a, location, err
}

// ask writes a request, and waits until an answer begins. whole says that all of
// the request left: whoever refuses may do so before it has read everything.
func (ln *line) ask(head *requestHead, body string, deadline time.Time) (whole bool, err error) {
	ln.out = append(ln.out[:0], head.text...)
	ln.out = strconv.AppendInt(ln.out, int64(len(body)), 10)
	ln.out = append(ln.out, "\r\n\r\n"...)
	ln.out = append(ln.out, body...)
	_ = ln.conn.SetDeadline(deadline)
	_, writeErr := ln.conn.Write(ln.out)
	_, err = ln.in.Peek(1)
	if timeout, ok := err.(net.Error); err != nil && (!ok || !timeout.Timeout()) {
		err = errHungUp
	}
	return writeErr == nil, err
}

// maxInterim bounds what comes before an answer, such as 103.
const maxInterim = 5

// readAnswer reads the head of an answer that is not plain, the way net/http does.
func readAnswer(in *bufio.Reader, cookie string) (*http.Response, error) {
	req := &http.Request{Method: http.MethodPost, Header: http.Header{"Cookie": {cookie}}}
	for range maxInterim {
		res, err := http.ReadResponse(in, req)
		if err != nil {
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				return nil, err
			}
			return nil, errNotHTTP
		}
		if res.StatusCode >= 200 || res.StatusCode == http.StatusSwitchingProtocols {
			return res, nil
		}
	}
	return nil, errNotHTTP
}

var errNotHTTP = errors.New("the answer is not HTTP")

// headFor returns the head of a request: that of the one before, as a rule.
func (l *lines) headFor(r *request, target, login, cookie string) (*requestHead, error) {
	if h := l.head.Load(); h != nil && h.target == target && h.login == login && h.cookie == cookie {
		return h, nil
	}
	req, err := newRequest(context.Background(), r.method, target, r.body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", login)
	if cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	b := bytes.NewBufferString(r.method + " " + req.URL.RequestURI() + " HTTP/1.1\r\nHost: " + req.URL.Host + "\r\n")
	_ = req.Header.Write(b) // a buffer takes everything
	b.WriteString("Content-Length: ")
	h := &requestHead{target, login, cookie, b.Bytes()}
	l.head.Store(h)
	return h, nil
}

// get returns an idle line, or a new one if there is none or fresh asks for it.
func (l *lines) get(ctx context.Context, deadline time.Time, fresh bool) (*line, error) {
	if fresh {
		l.drop() // if one was closed, its neighbours are
	} else if ln := l.take(); ln != nil {
		return ln, nil
	}
	return l.dial(ctx, deadline)
}

func (l *lines) take() *line {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.idle)
	if n == 0 {
		return nil
	}
	ln := l.idle[n-1]
	l.idle[n-1] = nil
	l.idle = l.idle[:n-1]
	return ln
}

// put keeps a line for the next request. There are no more than there are
// requests at a time.
func (l *lines) put(ln *line) {
	ln.used, ln.idle = true, time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle = append(l.idle, ln)
	if l.sweep == nil {
		l.sweep = time.AfterFunc(keepIdle, l.expire)
	}
}

// expire closes the lines that idled too long, the oldest of which are first.
func (l *lines) expire() {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for n < len(l.idle) && now.Sub(l.idle[n].idle) >= keepIdle {
		l.idle[n].close()
		n++
	}
	kept := copy(l.idle, l.idle[n:])
	clear(l.idle[kept:])
	l.idle = l.idle[:kept]
	if kept == 0 {
		l.sweep = nil
	} else {
		l.sweep.Reset(keepIdle - now.Sub(l.idle[0].idle))
	}
}

// drop closes all idle lines.
func (l *lines) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ln := range l.idle {
		ln.close()
	}
	clear(l.idle)
	l.idle = l.idle[:0]
}

func (l *lines) dial(ctx context.Context, deadline time.Time) (*line, error) {
	dialing, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	conn, err := l.p.cfg.Dial(dialing, "tcp", l.addr)
	if err != nil {
		return nil, err
	}
	if l.tls != nil {
		secured := tls.Client(conn, l.tls)
		if err := secured.HandshakeContext(dialing); err != nil {
			_ = conn.Close()
			return nil, err
		}
		conn = secured
	}
	ln := &line{conn: conn}
	ln.bounded.R = maybe.Reader("broadworks: a short read of an answer", conn)
	ln.in = bufio.NewReader(&ln.bounded)
	ln.unhook = context.AfterFunc(ctx, func() { _ = conn.Close() })
	return ln, nil
}

func (ln *line) close() {
	ln.unhook()
	_ = ln.conn.Close()
}

// inTime calls what took too long by one name.
func inTime(err error) error {
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return context.DeadlineExceeded
	}
	return err
}
