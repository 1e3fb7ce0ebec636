package e2e

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/bench/child"
	"offhook/transport/webhook"
)

// verifyEach: one signature in so many is verified. All of them would cost the
// receiver, which shares our cores, more than its answers do.
const verifyEach = 64

// Receiver takes webhooks in a process of its own. These methods are for its
// parent.
type Receiver struct {
	ln    net.Listener
	taken atomic.Uint64

	mu     sync.Mutex
	verify *webhook.Verifier
	books  *books // of the round; nil before the first
}

func newReceiver() (any, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Receiver{ln: ln}
	srv := &fasthttp.Server{Handler: r.handle, NoDefaultServerHeader: true, NoDefaultDate: true, Logger: mute{}, MaxRequestBodySize: 64 << 10}
	go func() { _ = srv.Serve(ln) }()
	return r, nil
}

func (r *Receiver) handle(ctx *fasthttp.RequestCtx) {
	at := time.Now().UnixNano()
	r.mu.Lock()
	verify, b := r.verify, r.books
	r.mu.Unlock()
	if b == nil || !ctx.IsPost() {
		ctx.SetStatusCode(fasthttp.StatusNotFound)
		return
	}
	body := ctx.PostBody()
	if r.taken.Add(1)%verifyEach == 1 {
		h := &ctx.Request.Header
		err := verify.Verify(time.Now(), string(h.Peek("webhook-id")), string(h.Peek("webhook-timestamp")), string(h.Peek("webhook-signature")), body)
		if err != nil {
			b.refuse(err.Error())
			ctx.SetStatusCode(fasthttp.StatusUnauthorized)
			return
		}
	}
	w, ok := readHook(body)
	if !ok {
		b.refuse(fmt.Sprintf("not an event of this benchmark: %.200q", body))
		ctx.SetStatusCode(fasthttp.StatusBadRequest)
		return
	}
	b.take(w, at)
}

// Where tells the URL.
func (r *Receiver) Where(_ int, url *string) error {
	*url = "http://" + r.ln.Addr().String() + "/"
	return nil
}

// Opening is a round's beginning.
type Opening struct {
	Secret  string
	Lines   int
	Stories bool // see books
}

// Open opens new books.
func (r *Receiver) Open(o Opening, _ *int) error {
	verify, err := webhook.NewVerifier(o.Secret)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verify = verify
	r.books = &books{stories: o.Stories, last: make([]uint32, o.Lines)}
	return nil
}

// Page is what came since the page before, and the books as they stand.
type Page struct {
	Arrivals []Arrival // in the order they came
	Last     []uint32  // by line
	Repeats  int
}

var (
	errWrong = errors.New("what arrived is not what was told on the wire")
	errLoss  = errors.New("events were lost")
)

// Await waits until so many events came, in all of these books, and returns
// them.
func (r *Receiver) Await(events int, p *Page) error {
	r.mu.Lock()
	b := r.books
	r.mu.Unlock()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	late := time.NewTimer(child.Patience)
	defer late.Stop()
	for {
		b.mu.Lock()
		got, wrongs := b.got, b.wrongs
		if wrongs > 0 {
			defer b.mu.Unlock()
			return fmt.Errorf("%w: %d times, such as %q", errWrong, wrongs, b.wrong)
		}
		if got >= events {
			p.Arrivals, p.Last, p.Repeats = b.arrivals, append([]uint32(nil), b.last...), b.repeats
			b.arrivals = nil
			b.mu.Unlock()
			return nil
		}
		b.mu.Unlock()
		select {
		case <-look.C:
		case <-late.C:
			return fmt.Errorf("%w: %d of %d came", errLoss, got, events)
		}
	}
}
