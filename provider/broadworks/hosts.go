package broadworks

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"
)

// tendHosts keeps a channel on each XSP until ctx ends. Those that DNS names
// are looked up again from time to time, since Go's resolver does not tell how
// long an answer is good for; XSPs come and go without touching the others
// (dossier §3.8).
func (p *Provider) tendHosts(ctx context.Context) {
	h := hosts{p: p, keepers: map[string]context.CancelFunc{}}
	defer h.wg.Wait()
	if p.cfg.Network.SRV == "" {
		for _, x := range p.order() {
			h.keep(ctx, x)
		}
		h.guard(ctx)
		<-ctx.Done()
		return
	}
	for failures := 0; ; {
		found, err := p.lookUp(ctx)
		wait := time.Duration(float64(p.cfg.SRVRefresh) * (0.9 + 0.2*p.cfg.Random()))
		if len(found) == 0 {
			// An answer without hosts is a mistake at their end, or a failure:
			// those that are known go on.
			if failures == 0 {
				p.cfg.Log.Warn("no XSP found in DNS", "domain", p.cfg.Network.SRV, "err", err)
			}
			wait = min(wait, p.backoff(failures)+p.cfg.BackoffMin/4)
			failures++
		} else {
			failures = 0
			h.change(ctx, found)
		}
		if !p.pause(ctx, wait, nil) {
			return
		}
	}
}

// lookUp asks DNS for the XSPs of the operator's domain.
func (p *Provider) lookUp(ctx context.Context) (found []*url.URL, err error) {
	_, records, err := p.cfg.LookupSRV(ctx, "xsi-client", "tcp", p.cfg.Network.SRV)
	seen := map[string]bool{}
	for _, r := range records { // in the order of their priority and weight
		host := strings.ToLower(strings.TrimSuffix(r.Target, "."))
		at := &url.URL{Scheme: p.cfg.srvScheme, Host: fmt.Sprintf("%s:%d", host, r.Port)}
		if host != "" && !seen[at.Host] && len(found) < maxXSPs {
			seen[at.Host] = true
			found = append(found, at)
		}
	}
	return found, err
}

// maxXSPs bounds what DNS may make us hold.
const maxXSPs = 64

// hosts is the keepers of the XSPs there are.
type hosts struct {
	p       *Provider
	wg      sync.WaitGroup
	keepers map[string]context.CancelFunc // by host
	guarded bool
}

func (h *hosts) keep(ctx context.Context, x *xsp) {
	ctx, cancel := context.WithCancel(ctx)
	h.keepers[x.base.Host] = cancel
	h.wg.Go(func() {
		defer cancel()
		h.p.keep(ctx, x)
	})
}

// guard keeps the gate, once there is somebody to knock at.
func (h *hosts) guard(ctx context.Context) {
	if !h.guarded {
		h.guarded = true
		h.wg.Go(func() { h.p.guard(ctx) })
	}
}

// change takes a new answer from DNS: keeps what stays, begins what is new, and
// lets go of what is gone.
func (h *hosts) change(ctx context.Context, found []*url.URL) {
	p := h.p
	known := map[string]*xsp{}
	p.mu.Lock()
	if l := p.xsps.Load(); l != nil {
		for _, x := range l.all {
			known[x.base.Host] = x
		}
	}
	var all, fresh []*xsp
	for _, base := range found {
		x := known[base.Host]
		if x == nil {
			x = p.newXSP(base)
			fresh = append(fresh, x)
		}
		delete(known, base.Host)
		all = append(all, x)
	}
	p.rank(all, nil)
	p.mu.Unlock()
	for host, x := range known {
		p.cfg.Log.Info("XSP gone from DNS", "xsp", host)
		stop := h.keepers[host]
		delete(h.keepers, host)
		h.wg.Go(func() {
			p.leaveXSP(ctx, x)
			stop()
			p.cfg.Metrics.left(p.cfg.NetworkID, host)
		})
	}
	for _, x := range fresh {
		p.cfg.Log.Info("XSP found in DNS", "xsp", x.base.Host)
		h.keep(ctx, x)
	}
	h.guard(ctx)
}

// leaveXSP closes our channels there.
func (p *Provider) leaveXSP(ctx context.Context, x *xsp) {
	x.left.Store(true)
	p.mu.RLock()
	var ids []string
	for ch := range p.channels {
		if ch.x == x {
			ids = append(ids, ch.id)
		}
	}
	p.mu.RUnlock()
	for _, id := range ids {
		p.closeChannel(ctx, x, id)
	}
}
