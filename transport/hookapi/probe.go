package hookapi

import (
	"errors"
	"sync"

	"github.com/valyala/fasthttp"

	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
	"offhook/transport/webhook"
)

// probes bounds what is sent because somebody asked for it: a slow receiver
// must not hold every connection, nor an app use us to call on others.
type probes struct {
	mu  sync.Mutex
	all int
	of  map[string]int // by app
}

const (
	maxProbes       = 32 // under way at a time, in all
	maxProbesPerApp = 4
)

func (p *probes) begin(app string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all >= maxProbes || p.of[app] >= maxProbesPerApp {
		return false
	}
	p.all++
	p.of[app]++
	return true
}

func (p *probes) end(app string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all--
	if p.of[app]--; p.of[app] == 0 {
		delete(p.of, app)
	}
}

// challenge asks a receiver to show that it knows its secret.
func (s *API) challenge(c Caller, r tenant.Receiver) error {
	if s.config.Prober == nil {
		return problem.Invalid("url", "cannot be challenged here, as this app requires")
	}
	if !s.probes.begin(c.App.ID) {
		return tooMany()
	}
	defer s.probes.end(c.App.ID)
	wait, cancel := s.within(c)
	defer cancel()
	switch err := s.config.Prober.Challenge(wait, c.App.ID, r); {
	case errors.Is(err, webhook.ErrBusy):
		return tooMany()
	case errors.Is(err, webhook.ErrChallenge): // its words are ours
		return problem.Invalid("url", "did not pass: "+err.Error())
	case err != nil:
		return problem.Invalid("url", "did not answer the signed challenge")
	}
	return nil
}

type testView struct {
	EventID   string `json:"event_id"`
	Delivered bool   `json:"delivered"`
	Status    int    `json:"status"` // 0 without an answer
	Latency   int64  `json:"latency_ms"`
	Error     string `json:"error"`
}

// test sends one event now, whether or not the webhook is paused or disabled.
func (s *API) test(ctx *fasthttp.RequestCtx, c Caller) error {
	k, r, err := existing(ctx, c)
	if err != nil {
		return err
	}
	if !s.probes.begin(c.App.ID) {
		return tooMany()
	}
	defer s.probes.end(c.App.ID)
	wait, cancel := s.within(c)
	defer cancel()
	out, id, err := s.config.Prober.Test(wait, c.App.ID, k.stream(), r)
	if err != nil {
		return probing(err)
	}
	s.audit(c, k, "tested", "outcome", string(out.Class))
	return web.WriteJSON(ctx, fasthttp.StatusOK, testView{
		EventID: id, Delivered: out.Class == webhook.Delivered, Status: out.Status, Latency: out.Took.Milliseconds(), Error: out.Reason(),
	})
}

func tooMany() error { return problem.New(problem.CodeRateLimited, "too many at a time") }
