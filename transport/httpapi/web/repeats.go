package web

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/transport/problem"
)

// Keys remembers requests with an idempotency key. What it says is stored is
// durable.
type Keys interface {
	Once(app, key string) (*engine.Once, error) // nil for a key that was never used, or is free again
	PutOnce(*engine.Once) error
	DropOnce(app, key string) error
}

// maxAnswer is how many bytes of a body are kept to be sent again.
const maxAnswer = 64 << 10

// Repeats carries out a request that names an idempotency key at most once,
// whatever crashes in between; a request without one is nobody's business here.
// The key is claimed before the handler runs and settled before its answer
// leaves. A key whose request did certainly nothing is free again.
type Repeats struct {
	Keys Keys // nil: the header means nothing
	Log  *slog.Logger

	turns turns
}

// Do runs h for a request whose body is there, unless its key was used before.
// Keys are those of app; the operator's own are those of the app without an id,
// which there is none of. within bounds how long it waits for its turn.
func (r *Repeats) Do(ctx *fasthttp.RequestCtx, app string, within func() (context.Context, context.CancelFunc), h func() error) error {
	key, err := IdempotencyKey(ctx)
	if err != nil {
		return err
	}
	if key == "" || r.Keys == nil {
		return h()
	}
	method, path := string(ctx.Method()), string(ctx.URI().PathOriginal())
	ask := &engine.Once{App: app, Key: key, Hash: HashOf(method, path, string(ctx.PostBody()))}
	wait, cancel := within()
	defer cancel()
	end, err := r.turns.take(wait, ask)
	if err != nil {
		return err
	}
	defer end()
	switch have, err := r.Keys.Once(app, key); {
	case err != nil:
		return err
	case have != nil:
		return again(ctx, ask, have)
	}
	return r.first(ctx, ask, h)
}

// first carries out a request whose key was never used.
func (r *Repeats) first(ctx *fasthttp.RequestCtx, ask *engine.Once, h func() error) error {
	if err := r.Keys.PutOnce(ask); err != nil {
		return err
	}
	err := h()
	if err != nil && problem.From(err).Code == problem.CodeInternal {
		return err // nobody knows what it did: the key stays claimed
	}
	if ask.Answer = answerTo(ctx, err); ask.Answer == nil {
		return errors.Join(err, r.Keys.DropOnce(ask.App, ask.Key))
	}
	if err := r.Keys.PutOnce(ask); err != nil {
		r.Log.Error("an answer was not stored, and is not given", "app", ask.App, "err", err)
		return unknownOutcome()
	}
	return err
}

// answerTo is what a request is answered, or nil if it did certainly nothing.
func answerTo(ctx *fasthttp.RequestCtx, err error) *engine.Answer {
	if err != nil {
		p := problem.From(err)
		switch p.Status() {
		case fasthttp.StatusBadGateway, fasthttp.StatusGatewayTimeout:
			return &engine.Answer{Status: p.Status(), Type: problem.ContentType, Body: p.Append(nil)}
		}
		return nil
	}
	r := &ctx.Response
	a := &engine.Answer{
		Status: r.StatusCode(), Type: string(r.Header.ContentType()), Location: string(r.Header.Peek(fasthttp.HeaderLocation)),
		Lost: r.IsBodyStream(),
	}
	if !a.Lost {
		a.Body = append(a.Body, r.Body()...)
		a.Lost = len(a.Body) > maxAnswer
	}
	if a.Lost {
		a.Body = nil
	}
	return a
}

// again answers a request whose key was used before.
func again(ctx *fasthttp.RequestCtx, ask, have *engine.Once) error {
	a := have.Answer
	switch {
	case have.Hash != ask.Hash:
		return keyReused()
	case a == nil:
		return unknownOutcome()
	case a.Lost:
		return problem.New(engine.CodeConflict, "the request was carried out before; its answer was too long to be kept")
	}
	h := &ctx.Response.Header
	h.Set("Idempotency-Replayed", "true")
	ctx.SetStatusCode(a.Status)
	if a.Type != "" {
		h.SetContentType(a.Type)
	}
	if a.Location != "" {
		h.Set(fasthttp.HeaderLocation, a.Location)
	}
	ctx.SetBody(a.Body)
	return nil
}

func keyReused() error {
	return problem.New(engine.CodeKeyReused, "the idempotency key came with another request before")
}

func unknownOutcome() error {
	return problem.New(engine.CodeOutcomeUnknown, "the request was begun and nobody knows how it ended; it is not carried out again")
}

// turns lets requests with the same key of the same app go one after the other.
type turns struct {
	mu   sync.Mutex
	open map[turnOf]*turn
}

type turnOf struct{ app, key string }

type turn struct {
	hash [32]byte
	over chan struct{}
}

// take waits until nobody else has the key, and returns what gives it up.
func (t *turns) take(ctx context.Context, ask *engine.Once) (end func(), err error) {
	of := turnOf{ask.App, ask.Key}
	for {
		t.mu.Lock()
		have := t.open[of]
		if have == nil {
			mine := &turn{ask.Hash, make(chan struct{})}
			if t.open == nil {
				t.open = map[turnOf]*turn{}
			}
			t.open[of] = mine
			t.mu.Unlock()
			return func() { t.end(of, mine) }, nil
		}
		t.mu.Unlock()
		if have.hash != ask.Hash {
			return nil, keyReused()
		}
		select {
		case <-have.over:
		case <-ctx.Done():
			return nil, problem.New(engine.CodeKeyInProgress, "a request with this idempotency key is still under way")
		}
	}
}

func (t *turns) end(of turnOf, mine *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, of)
	close(mine.over)
}

const keyHeader = "Idempotency-Key"

// IdempotencyKey is the key of a request, or empty for none.
func IdempotencyKey(ctx *fasthttp.RequestCtx) (string, error) {
	all := ctx.Request.Header.PeekAll(keyHeader)
	if len(all) == 0 {
		return "", nil
	}
	key := string(all[0])
	ok := len(all) == 1 && len(key) >= 1 && len(key) <= 255
	for i := 0; ok && i < len(key); i++ {
		ok = key[i] >= ' ' && key[i] <= '~'
	}
	if !ok {
		return "", problem.Invalid(keyHeader, "must be 1 to 255 printable ASCII characters, once")
	}
	return key, nil
}

// HashOf tells requests apart by what they say, field by field. Of members that
// were read it is the same however the body is written: in another order, with
// other white space or unknown members.
func HashOf(fields ...string) [sha256.Size]byte {
	var b []byte
	for _, f := range fields {
		b = binary.BigEndian.AppendUint32(b, uint32(len(f))) // #nosec G115 -- a field is bounded
		b = append(b, f...)
	}
	return sha256.Sum256(b)
}
