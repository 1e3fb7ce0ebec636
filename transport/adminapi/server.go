package adminapi

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"offhook/docs"
	"offhook/engine/tenant"
	"offhook/transport/hookapi"
	"offhook/transport/httpapi/web"
	"offhook/transport/reference"
)

// Config is what the admin listener needs.
type Config struct {
	Calls    Calls
	Tenants  Tenants
	Token    string              // what a caller must show; never empty
	Ready    func() []string     // what is not ready; nil means that all is
	Full     func() bool         // nothing can be stored: only reading goes on; nil means never
	Gatherer prometheus.Gatherer // what /metrics shows; nil shows nothing
	Log      *slog.Logger        // nil logs nothing
	Metrics  *Metrics            // nil measures nothing
	Now      func() time.Time    // nil means time.Now
	Random   io.Reader           // keys and secrets are made from it; nil means crypto/rand

	// Normalise brings a number into E.164 by a network's rules, and reports
	// false for what is no number. Nil means the network's Dialing.
	Normalise func(n *tenant.Network, number string) (string, bool)

	Provisioning Provisioning // nil where subscribers are provisioned by hand alone
	Contacts     Contacts     // nil where no networks run
	Links        Links        // nil where no networks run

	Keys web.Keys // requests with an idempotency key; nil: that header means nothing

	Backups Backups // nil where none can be made

	LogLevel *slog.LevelVar         // of Log, which may be changed here; nil where it may not
	LogID    func(id string) string // what a subscriber or a provider's user is called in the log, LogIDLen letters; nil where by its id

	CertFile, KeyFile string // PEM; both empty for plain HTTP

	URLs  hookapi.URLs // webhooks may have
	Hooks *hookapi.API // the self-service of webhooks; nil for none

	AsApp   []web.Row // what the operator may do in an app's place
	Console *Console  // nil for none

	Guesses        Guesses       // of the token
	CommandTimeout time.Duration // how long a request waits for a change; zero means 15 s
	MaxConns       int           // zero means 1,024
	IdleWorker     time.Duration // see web.Config
	Rest           time.Duration // see web.Config
}

// Server is the admin listener.
type Server struct {
	config  Config
	token   [sha256.Size]byte
	guesses *guesses
	web     *web.Server
	routes  *web.Routes

	// Changes of apps and networks hold it; changes of subscribers, which rely
	// on both, share it.
	mu sync.RWMutex

	backingUp sync.Mutex
	repeats   web.Repeats
}

// maxBody bounds every body but the bulk upload's, which has no end.
const maxBody = 256 << 10

