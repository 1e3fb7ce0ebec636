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

// simulated hands requests on to the control paths of the demo's simulator. A
// browser could not: they are of another origin. The token stays here.
func simulated(addr string) web.Handler {
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx *fasthttp.RequestCtx) error {
		path, _ := ctx.UserValue("path").(string)
		if strings.Contains(path, "..") {
			return problem.NotFound()
		}
		body, err := web.Body(ctx, maxBody)
		if err != nil {
			return err
		}
		wait, cancel := context.WithTimeout(context.Background(), simulatorTime)
		defer cancel()
		ask, err := http.NewRequestWithContext(wait, string(ctx.Method()), "http://"+addr+"/simulator/"+path, bytes.NewReader(body))
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
		for _, name := range []string{"Content-Type", "Allow"} {
			if value := answer.Header.Get(name); value != "" {
				ctx.Response.Header.Set(name, value)
			}
		}
		ctx.SetBody(text)
		return nil
	}
}
