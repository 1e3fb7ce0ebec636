package adminapi

import (
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"

	"offhook/transport/httpapi/web"
)

func (s *Server) healthz(ctx *fasthttp.RequestCtx) error {
	ctx.SetContentType("text/plain; charset=utf-8")
	ctx.SetBodyString("ok\n")
	return nil
}

// readyz says whether traffic should be sent here. Links to providers are no
// part of it: a replica that lost one still answers.
func (s *Server) readyz(ctx *fasthttp.RequestCtx) error {
	answer := struct {
		Ready    bool     `json:"ready"`
		NotReady []string `json:"not_ready"`
	}{NotReady: []string{}}
	if s.config.Ready != nil {
		answer.NotReady = append(answer.NotReady, s.config.Ready()...)
	}
	if answer.Ready = len(answer.NotReady) == 0; !answer.Ready {
		return writeJSON(ctx, fasthttp.StatusServiceUnavailable, answer)
	}
	return writeJSON(ctx, fasthttp.StatusOK, answer)
}

func (s *Server) metrics() web.Handler {
	g := s.config.Gatherer
	if g == nil {
		g = prometheus.Gatherers{}
	}
	return adapt(promhttp.HandlerFor(g, promhttp.HandlerOpts{}))
}

func profiles() web.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return adapt(mux)
}

func adapt(h http.Handler) web.Handler {
	adapted := fasthttpadaptor.NewFastHTTPHandler(h)
	return func(ctx *fasthttp.RequestCtx) error {
		adapted(ctx)
		return nil
	}
}
