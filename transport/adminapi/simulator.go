package adminapi

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

const (
	simulatorPath = "/admin/simulator/"
	simulatorTime = 5 * time.Second
	simulatorBody = 16 << 20 // of an answer
)

// simulatorRoutes are the control paths of the simulator, below /simulator/ there
// and below /admin/simulator/ here. Nothing else of it is handed on.
var simulatorRoutes = []struct{ methods, path string }{
	{"GET POST", "calls"},
	{"POST", "calls/{call_id}/{verb}"},
	{"GET", "parked"},
	{"DELETE", "parked/{extension}"},
	{"GET", "phones"},
	{"GET PUT", "phones/{subscriber_id}"},
	{"GET POST DELETE", "faults"},
	{"DELETE", "faults/{fault_id}"},
	{"GET POST", "people"},
	{"GET PATCH DELETE", "people/{subscriber_id}"},
	{"GET", "enterprises"},
	{"DELETE", "enterprises/{enterprise}"},
	{"DELETE", "enterprises/{enterprise}/groups/{group}"},
	{"GET", "stats"},
}

func (s *Server) routeSimulator(addr string) {
	proxy := s.guard(simulated(addr))
	for _, r := range simulatorRoutes {
		for method := range strings.FieldsSeq(r.methods) {
			s.routes.Handle(method, simulatorPath+r.path, proxy)
		}
	}
}

// simulated hands requests on to the control paths of the demo's simulator. A
// browser could not: they are of another origin. The token stays here.
func simulated(addr string) web.Handler {
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx *fasthttp.RequestCtx) error {
		path := strings.TrimPrefix(string(ctx.URI().PathOriginal()), simulatorPath)
		if strings.Contains(path, "..") {
			return problem.NotFound()
		}
		method := string(ctx.Method())
		if ctx.IsHead() {
			method = http.MethodGet // which the simulator has
		}
		body, err := web.Body(ctx, maxBody)
		if err != nil {
			return err
		}
		wait, cancel := context.WithTimeout(context.Background(), simulatorTime)
		defer cancel()
		ask, err := http.NewRequestWithContext(wait, method, "http://"+addr+"/simulator/"+path, bytes.NewReader(body))
		if err != nil {
			return problem.NotFound() // no path at all
		}
		ask.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(ask)
		if err != nil {
			return problem.New(engine.CodeProviderUnavailable, "the simulator does not answer")
		}
		defer func() { _ = answer.Body.Close() }()
		text, err := io.ReadAll(io.LimitReader(answer.Body, simulatorBody))
		if err != nil {
			return problem.New(engine.CodeProviderUnavailable, "the simulator did not answer to the end")
		}
		ctx.SetStatusCode(answer.StatusCode)
		if kind := answer.Header.Get("Content-Type"); kind != "" {
			ctx.Response.Header.SetContentType(kind)
		}
		ctx.SetBody(text)
		return nil
	}
}
