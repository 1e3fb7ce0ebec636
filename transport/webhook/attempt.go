package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/engine/maybe"
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
	MaxKept     int            // idle connections of all receivers; zero means 4,096
	IdleTimeout time.Duration  // zero means 30 s
	ShowBodies  bool           // keep an excerpt of the answers to failed attempts, redacted
	RootCAs     *x509.CertPool // nil means the system's; certificates are always verified
	Resolver    *net.Resolver  // nil means the system's
	Now         func() time.Time

	// Dial connects instead of the system, and no address is judged. It is for
	// networks in memory; nil is for all others.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client posts over HTTP/1.1. It follows no redirect, asks no proxy, verifies
// every certificate, and makes exactly one request per attempt, but for a
// second one when a kept connection turns out to have been closed meanwhile.
type Client struct {
	cfg   ClientConfig
	agent string
	tls   *tls.Config
	kept  atomic.Int64 // idle connections, of all receivers
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
	def(&cfg.MaxKept, 4096)
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
	keys, err := newKeyring(r)
	if err != nil {
		return nil, err
	}
	if wrong := tenant.CheckHeaders(r.Headers); wrong != "" {
		return nil, errors.New("the headers of a webhook " + wrong)
	}
	port, err := portOf(u)
	if err != nil {
		return nil, err
	}
	t := &target{head: c.head(u, r.Headers)}
	if c.cfg.ShowBodies {
		t.redact = newRedactor(u, r)
	}
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

type target struct {
	pool   pool
	head   string
	redact *redactor // nil: nothing of an answer is kept
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
	now := t.pool.client.cfg.Now()
	out, stale := t.once(p, now, deadline, false)
	if stale {
		// The receiver closed a kept connection just when we used it, and
		// answered nothing. Waiting a second would help nobody; the id is the
		// same, should it have read the request after all.
		out, _ = t.once(p, now, deadline, true)
	}
	if t.pool.ctx.Err() != nil && out.Status == 0 {
		out.Class = Canceled
	}
	out.Took = time.Since(start)
	return out
}

// once sends the request on one connection. stale says that a reused
// connection was closed without a byte of answer.
func (t *target) once(p *Parcel, now, deadline time.Time, fresh bool) (out Outcome, stale bool) {
	c, err := t.pool.get(deadline, fresh)
	if err != nil {
		return Outcome{Class: classOfError(err), Err: err}, false
	}
	_ = c.SetDeadline(deadline)
	c.write = t.append(c.write[:0], c.sign, p, now)
	// A receiver may answer, and close, before it has read everything, so a
	// failed write is no reason not to look for an answer.
	_, writeErr := c.Write(c.write)
	if maybe.Now("webhook: the connection drops after the request") { // nobody knows what became of it: it comes again
		c.close()
		return Outcome{Class: Reset, Err: errNoAnswer}, false
	}
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
		out.RetryAfter = retryAfter(answer.Header.Peek(fasthttp.HeaderRetryAfter), answer.Header.Peek(fasthttp.HeaderDate), t.pool.client.cfg.Now())
	}
	reusable := false
	switch {
	case p.Want > 0:
		out.Body, reusable = t.finish(c, answer, p.Want, deadline)
	case t.redact != nil && out.Class != Delivered:
		var body []byte
		body, reusable = t.finish(c, answer, excerptWindow, t.patience())
		out.Excerpt = t.redact.excerpt(body, p.Events)
	default:
		_, reusable = t.finish(c, answer, 0, t.patience())
	}
	if writeErr == nil && reusable {
		t.pool.put(c)
	} else {
		c.close()
	}
	return out, false
}

// patience is until when a body is waited for that nobody needs.
func (t *target) patience() time.Time { return time.Now().Add(t.pool.client.cfg.BodyTimeout) }
