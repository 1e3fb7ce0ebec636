package oci

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"time"
)

// client asks the platform, one request at a time over one connection that is
// kept while it is used.
type client struct {
	cfg    Config
	secure *tls.Config
	turn   chan struct{} // holds one; whoever took it owns what is below

	session *session // nil while there is none
	idle    *time.Timer
	connect gate
	login   gate
	warned  time.Time // that the password expires
}

func newClient(cfg Config, secure *tls.Config) *client {
	c := &client{cfg: cfg, secure: secure, turn: make(chan struct{}, 1),
		connect: gate{first: cfg.ConnectRetry, most: cfg.ConnectRetryMax},
		login:   gate{first: cfg.LoginRetry, most: cfg.LoginRetryMax},
	}
	c.turn <- struct{}{}
	return c
}

// do asks one thing. All that is asked only reads: what a kept connection did
// not answer at all is asked once more over a new one.
func (c *client) do(ctx context.Context, r *request) (*command, error) {
	return c.with(ctx, func() (*command, error) {
		began := time.Now()
		a, silent, err := c.session.ask(ctx, r, c.cfg.Answer)
		if silent && err != nil && !c.session.fresh && ctx.Err() == nil {
			c.drop()
			if err := c.open(ctx); err != nil {
				return nil, err
			}
			a, _, err = c.session.ask(ctx, r, c.cfg.Answer)
		}
		c.session.fresh = false
		c.cfg.Metrics.asked(c.cfg.Network, r.name, outcome(err), time.Since(began))
		if err != nil && !c.harmless(err) {
			c.drop()
		}
		return a, err
	})
}

// scope is what the login may see.
func (c *client) scope(ctx context.Context) (s scope, err error) {
	_, err = c.with(ctx, func() (*command, error) {
		s = c.session.scope
		return nil, nil
	})
	return s, err
}

// with does something when it is its turn, with a session.
func (c *client) with(ctx context.Context, fn func() (*command, error)) (*command, error) {
	select {
	case <-c.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { c.turn <- struct{}{} }()
	if c.session != nil && time.Since(c.session.used) >= c.cfg.Idle {
		c.drop()
	}
	if c.session == nil {
		if err := c.open(ctx); err != nil {
			return nil, err
		}
	}
	a, err := fn()
	if c.session != nil {
		c.closeLater()
	}
	return a, err
}

// harmless reports whether a session lives on after an error. A refusal whose
// code we do not know may as well be the session's own end: there is no list of
// the codes.
func (c *client) harmless(err error) bool {
	var refused *Refused
	return errors.As(err, &refused) && slices.Contains(c.cfg.OCI.NotFoundCodes, refused.Code)
}

// open connects and logs in, unless that failed a moment ago.
func (c *client) open(ctx context.Context) error {
	for _, g := range []*gate{&c.login, &c.connect} {
		if err := g.closed(); err != nil {
			return err
		}
	}
	conn, err := c.cfg.dial(ctx, c.cfg.OCI.Address, c.secure)
	if err != nil {
		return c.failed(ctx, &c.connect, "unreachable", fmt.Errorf("connect to OCI-P: %w", plain(err)))
	}
	s := newSession(conn, c.cfg.answers())
	tried, err := c.logIn(ctx, s)
	if err == nil {
		c.session = s
		c.connect.open()
		c.login.open()
		c.cfg.Metrics.loggedIn(c.cfg.Network, "ok")
		return nil
	}
	_ = conn.Close()
	var refused *Refused
	switch {
	case errors.As(err, &refused):
		return c.failed(ctx, &c.login, "refused", fmt.Errorf("%w: %w", ErrLogin, err))
	case tried: // perhaps this is how a refusal looks
		return c.failed(ctx, &c.login, "failed", fmt.Errorf("log in to OCI-P: %w", err))
	}
	return c.failed(ctx, &c.connect, "failed", fmt.Errorf("log in to OCI-P: %w", err))
}

// failed closes a gate, unless it was the caller who gave up.
func (c *client) failed(ctx context.Context, g *gate, outcome string, err error) error {
	if ctx.Err() != nil && g != &c.login {
		return ctx.Err()
	}
	c.cfg.Metrics.loggedIn(c.cfg.Network, outcome)
	g.fail(err, c.cfg.Random())
	return err
}

// drop closes the session.
func (c *client) drop() {
	if c.session != nil {
		_ = c.session.conn.Close()
		c.session = nil
	}
	if c.idle != nil {
		c.idle.Stop()
	}
}

// closeLater closes a session nobody uses; the platform has a limited number.
func (c *client) closeLater() {
	if c.idle == nil {
		c.idle = time.AfterFunc(c.cfg.Idle, c.closeIdle)
		return
	}
	c.idle.Reset(c.cfg.Idle)
}

func (c *client) closeIdle() {
	select {
	case <-c.turn:
		if c.session != nil && time.Since(c.session.used) >= c.cfg.Idle {
			c.drop()
		}
		c.turn <- struct{}{}
	default: // in use
	}
}

// close ends the session; one that is in use ends by itself.
func (c *client) close() {
	select {
	case <-c.turn:
		c.drop()
		c.turn <- struct{}{}
	default:
	}
}

func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, new(*Refused)):
		return "refused"
	}
	return "failed"
}
