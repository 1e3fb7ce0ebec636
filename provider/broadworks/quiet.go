package broadworks

import (
	"context"
	"slices"
	"strings"
	"time"

	"offhook/engine"
)

// There is no stream to watch where events are POSTed: silence may mean that
// nothing happens, or that nothing arrives. Renewals tell the two apart, since
// each brings a snapshot: they happen at half-life anyway, and earlier for a
// user with calls of whom nothing was heard for long.

// talk is what is known of a user with live calls.
type talk struct {
	heard time.Time
	calls []string // provider ids
}

// heardOf notes an event about a user. p.mu is held.
func (p *Provider) heardOf(s *standing, ev *engine.Event) {
	if s == nil || !s.followed {
		return
	}
	c := &p.contact
	t := c.talking[s]
	if t == nil {
		if len(ev.Facts) == 0 {
			return
		}
		t = &talk{}
	}
	t.heard = time.Now()
	if ev.Kind == engine.EventSnapshot {
		t.calls = t.calls[:0]
	}
	for i := range ev.Facts {
		f := &ev.Facts[i]
		at := slices.Index(t.calls, f.ProviderID)
		switch over := f.Status >= engine.StatusDetached; {
		case over && at >= 0:
			t.calls = slices.Delete(t.calls, at, at+1)
		case !over && at < 0 && len(t.calls) < maxPolled:
			t.calls = append(t.calls, strings.Clone(f.ProviderID))
		}
	}
	if len(t.calls) == 0 {
		delete(c.talking, s)
	} else {
		c.talking[s] = t
	}
}

// watch compares users with calls who went quiet, until ctx ends.
func (p *Provider) watch(ctx context.Context) {
	every := time.NewTicker(min(p.cfg.Quiet, p.cfg.Arrival) / 2)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-every.C:
			p.compareQuiet(now)
			p.touch()
		}
	}
}

func (p *Provider) compareQuiet(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s, t := range p.contact.talking {
		switch {
		case !s.followed:
			delete(p.contact.talking, s)
		case now.Sub(t.heard) >= p.cfg.Quiet:
			t.heard = now
			p.enqueue(s)
		}
	}
}

// expect notes that a snapshot was asked for: something arrives now, or did
// before the answer. That of a group brings none (dossier §3.6).
func (p *Provider) expect(s *standing, asked time.Time) {
	c := &p.contact
	if at := p.moment(asked); c.on && s.user != "" && c.arrived.Load() < at {
		c.expected.CompareAndSwap(0, at)
	}
}

// heard notes that the platform reaches us. After it did not, everybody is
// compared: what it sent meanwhile is lost.
func (p *Provider) heard() {
	c := &p.contact
	c.arrived.Store(p.moment(time.Now()))
	if c.expected.Load() != 0 {
		c.expected.Store(0)
	}
	if c.unheard.Load() && c.unheard.CompareAndSwap(true, false) {
		p.cfg.Log.Info("http contact: events arrive again")
		p.mu.Lock()
		p.compareEveryone()
		p.work.wake()
		p.mu.Unlock()
		p.touch()
	}
}
