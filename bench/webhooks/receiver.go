package webhooks

import (
	"bytes"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/bench/busy"
	"offhook/transport/webhook"
)

const (
	// secret signs; the receiver knows it too.
	secret = "whsec_b2ZmaG9vayBiZW5jaCBzZWNyZXQsIDMyIGJ5dGVzIQ=="
	// verifyEach: one signature in so many is verified. All of them would
	// cost the receiver, which shares our cores, more than its answers do.
	verifyEach = 64
	// maxBody is more than any event has.
	maxBody = 64 << 10
)

// receiver is the other process: it takes webhooks and keeps books on them.
// Its parent asks for them over standard input and output.
type receiver struct {
	verify *webhook.Verifier
	hooks  net.Listener
	silent net.Listener
	taken  atomic.Uint64

	mu     sync.Mutex
	books  map[int]*books
	opened int
}

// newLedgers begins the life of the receiver's process, which ends when its
// parent's does.
func newLedgers() (any, error) {
	verify, err := webhook.NewVerifier(secret)
	if err != nil {
		return nil, err
	}
	r := &receiver{verify: verify, books: map[int]*books{}}
	if r.hooks, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	if r.silent, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	srv := &fasthttp.Server{
		Handler: r.handle, NoDefaultServerHeader: true, MaxRequestBodySize: maxBody, ReadTimeout: time.Minute,
		Logger: mute{},
	}
	go func() { _ = srv.Serve(r.hooks) }()
	go r.ignore()
	return &Ledgers{r}, nil
}

// mute drops what the server says of clients that went away.
type mute struct{}

func (mute) Printf(string, ...any) {}

// ignore accepts connections and never answers on them.
func (r *receiver) ignore() {
	for {
		c, err := r.silent.Accept()
		if err != nil {
			return
		}
		go func() {
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}()
	}
}

// handle takes one webhook. Its path says whose books it goes into.
func (r *receiver) handle(ctx *fasthttp.RequestCtx) {
	at := time.Now().UnixNano()
	id, err := strconv.Atoi(string(bytes.TrimPrefix(ctx.Path(), []byte("/"))))
	r.mu.Lock()
	b := r.books[id]
	r.mu.Unlock()
	if err != nil || b == nil || !ctx.IsPost() {
		ctx.SetStatusCode(fasthttp.StatusNotFound)
		return
	}
	body := ctx.PostBody()
	if r.taken.Add(1)%verifyEach == 1 {
		h := &ctx.Request.Header
		err := r.verify.Verify(time.Now(), string(h.Peek("webhook-id")), string(h.Peek("webhook-timestamp")), string(h.Peek("webhook-signature")), body)
		if err != nil {
			b.refuse(err.Error())
			ctx.SetStatusCode(fasthttp.StatusUnauthorized)
			return
		}
	}
	stream, sequence, err := busy.Numbers(body)
	if err != nil {
		b.refuse(err.Error())
		ctx.SetStatusCode(fasthttp.StatusBadRequest)
		return
	}
	b.take(stream, sequence, at)
}
