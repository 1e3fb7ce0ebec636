package broadworks

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/engine/maybe"
)

// There is an acknowledgement for every event, so what one costs is a good part
// of what an event costs. Each of those who send them has a connection of its
// own and writes requests there as bytes. While acknowledgements wait it sends
// several before it reads the answers (RFC 9112 §9.3.2): they may come in any
// order and twice. Whatever is not plainly taken goes the way of every other
// request once more, where redirects, refusals, cookies and tries are dealt with.
const (
	ackIdle = 3 * time.Second // XSPs keep connections for 4 s (dossier §3.1)
	// ackBatch bounds what is written before the answers are read. It fits into
	// the buffer of any server, so that it is not stuck in an answer while we
	// are in a request.
	ackBatch = 4 << 10
	ackSize  = 640 // of one, about, without cookies
)

// ackLine sends acknowledgements, on one connection at a time.
type ackLine struct {
	p      *Provider
	x      *xsp // the connection is to
	conn   net.Conn
	in     *bufio.Reader
	used   bool // it carried an answer
	target string
	out    []byte
	batch  []ack
	answer fasthttp.Response
}

// acknowledge sends what is queued, on connections of its own, many at once.
// An ack may be sent twice: the second one changes nothing.
func (p *Provider) acknowledge(ctx context.Context) {
	l := ackLine{p: p}
	defer l.close()
	idle := time.NewTimer(ackIdle)
	defer idle.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-idle.C:
			l.close()
		case a := <-p.acks:
			for more := true; more; {
				a, more = l.take(a)
				l.send(ctx)
			}
			idle.Reset(ackIdle)
		}
	}
}

// take gathers a batch that begins with an ack: what waits behind it, as long
// as it is for the same XSP. It returns the first that is for another.
func (l *ackLine) take(a ack) (other ack, more bool) {
	l.batch = append(l.batch[:0], a)
	most := ackBatch / (ackSize + len(a.x.events.header()))
	for len(l.batch) < most && !a.x.lone.Load() {
		select {
		case next := <-l.p.acks:
			if next.x != a.x {
				return next, true
			}
			l.batch = append(l.batch, next)
		default:
			return ack{}, false
		}
	}
	return ack{}, false
}

// send sends the batch, and what the XSP did not plainly take once more by
// itself.
func (l *ackLine) send(ctx context.Context) {
	began := time.Now()
	taken := l.exchange(ctx)
	m, network := l.p.cfg.Metrics, l.p.cfg.NetworkID
	took := time.Since(began)
	for i := range l.batch {
		if i < taken {
			m.requested(network, opAck, "2xx", took)
			m.acked(network, "sent")
			if !maybe.Now("broadworks: acknowledged twice") { // the second one changes nothing
				continue
			}
		}
		m.acked(network, l.p.sendAck(ctx, l.batch[i]))
	}
}

// exchange writes the batch and reads its answers. It returns how many of them,
// from the first on, were taken.
func (l *ackLine) exchange(ctx context.Context) (taken int) {
	p, x := l.p, l.batch[0].x
	header, _, ok := p.gate.pass()
	if !ok || maybe.Now("broadworks: the connection drops before the request") {
		return 0
	}
	if l.x != x {
		l.close()
	}
	if l.conn == nil && l.dial(ctx, x) != nil {
		return 0
	}
	cookies := x.events.header()
	l.out = l.out[:0]
	for i := range l.batch {
		l.out = l.append(l.out, &l.batch[i], header, cookies)
	}
	conn := l.conn
	_ = conn.SetDeadline(time.Now().Add(p.cfg.Request))
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := conn.Write(l.out); err != nil {
		l.close()
		return 0
	}
	for ; taken < len(l.batch); taken++ {
		err := l.answer.ReadLimitBody(l.in, p.cfg.MaxDocument)
		if err != nil || l.answer.StatusCode()/100 != 2 || maybe.Now("broadworks: the connection drops before the answer is read") {
			// One that closes between two answers does not take several at once.
			timeout, _ := err.(net.Error)
			if len(l.batch) > 1 && (taken > 0 || !l.used) && (timeout == nil || !timeout.Timeout()) {
				x.lone.Store(true)
			}
			l.close()
			return taken
		}
		l.used = true
		l.learn(cookies)
		if l.answer.ConnectionClose() {
			l.close()
			taken++
			if taken < len(l.batch) {
				x.lone.Store(true)
			}
			break
		}
	}
	x.limit.answered(false, 0)
	p.cfg.Metrics.shareOf(p.cfg.NetworkID, x.base.Host, x.limit.portion())
	return taken
}

// append appends one request.
func (l *ackLine) append(b []byte, a *ack, header, cookies string) []byte {
	b = append(b, "POST "...)
	b = append(b, l.target...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, a.x.base.Host...)
	b = append(b, "\r\nUser-Agent: offhook\r\nAuthorization: "...)
	b = append(b, header...)
	if cookies != "" {
		b = append(b, "\r\nCookie: "...)
		b = append(b, cookies...)
	}
	body := ackBody(a.id, a.code)
	b = append(b, "\r\nAccept: application/xml, text/xml\r\nContent-Type: application/xml; charset=UTF-8\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\n\r\n"...)
	return append(b, body...)
}

// learn keeps the cookies of an answer, which are rare.
func (l *ackLine) learn(sent string) {
	var res *http.Response
	for _, cookie := range l.answer.Header.Cookies() {
		if res == nil {
			res = &http.Response{Header: http.Header{}, Request: &http.Request{Header: http.Header{"Cookie": {sent}}}}
		}
		res.Header.Add("Set-Cookie", string(cookie))
	}
	if res != nil {
		l.x.events.learn(res, false)
	}
}

func (l *ackLine) dial(ctx context.Context, x *xsp) error {
	p := l.p
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Request)
	defer cancel()
	addr := x.base.Host
	if x.base.Port() == "" {
		addr = net.JoinHostPort(x.base.Hostname(), map[string]string{"https": "443", "http": "80"}[x.base.Scheme])
	}
	req, err := newRequest(ctx, http.MethodPost, x.base.String()+p.ackPath(), "")
	if err != nil {
		return err
	}
	conn, err := p.cfg.Dial(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	if x.base.Scheme == "https" {
		cfg := p.clients.tls.Clone()
		cfg.ServerName = x.base.Hostname()
		secured := tls.Client(conn, cfg)
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return err
		}
		conn = secured
	}
	l.x, l.conn, l.in, l.used, l.target = x, conn, bufio.NewReader(conn), false, req.URL.RequestURI()
	return nil
}

func (l *ackLine) close() {
	if l.conn != nil {
		_ = l.conn.Close()
		l.conn, l.x = nil, nil
	}
}
