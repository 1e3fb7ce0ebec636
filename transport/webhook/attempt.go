package webhook

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
)

// Poster makes targets. The Client is one, over HTTP; tests of the dispatcher
// have one in memory.
type Poster interface {
	// Aim prepares for a receiver. It does no I/O; its error says why the URL
	// or the secrets can never work.
	Aim(app string, r tenant.Receiver) (Target, error)
}

// Target is one receiver.
type Target interface {
	// Post makes one attempt and returns in bounded time.
	Post(p *Parcel) Outcome
	// Close lets go of what is idle; an attempt under way ends by itself.
	Close()
	// Abort ends attempts under way as Canceled.
	Abort()
}

// Parcel is what one POST carries.
type Parcel struct {
	ID         string                 // webhook-id, the same in each retry
	Events     []*engine.Notification // at least one; consecutive within each stream
	Batch      bool                   // the body is an array, even of one event
	GapFrom    uint64                 // the first number of a range given up before this event; 0 for none
	Redelivery bool                   // asked for by a person
}

// What one POST carries at most in batch mode.
const (
	maxBatchEvents = 100
	maxBatchBytes  = 256 << 10
)

// parcel is one event by itself.
func parcel(n *engine.Notification) *Parcel {
	return &Parcel{ID: n.EventID, Events: []*engine.Notification{n}}
}

// body is the JSON to send.
func (p *Parcel) body() []byte { return p.Events[0].Body }

// ClientConfig is how attempts are made. Zero fields mean the defaults.
type ClientConfig struct {
	Guard   Guard
	Version string // in the User-Agent

	ConnectTimeout time.Duration // DNS and TCP; zero means 3 s
	TLSTimeout     time.Duration // the handshake; zero means 5 s
	TotalTimeout   time.Duration // all of it, up to the head of the answer; zero means 10 s
	BodyTimeout    time.Duration // for a body nobody reads, to keep its connection; zero means 500 ms

	BodyLimit   int            // bytes of answer taken to keep a connection; zero means 4 KiB
	ReadBuffer  int            // bounds the head of the answer; zero means 4 KiB
	MaxIdle     int            // idle connections per receiver; zero means 64
	IdleTimeout time.Duration  // zero means 30 s
	RootCAs     *x509.CertPool // nil means the system's; certificates are always verified
	Resolver    *net.Resolver  // nil means the system's
	Now         func() time.Time
}

// Client posts over HTTP/1.1. It follows no redirect, asks no proxy, verifies
// every certificate, and makes exactly one request per attempt, but for a
// second one when a kept connection turns out to have been closed meanwhile.
type Client struct {
	cfg   ClientConfig
	agent string
	tls   *tls.Config
}

// NewClient makes a client.
func NewClient(cfg ClientConfig) *Client {
	def(&cfg.Version, "dev")
	def(&cfg.ConnectTimeout, 3*time.Second)
	def(&cfg.TLSTimeout, 5*time.Second)
	def(&cfg.TotalTimeout, 10*time.Second)
	def(&cfg.BodyTimeout, 500*time.Millisecond)
	def(&cfg.BodyLimit, 4<<10)
	def(&cfg.ReadBuffer, 4<<10)
	def(&cfg.MaxIdle, 64)
	def(&cfg.IdleTimeout, 30*time.Second)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Client{
		cfg:   cfg,
		agent: "offhook/" + cfg.Version,
		tls:   &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: cfg.RootCAs, NextProtos: []string{"http/1.1"}},
	}
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Aim implements Poster.
func (c *Client) Aim(app string, r tenant.Receiver) (Target, error) {
	u, err := c.cfg.Guard.CheckURL(app, r.URL)
	if err != nil {
		return nil, err
	}
	keys, err := decodeSecrets(r.Secrets)
	if err != nil {
		return nil, err
	}
	port, err := portOf(u)
	if err != nil {
		return nil, err
	}
	t := &target{head: c.head(u)}
	p := &t.pool
	p.client, p.keys = c, keys
	p.addr = net.JoinHostPort(u.Hostname(), strconv.Itoa(int(port)))
	p.dialer = net.Dialer{Control: c.cfg.Guard.control(app), Resolver: c.cfg.Resolver, KeepAlive: 30 * time.Second}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	if u.Scheme == "https" {
		p.tls = c.tls.Clone()
		p.tls.ServerName = u.Hostname()
		p.tls.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	}
	return t, nil
}

// head is the part of a request that is the same each time. Everything in it
// went through url.Parse and Guard.CheckURL, so nothing can end a line early.
func (c *Client) head(u *url.URL) string {
	return "POST " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host + "\r\nUser-Agent: " + c.agent +
		"\r\nContent-Type: application/json\r\n"
}

type target struct {
	pool pool
	head string
}

func (t *target) Close() { t.pool.close() }

func (t *target) Abort() {
	t.pool.cancel()
	t.pool.close()
}

