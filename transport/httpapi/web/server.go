package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/transport/problem"
)

// Config bounds a server. Zeroes are the defaults of design §8.
type Config struct {
	Handler fasthttp.RequestHandler
	Log     *slog.Logger // nil logs nothing
	Metrics *Metrics     // nil measures nothing

	ReadTimeout  time.Duration // for a whole request; zero means 10 s
	WriteTimeout time.Duration // for a whole response; zero means 10 s
	IdleTimeout  time.Duration // between two requests of a connection; zero means 60 s
	Rest         time.Duration // while draining, without a request; then a connection is ended; zero means 500 ms
	MaxBody      int           // bytes; zero means 256 KB
	MaxHeader    int           // bytes of request line and headers; zero means 8 KB
	StreamBody   bool          // handlers read the body themselves, with Body or BodyStream

	MaxConns           int // connections at a time; zero means 16,384
	MaxConnsPerAddress int // connections at a time from one address (IPv6: one /64); zero means 1,024

	CertFile, KeyFile string // PEM; both empty for plain HTTP. Read again when the files change.

	IdleWorker time.Duration // how long a goroutine without a connection is kept; zero means 10 s
}

func (c Config) fill() Config {
	set(&c.ReadTimeout, 10*time.Second)
	set(&c.WriteTimeout, 10*time.Second)
	set(&c.IdleTimeout, time.Minute)
	set(&c.Rest, 500*time.Millisecond)
	set(&c.MaxBody, 256<<10)
	set(&c.MaxHeader, 8<<10)
	set(&c.MaxConns, 16384)
	set(&c.MaxConnsPerAddress, 1024)
	set(&c.IdleWorker, 10*time.Second)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func set[T comparable](have *T, otherwise T) {
	var zero T
	if *have == zero {
		*have = otherwise
	}
}

// Server is one listener's front door. Serve may be called once.
type Server struct {
	config Config
	http   *fasthttp.Server
	gate   *gate
	cert   *certificate // nil for plain HTTP

	base   context.Context // ends when requests in flight are given up
	giveUp context.CancelFunc

	draining atomic.Bool // each answer is the last of its connection

	mu     sync.Mutex
	ln     net.Listener
	closed bool
}

// NewServer makes a server. It fails only if there is a certificate that
// cannot be read.
func NewServer(config Config) (*Server, error) {
	config = config.fill()
	s := &Server{config: config, gate: newGate(config)}
	s.base, s.giveUp = context.WithCancel(context.Background())
	if config.CertFile != "" || config.KeyFile != "" {
		cert, err := loadCertificate(config.CertFile, config.KeyFile, config.Log)
		if err != nil {
			return nil, err
		}
		s.cert = cert
		config.Metrics.shows(cert, true)
	}
	s.http = &fasthttp.Server{
		Handler:               s.handle,
		ErrorHandler:          s.unparsed,
		Logger:                quiet{config.Log},
		NoDefaultServerHeader: true,
		NoDefaultContentType:  true,
		ReadTimeout:           config.ReadTimeout,
		WriteTimeout:          config.WriteTimeout,
		IdleTimeout:           config.IdleTimeout,
		MaxRequestBodySize:    config.MaxBody,
		ReadBufferSize:        config.MaxHeader,
		StreamRequestBody:     config.StreamBody,
		MaxIdleWorkerDuration: config.IdleWorker,
		// The gate counts connections; this is only so large that it never
		// refuses one itself, which it would do in plain text.
		Concurrency:                  2*config.MaxConns + 64,
		DisablePreParseMultipartForm: true,
		SecureErrorLogMessage:        true,
		CloseOnShutdown:              true,
	}
	return s, nil
}

// Serve accepts connections until Shutdown. It returns nil then.
func (s *Server) Serve(ln net.Listener) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ln.Close()
	}
	guarded := net.Listener(&listener{Listener: ln, gate: s.gate, plain: s.cert == nil})
	s.ln = guarded
	s.mu.Unlock()
	if s.cert != nil {
		guarded = tls.NewListener(guarded, &tls.Config{
			MinVersion:     tls.VersionTLS12,
			NextProtos:     []string{"http/1.1"},
			GetCertificate: s.cert.get,
		})
	}
	return s.http.Serve(guarded)
}

