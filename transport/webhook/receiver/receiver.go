// Package receiver is a webhook receiver that judges its sender: it verifies
// every signature, follows the numbers of every stream, and says of each event
// whether it was new, repeated, late, missing a predecessor or not ours at all.
// On request it misbehaves, so that a sender can be seen coping.
//
// It promises:
//
//   - What it answers 2xx it has judged and told OnDelivery of before.
//   - It takes the contract's word for nothing: numbers go 1, 2, 3, … for each
//     (app, subscriber) from the first one seen; a repeat has the same id, the
//     same number and the same bytes; fields of the specification are there.
//   - What it does not know is no error: unknown fields, events without a
//     number, arrays of events (batches), gaps that are announced, test events
//     and challenges.
//   - Its memory is bounded, and it says when it had to forget.
package receiver

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"offhook/transport/webhook"
)

// maxBody is beyond any event, and any batch of 100 events or 256 KB.
const maxBody = 1 << 20

// HeaderGapFrom tells those who do not take gap events that numbers were
// skipped: its value is the first of them, the last is the one before the event.
const HeaderGapFrom = "Webhook-Gap-From"

// Config is how a receiver works. Only Secrets is needed.
type Config struct {
	Secrets   []string      // whsec_…; an event signed with any of them is verified
	Tolerance time.Duration // how far a webhook-timestamp may be off; zero means 5 min
	Streams   int           // followed at a time; zero means 10,000
	Remember  int           // events of each stream that a repeat is compared with; zero means 16

	// FromOne says that nobody received these streams before: the first
	// number of each must be 1.
	FromOne bool

	Misbehave Misbehaviour

	// OnDelivery is told of everything that arrives, one at a time and in the
	// order of judgement, before the answer leaves. It must not block for long.
	OnDelivery func(Delivery)

	Now func() time.Time // nil means time.Now
}

// Counts says what arrived so far.
type Counts struct {
	Requests   int // POSTs, whatever became of them
	Events     int // taken for the first time: new, late, or behind a gap
	Repeats    int // known before: nothing was lost by at-least-once
	Conflicts  int // an id or a number came back with something else
	Gaps       int // holes nobody announced
	Missing    int // the numbers in them
	Announced  int // holes that a gap event or header named
	Disorder   int // events that came after a later one
	Unverified int // not signed with a secret of ours, or at another time
	Malformed  int // signed, and not an event
	Tests      int // test events: they belong to no stream
	Challenges int // answered
	Failed     int // failures made on purpose, before the event was taken
	Dropped    int // connections closed on purpose, after it was
	Streams    int // followed now
	Forgotten  int // streams that had to make room; what follows there is judged afresh
}

// Faults is how much was wrong: zero for a sender that keeps its promises.
func (c Counts) Faults() int {
	return c.Gaps + c.Disorder + c.Unverified + c.Conflicts + c.Malformed
}

// Receiver is an http.Handler that takes webhooks at any path.
type Receiver struct {
	cfg       Config
	verifiers []*webhook.Verifier

	mu      sync.Mutex
	streams streams
	chaos   *chaos
	count   Counts
}

