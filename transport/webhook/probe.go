package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"offhook/engine"
	"offhook/engine/tenant"
)

// The types of what a probe sends. Neither has a number: they belong to no
// stream.
const (
	TypeTest      = "webhook.test"
	TypeChallenge = "webhook.challenge"
)

const (
	maxProbes    = 16      // under way at a time, in all
	maxChallenge = 4 << 10 // bytes of an answer to a challenge that are read
)

// ErrChallenge says that a receiver did not show that it knows us. Its words
// are ours: they never quote the answer.
var ErrChallenge = errors.New("the challenge was not answered")

// Prober makes single signed requests on behalf of a person, outside of any
// stream: nothing waits for them and nothing is kept of them. The zero Now and
// Random mean time.Now and crypto/rand. There is one in a process; it must not
// be copied.
type Prober struct {
	Poster Poster
	Now    func() time.Time
	Random io.Reader

	underway atomic.Int32
}

// Test sends one test event, as an array to who takes batches. It returns an
// error if no attempt could be made: ErrBusy, or why the receiver can never
// work; what became of the attempt is in the outcome.
func (p *Prober) Test(ctx context.Context, app string, kind engine.StreamKind, r tenant.Receiver) (out Outcome, eventID string, err error) {
	n, err := p.event(app, TypeTest, "")
	if err != nil {
		return Outcome{}, "", err
	}
	n.Kind = kind
	out, err = p.send(ctx, app, r, &Parcel{ID: n.EventID, Events: []*engine.Notification{n}, Batch: r.Batch})
	if err != nil {
		return Outcome{}, "", err
	}
	return out, n.EventID, nil
}

// Challenge asks a receiver to repeat a random text, signed like everything
// else: whoever does has read our request and wants to be called. The error is
// ErrChallenge, ErrBusy, or why the receiver can never work.
func (p *Prober) Challenge(ctx context.Context, app string, r tenant.Receiver) error {
	var b [32]byte
	if _, err := io.ReadFull(p.random(), b[:]); err != nil {
		return fmt.Errorf("challenge: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(b[:])
	n, err := p.event(app, TypeChallenge, text)
	if err != nil {
		return err
	}
	out, err := p.send(ctx, app, r, &Parcel{ID: n.EventID, Events: []*engine.Notification{n}, Want: maxChallenge})
	switch {
	case err != nil:
		return err
	case out.Class != Delivered:
		return fmt.Errorf("%w: %s", ErrChallenge, out.reason())
	case !repeats(out.Body, text):
		return fmt.Errorf("%w: the answer is not the challenge", ErrChallenge)
	}
	return nil
}

// repeats reports whether an answer is a text, or a JSON object with it.
func repeats(body []byte, text string) bool {
	if strings.TrimSpace(string(body)) == text {
		return true
	}
	var answer struct {
		Challenge string `json:"challenge"`
	}
	return json.Unmarshal(body, &answer) == nil && answer.Challenge == text
}

// event makes the event of a probe.
func (p *Prober) event(app, what, challenge string) (*engine.Notification, error) {
	var b [16]byte
	if _, err := io.ReadFull(p.random(), b[:]); err != nil {
		return nil, fmt.Errorf("event id: %w", err)
	}
	now := time.Now
	if p.Now != nil {
		now = p.Now
	}
	n := &engine.Notification{
		App: app, EventID: engine.NewEventID(binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])), Time: now().UnixMilli(),
	}
	body := engine.AppendString([]byte(`{"app_id":`), app)
	body = engine.AppendString(append(body, `,"event_id":`...), n.EventID)
	body = engine.AppendString(append(body, `,"type":`...), what)
	if challenge != "" {
		body = engine.AppendString(append(body, `,"challenge":`...), challenge)
	}
	body = strconv.AppendInt(append(body, `,"timestamp":`...), n.Time, 10)
	n.Body = append(body, '}')
	return n, nil
}

// send makes the attempt. It ends with ctx, at the latest.
func (p *Prober) send(ctx context.Context, app string, r tenant.Receiver, parcel *Parcel) (Outcome, error) {
	if p.underway.Add(1) > maxProbes {
		p.underway.Add(-1)
		return Outcome{}, ErrBusy
	}
	defer p.underway.Add(-1)
	target, err := p.Poster.Aim(app, r)
	if err != nil {
		return Outcome{}, err
	}
	defer target.Close() // nobody sends a second one
	defer context.AfterFunc(ctx, target.Abort)()
	out := target.Post(parcel)
	if out.Class == Canceled && ctx.Err() != nil {
		return Outcome{}, ctx.Err()
	}
	return out, nil
}

func (p *Prober) random() io.Reader {
	if p.Random == nil {
		return rand.Reader
	}
	return p.Random
}
