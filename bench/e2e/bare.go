package e2e

import (
	"net"

	"github.com/valyala/fasthttp"
)

// Bare is a server that answers the requests of commands and does nothing.
type Bare struct{ ln net.Listener }

func newBare() (any, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	srv := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) { ctx.SetStatusCode(fasthttp.StatusNoContent) }, Logger: mute{}}
	go func() { _ = srv.Serve(ln) }()
	return &Bare{ln}, nil
}

// Where tells the address.
func (b *Bare) Where(_ int, addr *string) error {
	*addr = b.ln.Addr().String()
	return nil
}
