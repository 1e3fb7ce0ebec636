package xsicontact

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// Contact takes what was POSTed. It is used from many goroutines.
type Contact interface {
	// Knows reports whether a path is the secret one, in a time that does not
	// tell how much of it was right.
	Knows(path []byte) bool
	// Take takes a document, which is good until it returns, and says the
	// status of the answer.
	Take(document []byte) (status int)
}

// Config is one listener. Zeroes of bounds are defaults.
type Config struct {
	Listen            string
	CertFile, KeyFile string         // PEM, read again when the files change; both empty for plain HTTP, behind a proxy
	Allow             []netip.Prefix // who may connect; nobody else is read from
	// TrustForwarded says that who connects is a proxy, which must be in Allow
	// too: the server behind it is the last address of X-Forwarded-For.
	TrustForwarded bool

	MaxBody     int           // bytes; zero means 64 KB
	MaxConns    int           // connections at a time; zero means 2,048
	ReadTimeout time.Duration // for a whole request; zero means 10 s
	// IdleTimeout is long: a platform that sends on a connection just when we
	// close it loses an event. Zero means 5 min.
	IdleTimeout time.Duration
	Drain       time.Duration // what is being answered when the listener ends has so long; zero means 2 s

	IdleWorker time.Duration // see web.Config

	Log     *slog.Logger // nil logs nothing
	Metrics *Metrics     // nil measures nothing
}

// Metrics measures all listeners of HTTP contacts. A nil *Metrics measures
// nothing.
type Metrics = web.Metrics

// NewMetrics registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics { return web.NewMetrics(reg, "contact") }

func (c Config) fill() Config {
	if c.MaxBody == 0 {
		c.MaxBody = 64 << 10
	}
	if c.MaxConns == 0 {
		c.MaxConns = 2048
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = 5 * time.Minute
	}
	if c.Drain == 0 {
		c.Drain = 2 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Serve listens and hands documents to contact until ctx ends; it returns nil
// then, and answers what came before. bound is called once it listens.
func (c Config) Serve(ctx context.Context, contact Contact, bound func()) error {
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen for the http contact: %w", err)
	}
	return c.ServeOn(ctx, ln, contact, bound)
}

// ServeOn is Serve on a listener that is there; it closes it.
func (c Config) ServeOn(ctx context.Context, ln net.Listener, contact Contact, bound func()) error {
	c = c.fill()
	h := &handler{config: c, contact: contact}
	routes := web.NewRoutes(c.Log, c.Metrics)
	routes.Handle(fasthttp.MethodPost, "/{contact:*}", h.post)
	server, err := web.NewServer(web.Config{
		Handler: routes.Serve, Log: c.Log, Metrics: c.Metrics,
		ReadTimeout: c.ReadTimeout, IdleTimeout: c.IdleTimeout,
		MaxBody: c.MaxBody, MaxConns: c.MaxConns, MaxConnsPerAddress: c.MaxConns,
		CertFile: c.CertFile, KeyFile: c.KeyFile, IdleWorker: c.IdleWorker,
	})
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(&allowListener{Listener: ln, config: c}) }()
	bound()
	select {
	case err := <-served:
		return fmt.Errorf("http contact: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), c.Drain)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		c.Log.Warn("http contact: not everything was answered", "err", err)
	}
	<-served
	return nil
}

type handler struct {
	config  Config
	contact Contact
}

// post answers whoever does not know the path as if nothing were here.
func (h *handler) post(ctx *fasthttp.RequestCtx) error {
	if h.config.TrustForwarded {
		if from, ok := forwarded(ctx); !ok || !allowed(h.config.Allow, from) {
			h.config.Metrics.Refused("forwarded")
			return problem.NotFound()
		}
	}
	if !h.contact.Knows(ctx.URI().PathOriginal()) {
		h.config.Metrics.Refused("path")
		return problem.NotFound()
	}
	status := h.contact.Take(ctx.PostBody())
	ctx.SetStatusCode(status)
	if status == fasthttp.StatusServiceUnavailable {
		ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, "1")
	}
	return nil
}
