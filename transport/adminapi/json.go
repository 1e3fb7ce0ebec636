package adminapi

import (
	"github.com/valyala/fasthttp"

	"offhook/transport/httpapi/web"
)

func encode(v any) ([]byte, error) { return web.Encode(v) }

func writeJSON(ctx *fasthttp.RequestCtx, status int, v any) error {
	return web.WriteJSON(ctx, status, v)
}