// New makes the listener.
func New(config Config) (*Server, error) {
	if config.Token == "" {
		return nil, errors.New("adminapi: no token")
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Random == nil {
		config.Random = rand.Reader
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Normalise == nil {
		config.Normalise = func(n *tenant.Network, number string) (string, bool) { return n.Dialing.Normalise(number) }
	}
	if config.CommandTimeout == 0 {
		config.CommandTimeout = 15 * time.Second
	}
	if config.MaxConns == 0 {
		config.MaxConns = 1024
	}
	s := &Server{
		config:  config,
		token:   sha256.Sum256([]byte(config.Token)),
		guesses: newGuesses(config.Guesses),
		routes:  web.NewRoutes(config.Log, config.Metrics),
	}
	s.repeats.Keys, s.repeats.Log = config.Keys, config.Log
	s.route()
	var err error
	s.web, err = web.NewServer(web.Config{
		Handler: s.routes.Serve, Log: config.Log, Metrics: config.Metrics,
		MaxBody: maxBody, StreamBody: true, MaxConns: config.MaxConns, MaxConnsPerAddress: config.MaxConns, IdleWorker: config.IdleWorker, Rest: config.Rest,
		CertFile: config.CertFile, KeyFile: config.KeyFile,
	})
	return s, err
}

func (s *Server) route() {
	for _, r := range []struct {
		method, path string
		handler      web.Handler
	}{
		{"POST", "/admin/apps", s.once(s.createApp)},
		{"GET", "/admin/apps", s.listApps},
		{"GET", "/admin/apps/{app_id}", s.getApp},
		{"PATCH", "/admin/apps/{app_id}", s.patchApp},
		{"DELETE", "/admin/apps/{app_id}", s.deleteApp},
		{"POST", "/admin/apps/{app_id}/keys", s.once(s.createKey)},
		{"DELETE", "/admin/apps/{app_id}/keys/{key_id}", s.deleteKey},
		{"PUT", "/admin/apps/{app_id}/subscribers/{subscriber_id}", s.link},
		{"DELETE", "/admin/apps/{app_id}/subscribers/{subscriber_id}", s.unlink},
		{"POST", "/admin/networks", s.once(s.createNetwork)},
		{"GET", "/admin/networks", s.listNetworks},
		{"GET", "/admin/networks/{network_id}", s.getNetwork},
		{"PATCH", "/admin/networks/{network_id}", s.patchNetwork},
		{"DELETE", "/admin/networks/{network_id}", s.deleteNetwork},
		{"POST", "/admin/networks/{network_id}/contact/rotate", s.once(s.rotateContact)},
		{"PUT", "/admin/networks/{network_id}/provisioning/confirm", s.confirmProvisioning},
		{"GET", "/admin/subscribers", s.listSubscribers},
		{"POST", "/admin/subscribers", s.bulk},
		{"PUT", "/admin/subscribers/{subscriber_id}", s.putSubscriber},
		{"GET", "/admin/subscribers/{subscriber_id}", s.getSubscriber},
		{"DELETE", "/admin/subscribers/{subscriber_id}", s.deleteSubscriber},
		{"GET", "/debug/pprof/{profile:*}", profiles()},
		{"POST", "/debug/pprof/{profile:*}", profiles()},
	} {
		s.routes.Handle(r.method, r.path, s.guard(r.handler))
	}
	if s.config.Hooks != nil {
		for _, r := range s.config.Hooks.Routes() {
			h := s.webhook(r)
			if r.Scope == tenant.ScopeControl {
				h = s.once(h)
			}
			s.routes.Handle(r.Method, "/admin/apps/{app_id}"+r.Path, s.guard(h))
		}
	}
	for _, r := range s.config.AsApp {
		s.routes.Handle(r.Method, "/admin"+r.Pattern, s.guard(s.asApp(r)))
	}
	if s.config.Console != nil {
		s.routeConsole(s.config.Console)
	}
	if s.config.LogLevel != nil {
		s.routes.Handle("GET", "/admin/log", s.guard(s.getLog))
		s.routes.Handle("PUT", "/admin/log", s.admit(s.putLog)) // it stores nothing, and a full disk is when it is wanted
	}
	if s.config.Backups != nil {
		s.routes.Handle("POST", "/admin/backup", s.admit(s.backup)) // another disk may have room
	}
	s.routes.Handle("GET", "/healthz", s.healthz)
	s.routes.Handle("GET", "/readyz", s.readyz)
	s.routes.Handle("GET", "/metrics", s.metrics())
	pages := reference.New(docs.AdminOpenAPI)
	s.routes.Handle("GET", "/openapi.yaml", pages.Document)
	s.routes.Handle("GET", "/reference", pages.Page)
}

// Routes lists what the admin listener answers, sorted: "GET /path" and so on.
func (s *Server) Routes() []string { return s.routes.List() }

// Serve answers requests until Shutdown, then returns nil.
func (s *Server) Serve(ln net.Listener) error { return s.web.Serve(ln) }

// Shutdown ends the boards, stops accepting and waits for requests in flight, as
// long as ctx allows.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.config.Console != nil {
		s.config.Console.Board.Close()
	}
	return s.web.Shutdown(ctx)
}

// UseCertificate reads the certificate now, from other files if need be.
func (s *Server) UseCertificate(certFile, keyFile string) error {
	return s.web.UseCertificate(certFile, keyFile)
}

func (s *Server) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.web.Context(), s.config.CommandTimeout)
}

// read parses a body that must be a JSON object.
func read(ctx *fasthttp.RequestCtx) (web.Object, error) {
	if err := web.CheckJSON(ctx); err != nil {
		return web.Object{}, err
	}
	body, err := web.Body(ctx, maxBody)
	if err != nil {
		return web.Object{}, err
	}
	return web.ParseObject(body)
}
