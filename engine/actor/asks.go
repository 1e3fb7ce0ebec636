package actor

import (
	"context"
	"sync"
	"time"

	"offhook/engine"
	"offhook/engine/trace"
)

// ask carries out one request to the provider, outside of the owner. Its
// outcome comes back through the inbox. It is called when everything before
// the ask is durable, and never twice for one ask.
func (d *Directory) ask(e *entry, a engine.Ask, why *cause) {
	do := func() {
		ctx, cancel := context.WithTimeout(d.askers.ctx, d.cfg.AskTime)
		defer cancel()
		start := time.Now()
		at := why.child()
		out := d.cfg.Networks.Ask(trace.With(ctx, at), a.Network, a)
		out.Ask = a.ID
		d.cfg.Metrics.asked(a.Verb, out.Kind, time.Since(start))
		d.traceAsk(e, &a, &out, why, at, start)
		e.post(control{in: engine.Input{Outcome: &out}, cause: why})
	}
	if a.Verb == engine.VerbSnapshot {
		d.askers.queued(do)
		return
	}
	d.askers.now(do)
}

// askers runs asks. Snapshots wait for a place: after an outage every
// subscriber wants one, and what an app waits for must not stand behind them.
type askers struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	wg      sync.WaitGroup
	closed  bool
	limit   int
	reading int
	waiting []func()
}

func (a *askers) now(do func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.wg.Go(do)
	}
}

func (a *askers) queued(do func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	if a.reading >= a.limit {
		a.waiting = append(a.waiting, do)
		return
	}
	a.reading++
	a.wg.Go(func() { a.read(do) })
}

// read carries out one snapshot after the other until none waits.
func (a *askers) read(do func()) {
	for {
		do()
		a.mu.Lock()
		if len(a.waiting) == 0 || a.closed {
			a.reading--
			a.mu.Unlock()
			return
		}
		do, a.waiting[0] = a.waiting[0], nil
		a.waiting = a.waiting[1:]
		a.mu.Unlock()
	}
}

func (a *askers) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.cancel()
	a.wg.Wait()
}
