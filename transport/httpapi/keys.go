package httpapi

import (
	"context"
	"errors"
	"sync"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
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

// once carries out a request that names an idempotency key at most once,
// whatever crashes in between; a request without one is nobody's business here.
// The key is claimed before the handler runs and settled before its answer
// leaves. A key whose request did certainly nothing is free again.
//
// Placing calls has a way of its own, in the core.
func (s *Server) once(h handler) handler {
	return func(ctx *fasthttp.RequestCtx, app *tenant.App) error {
		key, err := idempotencyKey(ctx)
		if err != nil {
			return err
		}
		if key == "" || s.config.Keys == nil {
			return h(ctx, app)
		}
		method, path := string(ctx.Method()), string(ctx.URI().PathOriginal())
		ask := &engine.Once{App: app.ID, Key: key, Hash: bodyHash(method, path, string(ctx.PostBody()))}
		wait, cancel := s.within()
		defer cancel()
		end, err := s.turns.take(wait, ask)
		if err != nil {
			return err
		}
		defer end()
		switch have, err := s.config.Keys.Once(app.ID, key); {
		case err != nil:
			return err
		case have != nil:
			return again(ctx, ask, have)
		}
		return s.first(ctx, app, ask, h)
	}
}

// first carries out a request whose key was never used.
func (s *Server) first(ctx *fasthttp.RequestCtx, app *tenant.App, ask *engine.Once, h handler) error {
	if err := s.config.Keys.PutOnce(ask); err != nil {
		return err
	}
	err := h(ctx, app)
	if err != nil && problem.From(err).Code == problem.CodeInternal {
		return err // nobody knows what it did: the key stays claimed
	}
	if ask.Answer = answerTo(ctx, err); ask.Answer == nil {
		return errors.Join(err, s.config.Keys.DropOnce(ask.App, ask.Key))
	}
	if err := s.config.Keys.PutOnce(ask); err != nil {
		s.config.Log.Error("an answer was not stored, and is not given", "app", ask.App, "err", err)
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