// UseCertificate reads the certificate now, from other files if need be. What
// was agreed on with who is connected stays. It is for servers that speak
// HTTPS; others return an error.
func (s *Server) UseCertificate(certFile, keyFile string) error {
	if s.cert == nil {
		return errors.New("this listener speaks plain HTTP until a restart")
	}
	return s.cert.use(certFile, keyFile)
}

// Context ends when the server gives up on requests in flight.
func (s *Server) Context() context.Context { return s.base }

// Shutdown stops accepting, lets requests in flight finish, says with each
// answer that it is the last, and ends connections once they rest. When ctx ends first, what is left is cut
// off and ctx's error returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	ln := s.ln
	s.closed = true
	s.mu.Unlock()
	defer s.giveUp()
	s.config.Metrics.shows(s.cert, false)
	if ln == nil {
		return nil
	}
	s.draining.Store(true)
	// Closed here, and not left to fasthttp, which does not know the listener
	// yet if Serve has only just been called.
	_ = ln.Close()
	s.gate.rest(ctx)
	if err := s.http.ShutdownWithContext(ctx); err != nil {
		s.giveUp()
		s.gate.closeAll()
		return fmt.Errorf("drain: %w", err)
	}
	return nil
}

func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	defer func() {
		if v := recover(); v != nil {
			s.config.Log.Error("panic in a handler", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			ctx.Response.Reset()
			problem.Write(ctx, problem.New(problem.CodeInternal, "something went wrong here; it was logged"))
		}
	}()
	s.config.Handler(ctx)
	if s.draining.Load() {
		ctx.Response.SetConnectionClose()
	}
}

// unparsed answers what never became a request.
func (s *Server) unparsed(ctx *fasthttp.RequestCtx, err error) {
	var small *fasthttp.ErrSmallBuffer
	var timeout net.Error
	p := problem.New(problem.CodeBadRequest, "this is not a valid HTTP/1.1 request")
	switch {
	case errors.As(err, &small):
		p = problem.HeadersTooLarge(fmt.Sprintf("request line and headers may have %d bytes", s.config.MaxHeader))
	case errors.Is(err, fasthttp.ErrBodyTooLarge), errors.Is(err, errTooMuch):
		p = TooLarge(s.config.MaxBody)
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, os.ErrDeadlineExceeded):
		p = problem.New(problem.CodeRequestTimeout, "the request did not arrive in time")
	}
	lingering(ctx.Conn())
	ctx.Response.Reset()
	problem.Write(ctx, p)
	s.config.Metrics.observe("unparsed", "", p.Status(), 0)
}

// TooLarge refuses a body of more than limit bytes.
func TooLarge(limit int) *problem.Problem {
	return problem.New(problem.CodeTooLarge, fmt.Sprintf("a body may have %d bytes", limit))
}

// Fail makes err the response. What is not a refusal is logged, and hidden.
func Fail(ctx *fasthttp.RequestCtx, log *slog.Logger, route string, err error) {
	p := problem.From(err)
	if p.Code == problem.CodeInternal {
		log.Error("request failed", "route", route, "err", err, "trace", TraceOf(ctx).String())
	}
	problem.Write(ctx, p)
}

// quiet is fasthttp's log: broken connections, mostly.
type quiet struct{ log *slog.Logger }

func (q quiet) Printf(format string, args ...any) {
	if !q.log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	for i, a := range args {
		if err, ok := a.(error); ok && !ofConnection(err) {
			args[i] = "this is not a valid HTTP/1.1 request" // fasthttp's errors quote what came, phone numbers and all
		}
	}
	q.log.Debug(fmt.Sprintf(format, args...))
}

// ofConnection reports whether an error is of the connection, and quotes
// nothing that came over it.
func ofConnection(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || strings.HasPrefix(err.Error(), "tls: ")
}