// New makes a receiver.
func New(cfg Config) (*Receiver, error) {
	if len(cfg.Secrets) == 0 {
		return nil, errors.New("webhook receiver: at least one secret is needed")
	}
	if err := cfg.Misbehave.check(); err != nil {
		return nil, fmt.Errorf("webhook receiver: %w", err)
	}
	if cfg.Tolerance <= 0 {
		cfg.Tolerance = 5 * time.Minute
	}
	if cfg.Streams <= 0 {
		cfg.Streams = 10_000
	}
	if cfg.Remember <= 0 {
		cfg.Remember = 16
	}
	if cfg.OnDelivery == nil {
		cfg.OnDelivery = func(Delivery) {}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	r := &Receiver{cfg: cfg, streams: newStreams(cfg.Streams), chaos: cfg.Misbehave.start()}
	if err := r.Trust(cfg.Secrets...); err != nil {
		return nil, err
	}
	return r, nil
}

// Trust adds secrets: they may be known only once the receiver listens.
func (r *Receiver) Trust(secrets ...string) error {
	added := make([]*webhook.Verifier, len(secrets))
	for i, secret := range secrets {
		v, err := webhook.NewVerifier(secret)
		if err != nil {
			return fmt.Errorf("webhook receiver: %w", err)
		}
		added[i] = v
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verifiers = append(r.verifiers, added...)
	return nil
}

// Counts says what arrived so far.
func (r *Receiver) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.count
	c.Streams = r.streams.len()
	return c
}

// ServeHTTP takes one POST.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "webhooks are POSTed", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		status := http.StatusBadRequest
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, "the body could not be read", status)
		return
	}
	a := r.receive(req.Header, body)
	if a.drop {
		panic(http.ErrAbortHandler) // closes the connection; net/http says nothing of it
	}
	if !wait(req.Context(), a.delay) {
		return // nobody waits for the answer any more
	}
	if a.status >= 300 {
		http.Error(w, a.text, a.status)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.text) // who does not read it has no answer
}

// answer is what becomes of one POST.
type answer struct {
	status int
	text   string
	delay  time.Duration
	drop   bool
}

// receive verifies, misbehaves and judges, in this order.
func (r *Receiver) receive(h http.Header, body []byte) answer {
	now := r.cfg.Now()
	base := Delivery{At: now, ID: h.Get("webhook-id")}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count.Requests++
	if err := r.verify(now, h, body); err != nil {
		base.Class, base.Note = Unverified, err.Error()
		r.tell(base)
		return answer{status: http.StatusUnauthorized, text: "not signed with our secret"}
	}
	events, err := parse(body, base.ID)
	if err == nil && len(events) == 1 && events[0].Type == webhook.TypeChallenge {
		// Misbehaviour is for events; without an answer here none ever come.
		base.Class, base.Event = Challenge, &events[0]
		r.tell(base)
		return answer{status: http.StatusOK, text: events[0].Challenge}
	}
	a := answer{status: http.StatusOK, delay: r.cfg.Misbehave.Delay}
	if r.chaos.fails() {
		r.count.Failed++
		a.status, a.text = r.cfg.Misbehave.status(), "failed on purpose"
		return a
	}
	if err != nil {
		base.Class, base.Note = Malformed, err.Error()
		r.tell(base)
		return answer{status: http.StatusBadRequest, text: err.Error()}
	}
	var announced uint64 // in a batch each event speaks for itself
	if len(events) == 1 {
		announced, _ = strconv.ParseUint(h.Get(HeaderGapFrom), 10, 64)
	}
	for i := range events {
		d := base
		d.Event = &events[i]
		d.ID = events[i].id
		if d.Class = Test; d.Event.Type != webhook.TypeTest {
			r.judge(&d, announced)
		}
		r.tell(d)
	}
	if r.chaos.drops() {
		r.count.Dropped++
		a.drop = true
	}
	return a
}

var errTimestamp = errors.New("the webhook-timestamp is missing or not a number")

// verify checks one request against each secret.
func (r *Receiver) verify(now time.Time, h http.Header, body []byte) error {
	text := h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return errTimestamp
	}
	stamp := time.Unix(seconds, 0)
	if off := now.Sub(stamp); off.Abs() > r.cfg.Tolerance {
		return fmt.Errorf("the webhook-timestamp is %v off, more than %v", off.Round(time.Second), r.cfg.Tolerance)
	}
	for _, v := range r.verifiers {
		// The time was judged above, with our own tolerance.
		if err = v.Verify(stamp, h.Get("webhook-id"), text, h.Get("webhook-signature"), body); err == nil {
			return nil
		}
	}
	return err
}
