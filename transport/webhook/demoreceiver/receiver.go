// Package demoreceiver is a small webhook receiver for the demo: it stands for
// the app a newcomer has not written yet.
//
// It promises what a good receiver does: it accepts only what is signed,
// answers before it does anything slow, takes each event of a stream once and
// in order, and says so when one is missing. It listens on loopback only.
package demoreceiver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/webhook"
)

const (
	kept    = 200       // lines shown by GET /
	maxBody = 256 << 10 // no event is larger
	// tracked bounds the streams whose numbers are followed.
	tracked = 10_000
)

// Receiver takes the webhooks of one app.
type Receiver struct {
	verify *webhook.Verifier
	out    io.Writer
	server *http.Server
	addr   netip.AddrPort
	secret string
	done   chan struct{}

	mu    sync.Mutex
	last  map[string]uint64 // the highest number taken, by stream
	lines []string          // the last ones, oldest first
	count Counts
}

// Counts says what arrived.
type Counts struct {
	Events   int // taken
	Repeats  int // known before: a retry whose first try had arrived
	Gaps     int // numbers that were skipped
	Unsigned int // refused
}

// Listen starts a receiver on a free port of 127.0.0.1 that prints one line
// for each event to out (nil prints nothing). secret is a whsec_… secret.
func Listen(secret string, out io.Writer) (*Receiver, error) {
	verify, err := webhook.NewVerifier(secret)
	if err != nil {
		return nil, fmt.Errorf("demo receiver: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("demo receiver: %w", err)
	}
	if out == nil {
		out = io.Discard
	}
	r := &Receiver{
		verify: verify, out: out, secret: secret, addr: l.Addr().(*net.TCPAddr).AddrPort(),
		last: map[string]uint64{}, done: make(chan struct{}),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /calls", func(w http.ResponseWriter, req *http.Request) { r.receive(w, req, engine.StreamCalls) })
	mux.HandleFunc("POST /subscribers", func(w http.ResponseWriter, req *http.Request) { r.receive(w, req, engine.StreamSubscriber) })
	mux.HandleFunc("GET /{$}", r.show)
	r.server = &http.Server{
		Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	go func() {
		defer close(r.done)
		_ = r.server.Serve(l)
	}()
	return r, nil
}

// Addr is where it listens; the guard exempts exactly this for the demo app.
func (r *Receiver) Addr() netip.AddrPort { return r.addr }

// URL is a page with the last events.
func (r *Receiver) URL() string { return "http://" + r.addr.String() + "/" }

// Webhook is the receiver of a kind, to be set on the demo app.
func (r *Receiver) Webhook(kind engine.StreamKind) tenant.Receiver {
	path := "calls"
	if kind == engine.StreamSubscriber {
		path = "subscribers"
	}
	return tenant.Receiver{URL: r.URL() + path, Secrets: []string{r.secret}}
}

// Counts says what arrived so far.
func (r *Receiver) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// Close stops it. Requests under way are finished until ctx ends.
func (r *Receiver) Close(ctx context.Context) error {
	err := r.server.Shutdown(ctx)
	if err != nil {
		_ = r.server.Close()
	}
	<-r.done
	return err
}

func (r *Receiver) receive(w http.ResponseWriter, req *http.Request, kind engine.StreamKind) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		http.Error(w, "the body could not be read", http.StatusBadRequest)
		return
	}
	err = r.verify.Verify(time.Now(), req.Header.Get("webhook-id"), req.Header.Get("webhook-timestamp"), req.Header.Get("webhook-signature"), body)
	if err != nil {
		r.mu.Lock()
		r.count.Unsigned++
		r.mu.Unlock()
		http.Error(w, "not signed with our secret", http.StatusUnauthorized)
		return
	}
	if !bytes.HasPrefix(body, []byte("[")) {
		body = append(append([]byte("["), body...), ']') // somebody may have put the demo app in batch mode
	}
	var events []event
	if err := json.Unmarshal(body, &events); err != nil {
		http.Error(w, "not the JSON of an event", http.StatusBadRequest)
		return
	}
	for i := range events {
		if ev := &events[i]; ev.Type == webhook.TypeChallenge {
			_, _ = io.WriteString(w, ev.Challenge)
		} else {
			r.take(kind, ev)
		}
	}
}

// take books an event and prints its line.
func (r *Receiver) take(kind engine.StreamKind, ev *event) {
	line := ev.line(kind)
	r.mu.Lock()
	defer r.mu.Unlock()
	if note := r.number(kind, ev); note != "" {
		line += "  " + note
	}
	r.count.Events++
	r.lines = append(r.lines, line)
	if len(r.lines) > kept {
		r.lines = append(r.lines[:0], r.lines[len(r.lines)-kept:]...)
	}
	fmt.Fprintln(r.out, line)
}

// number checks an event's place in its stream and says what is odd about it.
func (r *Receiver) number(kind engine.StreamKind, ev *event) (note string) {
	n, err := strconv.ParseUint(ev.SequenceNumber, 10, 64)
	if kind != engine.StreamCalls || err != nil {
		return ""
	}
	stream := ev.AppID + "\x00" + engine.Fold(ev.SubscriberID)
	last, known := r.last[stream]
	switch {
	case !known && len(r.last) >= tracked:
		return ""
	case known && n <= last:
		r.count.Repeats++
		return "(repeated)"
	}
	r.last[stream] = n
	if known && n != last+1 {
		r.count.Gaps++
		return fmt.Sprintf("(%d missing before it)", n-last-1)
	}
	return ""
}

// show is GET /: the last events as text.
func (r *Receiver) show(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	lines, count := append([]string(nil), r.lines...), r.count
	r.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprintf(w, "%d events, %d repeated, %d gaps, %d refused without a valid signature\n\n", count.Events, count.Repeats, count.Gaps, count.Unsigned)
	for _, line := range lines {
		fmt.Fprintln(w, line)
	}
}
