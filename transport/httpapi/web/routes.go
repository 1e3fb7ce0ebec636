package web

import (
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/fasthttp/router"
	"github.com/valyala/fasthttp"

	"offhook/engine/trace"
	"offhook/transport/problem"
)

// Handler answers a request, or says why not. An error that is no refusal is
// logged and answered as internal.
type Handler func(ctx *fasthttp.RequestCtx) error

// Routes maps methods and paths to handlers. Paths are matched as they were
// sent, to the letter: none is cleaned, redirected or decoded.
type Routes struct {
	router  *router.Router
	log     *slog.Logger
	metrics *Metrics
	traced  bool
	tracer  *trace.Tracer
	rows    []Row
	moved   map[string]string
}

// Row is a route as it was handed in.
type Row struct {
	Method, Pattern string
	Handler         Handler
}

// NewRoutes makes an empty table.
func NewRoutes(log *slog.Logger, metrics *Metrics) *Routes {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &Routes{router: router.New(), log: log, metrics: metrics, moved: map[string]string{}}
	r.router.RedirectTrailingSlash = false
	r.router.RedirectFixedPath = false
	r.router.NotFound = r.wrap("unmatched", r.elsewhere)
	r.router.MethodNotAllowed = r.wrap("unmatched", func(ctx *fasthttp.RequestCtx) error {
		return problem.New(problem.CodeMethodNotAllowed, "this resource takes "+string(ctx.Response.Header.Peek("Allow")))
	})
	r.router.GlobalOPTIONS = r.wrap("unmatched", func(ctx *fasthttp.RequestCtx) error {
		ctx.SetStatusCode(fasthttp.StatusNoContent)
		return nil
	})
	return r
}

// Handle adds a route. HEAD comes with GET.
func (r *Routes) Handle(method, pattern string, h Handler) {
	r.rows = append(r.rows, Row{method, pattern, h})
	wrapped := r.wrap(pattern, h)
	r.router.Handle(method, pattern, wrapped)
	if method == fasthttp.MethodGet {
		r.router.Handle(fasthttp.MethodHead, pattern, wrapped)
	}
}

// Moved sends whoever reads a path to another. A relative one stays right below
// a path of a proxy's. The router takes no path beside one that differs by a
// slash at the end, so these are looked up where it finds nothing.
func (r *Routes) Moved(path, to string) { r.moved[path] = to }

func (r *Routes) elsewhere(ctx *fasthttp.RequestCtx) error {
	to := r.moved[string(ctx.URI().PathOriginal())]
	if to == "" {
		return problem.NotFound()
	}
	if !ctx.IsGet() && !ctx.IsHead() {
		ctx.Response.Header.Set(fasthttp.HeaderAllow, "GET, HEAD, OPTIONS")
		if ctx.IsOptions() {
			ctx.SetStatusCode(fasthttp.StatusNoContent)
			return nil
		}
		return problem.New(problem.CodeMethodNotAllowed, "this resource takes GET, HEAD, OPTIONS")
	}
	ctx.Response.Header.Set(fasthttp.HeaderLocation, to)
	ctx.SetStatusCode(fasthttp.StatusPermanentRedirect)
	return nil
}

// Serve is the handler of the whole table.
func (r *Routes) Serve(ctx *fasthttp.RequestCtx) { r.router.Handler(ctx) }

// Rows are the routes in the order they were added, for another table to have.
func (r *Routes) Rows() []Row { return r.rows }

// List is what there is, sorted: "GET /path" and so on, HEAD left out. What is
// moved is among it, for it is answered.
func (r *Routes) List() []string {
	var all []string
	for method, paths := range r.router.List() {
		if method == fasthttp.MethodHead {
			continue
		}
		for _, p := range paths {
			all = append(all, method+" "+p)
		}
	}
	for path := range r.moved {
		all = append(all, fasthttp.MethodGet+" "+path)
	}
	slices.Sort(all)
	return all
}

var cacheControl, noStore = []byte(fasthttp.HeaderCacheControl), []byte("no-store")

func (r *Routes) wrap(pattern string, h Handler) fasthttp.RequestHandler {
	label := strings.TrimSuffix(pattern, ":*}")
	return func(ctx *fasthttp.RequestCtx) {
		begin := time.Now()
		ctx.Response.Header.SetCanonical(cacheControl, noStore)
		r.begin(ctx)
		if err := h(ctx); err != nil {
			Fail(ctx, r.log, pattern, err)
		}
		r.end(ctx, label, begin)
		r.metrics.observe(label, string(ctx.Method()), ctx.Response.StatusCode(), time.Since(begin))
	}
}
