package httpapi

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/docs"
	"offhook/engine/trace"
	"offhook/transport/eventlog"
	"offhook/transport/hookapi"
	"offhook/transport/httpapi/web"
	"offhook/transport/reference"
)

// Config is what the public listener needs. Zeroes of bounds are defaults.
type Config struct {
	Calls     Calls
	Tenants   Tenants
	Platforms Platforms        // nil means that every network has the verbs of the specification
	Events    *eventlog.Hub    // the event log and its streams; nil for none. Shutdown closes it
	Hooks     *hookapi.API     // the self-service of webhooks; nil for none
	History   History          // calls that are over, and timelines; nil for none, as without Events, whose cursors it has
	Keys      web.Keys         // requests with an idempotency key; nil: that header means nothing, but to who places calls
	Log       *slog.Logger     // nil logs nothing
	Metrics   *Metrics         // nil measures nothing
	Full      func() bool      // nothing can be stored: only reading goes on; nil means never
	Now       func() time.Time // nil means time.Now
	Tracer    *trace.Tracer    // of requests; nil exports nothing

	CertFile, KeyFile string // PEM; both empty for plain HTTP

	PerKey     web.Rate // requests of one key; zero means 5,000 a second, 10,000 at once
	PerApp     web.Rate // requests of all keys of one app; zero means 10,000 a second, 20,000 at once
	PerAddress web.Rate // requests of one address; zero means 10,000 a second, 20,000 at once
	BadKeys    web.Rate // of one address, that open nothing; zero means 10 a second, 20 at once
	Commands   web.Rate // of one app to one subscriber and his calls; zero means 50 a second, 100 at once

	MaxConns           int           // zero means 16,384
	MaxConnsPerAddress int           // zero means 1,024
	MaxBody            int           // bytes; zero means 256 KB
	ReadTimeout        time.Duration // zero means 10 s
	WriteTimeout       time.Duration // zero means 10 s
	IdleTimeout        time.Duration // zero means 60 s
	CommandTimeout     time.Duration // how long a request waits for the core; zero means 15 s
	IdleWorker         time.Duration // see web.Config
	Rest               time.Duration // see web.Config
}

// Server is the public listener.
type Server struct {
	config Config
	web    *web.Server
	routes *web.Routes

	keys      *web.Limiter[string]
	apps      *web.Limiter[string]
	addresses *web.Limiter[netip.Addr]
	badKeys   *web.Limiter[netip.Addr]
	commands  *web.Limiter[commanded]

	repeats web.Repeats
}

// New makes the listener. It fails only if the certificate cannot be read.
func New(config Config) (*Server, error) {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.CommandTimeout == 0 {
		config.CommandTimeout = 15 * time.Second
	}
	if config.WriteTimeout == 0 {
		config.WriteTimeout = 10 * time.Second
	}
	s := &Server{
		config:    config,
		routes:    web.NewRoutes(config.Log, config.Metrics),
		keys:      web.NewLimiter[string](config.PerKey, perKey),
		apps:      web.NewLimiter[string](config.PerApp, perApp),
		addresses: web.NewLimiter[netip.Addr](config.PerAddress, perAddress),
		badKeys:   web.NewLimiter[netip.Addr](config.BadKeys, badKeys),
		commands:  web.NewLimiter[commanded](config.Commands, commands),
	}
	s.repeats.Keys, s.repeats.Log = config.Keys, config.Log
	s.routes.Trace(config.Tracer)
	s.route()
	var err error
	s.web, err = web.NewServer(web.Config{
		Handler: s.routes.Serve, Log: config.Log, Metrics: config.Metrics,
		ReadTimeout: config.ReadTimeout, WriteTimeout: config.WriteTimeout, IdleTimeout: config.IdleTimeout,
		MaxBody: config.MaxBody, MaxConns: config.MaxConns, MaxConnsPerAddress: config.MaxConnsPerAddress,
		CertFile: config.CertFile, KeyFile: config.KeyFile, IdleWorker: config.IdleWorker, Rest: config.Rest,
	})
	return s, err
}

func (s *Server) route() {
	for _, r := range []struct {
		method, path string
		handler      web.Handler
	}{
		{"POST", "/apps/{app_id}/calls", s.control(s.originate)},
		{"POST", "/apps/{app_id}/calls/retrieve", s.control(s.retrieve)},
		{"GET", "/apps/{app_id}/calls", s.read(s.calls)},
		{"GET", "/apps/{app_id}/calls/{call_id}", s.read(s.call)},
		{"GET", "/apps/{app_id}/subscribers/{subscriber_id}/calls", s.read(s.subscriberCalls)},
		{"POST", "/apps/{app_id}/conferences", s.control(s.once(s.confer))},
		{"GET", "/apps/{app_id}/conferences", s.read(s.conferences)},
		{"GET", "/apps/{app_id}/conferences/{conference_id}", s.read(s.conference)},
		{"DELETE", "/apps/{app_id}/conferences/{conference_id}", s.control(s.once(s.endConference))},
		{"GET", "/apps/{app_id}/networks", s.read(s.networks)},
		{"GET", "/apps/{app_id}/networks/{network_id}", s.read(s.network)},
		{"GET", "/apps/{app_id}/subscribers", s.read(s.subscribers)},
		{"GET", "/apps/{app_id}/subscribers/{subscriber_id}", s.read(s.subscriber)},
	} {
		s.routes.Handle(r.method, r.path, r.handler)
	}
	for _, o := range orders {
		s.routes.Handle(o.method, "/apps/{app_id}/calls/{call_id}"+o.path, s.control(s.once(s.order(o))))
	}
	for _, p := range participations {
		s.routes.Handle("PUT", "/apps/{app_id}/conferences/{conference_id}/participants/{call_id}"+p.path, s.control(s.once(s.participate(p.verb))))
	}
	if s.config.Events != nil {
		s.routes.Handle("GET", "/apps/{app_id}/events", s.read(s.events))
		s.routes.Handle("GET", "/apps/{app_id}/events/stream", s.read(s.stream))
	}
	if s.config.History != nil && s.config.Events != nil {
		s.routes.Handle("GET", "/apps/{app_id}/call-history", s.read(s.callHistory))
		s.routes.Handle("GET", "/apps/{app_id}/calls/{call_id}/timeline", s.read(s.timeline))
	}
	if s.config.Hooks != nil {
		for _, r := range s.config.Hooks.Routes() {
			s.routes.Handle(r.Method, "/apps/{app_id}"+r.Path, s.webhook(r))
		}
	}
	pages := reference.New(docs.OpenAPI)
	s.routes.Handle("GET", "/openapi.yaml", s.anyone(pages.Document))
	s.routes.Handle("GET", "/reference", s.anyone(pages.Page))
}

// Routes lists what the public listener answers, sorted: "GET /path" and so on.
func (s *Server) Routes() []string { return s.routes.List() }

// Serve answers requests until Shutdown, then returns nil.
func (s *Server) Serve(ln net.Listener) error { return s.web.Serve(ln) }

// Shutdown ends the event streams, stops accepting and waits for requests in
// flight, as long as ctx allows.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.config.Events != nil {
		s.config.Events.Close()
	}
	return s.web.Shutdown(ctx)
}

// within bounds how long a request waits for the core.
func (s *Server) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.web.Context(), s.config.CommandTimeout)
}

func address(ctx *fasthttp.RequestCtx) netip.Addr { return web.Address(ctx.RemoteAddr()) }
