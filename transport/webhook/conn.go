package webhook

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"offhook/engine/maybe"
)

// conn is one connection to a receiver with what a request on it needs. One
// attempt uses it at a time.
type conn struct {
	net.Conn
	read   *bufio.Reader
	write  []byte // the request being built
	sign   *signer
	used   bool      // carried a request before: the peer may have closed it meanwhile
	idle   time.Time // since when it waits in the pool
	unhook func() bool
}

// pool keeps the idle connections of one receiver. fasthttp's own pool holds a
// goroutine per host and cannot say whether a connection is a reused one;
// this one has none and can, which tells a stale connection from a failure.
type pool struct {
	client *Client
	ctx    context.Context // its end closes every connection, also those in use
	cancel context.CancelFunc
	dialer net.Dialer
	addr   string // host:port
	tls    *tls.Config
	keys   keyring

	mu     sync.Mutex
	idle   []*conn // the most recently used last
	closed bool
	sweep  *time.Timer // armed while there are idle connections
}

// get returns an idle connection, or a new one if there is none or fresh asks
// for it.
func (p *pool) get(deadline time.Time, fresh bool) (*conn, error) {
	if fresh {
		p.drop() // if one was stale, its neighbours are
	} else if c := p.take(); c != nil {
		return c, nil
	}
	return p.dial(deadline)
}

func (p *pool) take() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	p.client.kept.Add(-1)
	return c
}

func (p *pool) put(c *conn) {
	c.used = true
	c.idle = time.Now()
	p.mu.Lock()
	keep := !p.closed && len(p.idle) < p.client.cfg.MaxIdle
	if keep && p.client.kept.Add(1) > int64(p.client.cfg.MaxKept) {
		p.client.kept.Add(-1)
		keep = false // many receivers together may not take every descriptor
	}
	if keep {
		p.idle = append(p.idle, c)
		if p.sweep == nil {
			p.sweep = time.AfterFunc(p.client.cfg.IdleTimeout, p.expire)
		}
	}
	p.mu.Unlock()
	if !keep {
		c.close()
	}
}

// expire closes connections that idled too long, the oldest of which are first.
func (p *pool) expire() {
	now := time.Now()
	p.mu.Lock()
	n := 0
	for n < len(p.idle) && now.Sub(p.idle[n].idle) >= p.client.cfg.IdleTimeout {
		n++
	}
	old := append([]*conn(nil), p.idle[:n]...)
	kept := copy(p.idle, p.idle[n:])
	clear(p.idle[kept:])
	p.idle = p.idle[:kept]
	p.client.kept.Add(-int64(n))
	if kept == 0 || p.closed {
		p.sweep = nil
	} else {
		p.sweep.Reset(p.client.cfg.IdleTimeout - now.Sub(p.idle[0].idle))
	}
	p.mu.Unlock()
	for _, c := range old {
		c.close()
	}
}

// drop closes all idle connections.
func (p *pool) drop() {
	p.mu.Lock()
	old := p.idle
	p.idle = nil
	p.client.kept.Add(-int64(len(old)))
	p.mu.Unlock()
	for _, c := range old {
		c.close()
	}
}

// close lets go of the idle connections; those in use end with their request.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	if p.sweep != nil {
		p.sweep.Stop()
		p.sweep = nil
	}
	p.mu.Unlock()
	p.drop()
}

func (c *conn) close() {
	c.unhook()
	_ = c.Conn.Close()
}

// dial opens a connection. The guard judges each address it is about to try.
func (p *pool) dial(deadline time.Time) (*conn, error) {
	cfg := &p.client.cfg
	connect := earlier(deadline, time.Now().Add(cfg.ConnectTimeout))
	ctx, cancel := context.WithDeadline(p.ctx, connect)
	defer cancel()
	dial := p.dialer.DialContext
	if cfg.Dial != nil {
		dial = cfg.Dial
	}
	raw, err := dial(ctx, "tcp", p.addr)
	if err != nil {
		if p.ctx.Err() != nil {
			err = context.Canceled
		}
		return nil, err
	}
	if p.tls != nil {
		hctx, cancel := context.WithDeadline(p.ctx, earlier(deadline, time.Now().Add(cfg.TLSTimeout)))
		defer cancel()
		secured := tls.Client(raw, p.tls)
		if err := secured.HandshakeContext(hctx); err != nil {
			_ = raw.Close()
			switch {
			case p.ctx.Err() != nil:
				err = context.Canceled
			case hctx.Err() != nil:
				err = hctx.Err()
			case errors.Is(err, context.DeadlineExceeded):
			default:
				err = &handshakeError{err}
			}
			return nil, err
		}
		raw = secured
	}
	c := &conn{Conn: raw, read: bufio.NewReaderSize(maybe.Reader("webhook: a short read of an answer", raw), cfg.ReadBuffer), sign: newSigner(p.keys)}
	c.unhook = context.AfterFunc(p.ctx, func() { _ = raw.Close() })
	return c, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// handshakeError marks whatever went wrong in a handshake as TLS's.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return fmt.Sprintf("TLS handshake: %v", e.err) }
func (e *handshakeError) Unwrap() error { return e.err }