// Post implements Target.
func (t *target) Post(p *Parcel) Outcome {
	start := time.Now()
	deadline := start.Add(t.pool.client.cfg.TotalTimeout)
	stamp := t.pool.client.cfg.Now().Unix()
	out, stale := t.once(p, stamp, deadline, false)
	if stale {
		// The receiver closed a kept connection just when we used it, and
		// answered nothing. Waiting a second would help nobody; the id is the
		// same, should it have read the request after all.
		out, _ = t.once(p, stamp, deadline, true)
	}
	if t.pool.ctx.Err() != nil && out.Status == 0 {
		out.Class = Canceled
	}
	out.Took = time.Since(start)
	return out
}

// once sends the request on one connection. stale says that a reused
// connection was closed without a byte of answer.
func (t *target) once(p *Parcel, stamp int64, deadline time.Time, fresh bool) (out Outcome, stale bool) {
	c, err := t.pool.get(deadline, fresh)
	if err != nil {
		return Outcome{Class: classOfError(err), Err: err}, false
	}
	c.SetDeadline(deadline)
	c.write = t.append(c.write[:0], c.sign, p, stamp)
	// A receiver may answer, and close, before it has read everything, so a
	// failed write is no reason not to look for an answer.
	_, writeErr := c.Write(c.write)
	answer, err := readHead(c.read)
	if err != nil {
		c.close()
		out := Outcome{Class: classOfError(err), Err: err}
		if errors.Is(err, errNotHTTP) {
			out.Class = Malformed
		}
		return out, c.used && out.Class == Reset && errors.Is(err, errNoAnswer)
	}
	defer fasthttp.ReleaseResponse(answer)
	status := answer.StatusCode()
	out = Outcome{Class: classOf(status), Status: status}
	if out.Class != Delivered {
		out.RetryAfter = retryAfter(answer.Header.Peek(fasthttp.HeaderRetryAfter), t.pool.client.cfg.Now())
	}
	if writeErr == nil && t.drain(c, answer) {
		t.pool.put(c)
	} else {
		c.close()
	}
	return out, false
}

func (t *target) append(b []byte, sign *signer, p *Parcel, stamp int64) []byte {
	body := p.body()
	b = append(b, t.head...)
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\nwebhook-id: "...)
	b = append(b, p.ID...)
	b = append(b, "\r\nwebhook-timestamp: "...)
	b = strconv.AppendInt(b, stamp, 10)
	b = append(b, "\r\nwebhook-signature: "...)
	b = sign.append(b, p.ID, stamp, body)
	b = append(b, "\r\n\r\n"...)
	return append(b, body...)
}

var (
	errNotHTTP  = errors.New("the answer is not HTTP")
	errNoAnswer = errors.New("the connection was closed without an answer")
)

// maxInterim bounds 1xx answers before the real one.
const maxInterim = 8

// readHead reads the head of the answer.
func readHead(r *bufio.Reader) (*fasthttp.Response, error) {
	if _, err := r.Peek(1); err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return nil, err
		}
		return nil, errors.Join(errNoAnswer, err)
	}
	resp := fasthttp.AcquireResponse()
	for range maxInterim {
		if err := resp.Header.Read(r); err != nil {
			fasthttp.ReleaseResponse(resp)
			var timeout interface{ Timeout() bool }
			if errors.As(err, &timeout) && timeout.Timeout() {
				return nil, context.DeadlineExceeded
			}
			return nil, errNotHTTP // its words would quote the receiver's
		}
		if status := resp.StatusCode(); status < 100 || status >= 200 || status == fasthttp.StatusSwitchingProtocols {
			return resp, nil
		}
	}
	fasthttp.ReleaseResponse(resp)
	return nil, errNotHTTP
}

// drain reads a body nobody wants, so that its connection can carry the next
// request, and reports whether it can. What is long or slow is not waited for.
func (t *target) drain(c *conn, answer *fasthttp.Response) bool {
	if answer.ConnectionClose() || answer.StatusCode() == fasthttp.StatusSwitchingProtocols {
		return false
	}
	length := answer.Header.ContentLength()
	switch status := answer.StatusCode(); {
	case status == fasthttp.StatusNoContent || status == fasthttp.StatusNotModified:
		length = 0
	case length < -1 || length > t.pool.client.cfg.BodyLimit:
		return false
	}
	if length != 0 {
		c.SetReadDeadline(time.Now().Add(t.pool.client.cfg.BodyTimeout))
	}
	if length >= 0 {
		if _, err := c.read.Discard(length); err != nil {
			return false
		}
	} else if answer.ReadBody(c.read, t.pool.client.cfg.BodyLimit) != nil || answer.Header.ReadTrailer(c.read) != nil {
		return false
	}
	return c.read.Buffered() == 0 // more than one answer to one request: not to be trusted
}

// retryAfter reads Retry-After: seconds or a date (RFC 9110 §10.2.3).
func retryAfter(value []byte, now time.Time) time.Duration {
	if len(value) == 0 {
		return 0
	}
	if secs, err := strconv.ParseFloat(string(value), 64); err == nil {
		if !(secs > 0) {
			return 0
		}
		return time.Duration(min(secs, maxRetryAfter.Seconds()) * float64(time.Second))
	}
	if at, err := fasthttp.ParseHTTPDate(value); err == nil && at.After(now) {
		return min(at.Sub(now), maxRetryAfter)
	}
	return 0
}
