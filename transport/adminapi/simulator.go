package adminapi

import (
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
)

// simulated hands requests on to the control paths of the demo's simulator. A
// browser could not: they are of another origin.
func simulated(addr string) web.Handler {
	client := &fasthttp.HostClient{
		Addr: addr, MaxConns: 8, ReadTimeout: simulatorTime, WriteTimeout: simulatorTime, NoDefaultUserAgentHeader: true,
		MaxResponseBodySize: 8 << 20, DisablePathNormalizing: true, MaxIdemponentCallAttempts: 1,
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
		ask, answer := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer fasthttp.ReleaseRequest(ask)
		defer fasthttp.ReleaseResponse(answer)
		ask.Header.SetMethodBytes(ctx.Method())
		ask.URI().DisablePathNormalizing = true
		ask.SetRequestURI("http://" + addr + "/simulator/" + path)
		ask.Header.SetContentType("application/json")
		ask.SetBodyRaw(body)
		if err := client.DoTimeout(ask, answer, simulatorTime); err != nil {
			return problem.New(engine.CodeProviderUnavailable, "the simulator does not answer")
		}
		ctx.SetStatusCode(answer.StatusCode())
		ctx.Response.Header.SetContentTypeBytes(answer.Header.ContentType())
		if allow := answer.Header.Peek("Allow"); len(allow) > 0 {
			ctx.Response.Header.SetBytesV("Allow", allow)
		}
		ctx.SetBody(answer.Body())
		return nil
	}
}
