package webhooks

import (
	"bytes"
	"io"
	"net"
	"net/rpc"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
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

// receive is the life of the receiver's process. It ends when its parent does.
func receive(in io.ReadCloser, out io.WriteCloser) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM) // Ctrl-C goes to all; the parent still wants the last page
	verify, err := webhook.NewVerifier(secret)
	if err != nil {
		return err
	}
	r := &receiver{verify: verify, books: map[int]*books{}}
	if r.hooks, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	if r.silent, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	srv := &fasthttp.Server{
		Handler: r.handle, NoDefaultServerHeader: true, MaxRequestBodySize: maxBody, ReadTimeout: time.Minute,
		Logger: mute{},
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(r.hooks) }()
	go r.ignore()

	calls := rpc.NewServer()
	if err := calls.RegisterName(service, &Ledgers{r}); err != nil {
		return err
	}
	gone := make(chan struct{})
	go func() {
		calls.ServeConn(pipe{in, out})
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case err := <-failed:
		return err
	}
}

// mute drops what the server says of clients that went away.
type mute struct{}

func (mute) Printf(string, ...any) {}

// pipe makes one connection of two ends.
type pipe struct {
	io.ReadCloser
	out io.WriteCloser
}

func (p pipe) Write(b []byte) (int, error) { return p.out.Write(b) }

func (p pipe) Close() error {
	err := p.out.Close()
	if inErr := p.ReadCloser.Close(); err == nil {
		err = inErr
	}
	return err
}

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
