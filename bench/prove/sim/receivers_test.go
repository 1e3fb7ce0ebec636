package sim

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/transport/webhook"
)

// leave is how offhook reaches receivers: what is sent is seen.
func (w *world) leave(ctx context.Context, _, address string) (net.Conn, error) {
	return w.wires.tapped(ctx, address, func(near *wire) {
		near.tap = func(b []byte) {
			for _, s := range w.apps {
				s.sent(b)
			}
		}
	})
}

// mood is how a receiver answers.
type mood int

const (
	content mood = iota
	fussy        // one in three fails, in this way or that
	broken       // 500
	full         // 503 with Retry-After
	silent       // takes the request and says nothing
	moved        // 302 to somewhere else
	curt         // closes instead of answering, having taken it
	dribble      // one byte of the answer at a time
	moods
)

// receiver is an app's web server.
type receiver struct {
	w        *world
	s        *side
	verifier *webhook.Verifier

	mu   sync.Mutex
	dice *rand.Rand
	mood mood
	took int
	open map[net.Conn]struct{}
	gone bool
}

// receive opens the doors of all webhooks.
func (w *world) receive() {
	for _, s := range w.apps {
		if s.hook == "" {
			continue
		}
		v, err := webhook.NewVerifier(s.secret)
		require.NoError(w, err)
		r := &receiver{w: w, s: s, verifier: v, dice: rand.New(rand.NewPCG(w.seed, 5)), open: map[net.Conn]struct{}{}}
		w.receivers = append(w.receivers, r)
		d := w.wires.listen(s.hook)
		w.wires.ended.Go(func() {
			for {
				c, err := d.Accept()
				if err != nil {
					return
				}
				w.wires.ended.Go(func() { r.serve(c) })
			}
		})
		w.doors = append(w.doors, d)
	}
}

// serve answers the requests of one connection.
func (r *receiver) serve(c net.Conn) {
	r.mu.Lock()
	if r.gone {
		r.mu.Unlock()
		_ = c.Close()
		return
	}
	r.open[c] = struct{}{}
	r.mu.Unlock()
	defer func() {
		_ = c.Close()
		r.mu.Lock()
		delete(r.open, c)
		r.mu.Unlock()
	}()
	in := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil || !r.answer(c, req, body) {
			return
		}
	}
}

// answer judges a request and answers in the receiver's mood. It reports
// whether the connection goes on.
func (r *receiver) answer(c net.Conn, req *http.Request, body []byte) bool {
	r.mu.Lock()
	how, lag := r.mood, time.Duration(r.dice.IntN(20))*time.Millisecond
	if how == fussy {
		how = content
		if r.dice.IntN(3) == 0 {
			how = broken + mood(r.dice.IntN(int(moods-broken)))
		}
	}
	r.took++
	r.mu.Unlock()
	r.verify(req, body)
	announced, _ := strconv.ParseUint(req.Header.Get("webhook-gap-from"), 10, 64)
	// The number counts as had when the 2xx is on its way: whether it arrives is
	// not for the receiver to know.
	if ev, ok := r.s.hear(byWebhook, body, announced, how == content || how == curt || how == dribble); ok && ev.ID != req.Header.Get("webhook-id") {
		r.s.violate("the webhook-id of %s is not its event's", ev.ID)
	}
	time.Sleep(lag)
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	switch how {
	case broken:
		return say(c, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\nOops")
	case full:
		return say(c, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n")
	case moved:
		return say(c, fmt.Sprintf("HTTP/1.1 302 Found\r\nLocation: http://%s/elsewhere\r\nContent-Length: 0\r\n\r\n", r.s.hook))
	case silent:
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		_, _ = c.Read(make([]byte, 1)) // until offhook hangs up
		return false
	case curt:
		return false
	case dribble:
		for i := range ok {
			if !say(c, ok[i:i+1]) {
				return false
			}
			time.Sleep(100 * time.Millisecond)
		}
		return true
	}
	return say(c, ok)
}

func say(c net.Conn, text string) bool {
	_, err := io.WriteString(c, text)
	return err == nil
}

// verify holds the signature of a request against the secret.
func (r *receiver) verify(req *http.Request, body []byte) {
	if req.URL.Path != "/calls" && req.URL.Path != "/subscribers" {
		r.s.violate("a redirect to %s was followed", req.URL.Path)
	}
	h := req.Header.Get
	now := r.w.wall()
	if stamp, err := strconv.ParseInt(h("webhook-timestamp"), 10, 64); err == nil && r.w.stepped.Load() {
		now = time.Unix(stamp, 0) // it may have left before the clock was set
	}
	if err := r.verifier.Verify(now, h("webhook-id"), h("webhook-timestamp"), h("webhook-signature"), body); err != nil {
		r.s.violate("a webhook of %s is not signed: %v", r.s.id, err)
	}
}

func (r *receiver) feel(m mood) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mood = m
}

// end lets a receiver go, with its connections.
func (r *receiver) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = true
	for c := range r.open {
		_ = c.Close()
	}
}
