package broadworks

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// xsp is one server of the platform.
type xsp struct {
	base    *url.URL
	origin  string // base, written out
	limit   *limiter
	share   atomic.Uint64 // of limit, as it was told last: bits of a float64
	lines   lines
	streams int         // event streams that are up; by Provider.mu
	opening bool        // one is being opened; by Provider.mu
	trouble string      // why it has none, for people; by Provider.mu
	left    atomic.Bool // gone from DNS

	actions, events jar
}

func (p *Provider) newXSP(base *url.URL) *xsp {
	x := &xsp{base: base, origin: base.String(), limit: newLimiter(&p.cfg)}
	x.lines.init(p, base)
	return x
}

// heed lets the limits follow what the XSP says of its load.
func (p *Provider) heed(x *xsp, res *http.Response) {
	overloaded := res.StatusCode == http.StatusServiceUnavailable || res.StatusCode == http.StatusTooManyRequests
	var pause time.Duration
	if overloaded {
		if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
			pause = time.Duration(min(s, 3600)) * time.Second
		}
	}
	p.answered(x, overloaded, pause)
}

// answered notes an answer, and how much of its bounds the XSP has since.
func (p *Provider) answered(x *xsp, overloaded bool, pause time.Duration) {
	share := x.limit.answered(overloaded, pause)
	if bits := math.Float64bits(share); x.share.Swap(bits) != bits {
		p.cfg.Metrics.shareOf(p.cfg.NetworkID, x.base.Host, share)
	}
}

// xspList is the XSPs as they are to be tried: those with an event stream
// first.
type xspList struct {
	all []*xsp
	up  int
}

// order is the XSPs as they are to be tried. Those with an event stream share
// the load in turn.
func (p *Provider) order() []*xsp {
	l := p.xsps.Load()
	if l.up < 2 {
		return l.all
	}
	first := int(p.round.Add(1)) % l.up
	turned := make([]*xsp, 0, len(l.all))
	turned = append(turned, l.all[first:l.up]...)
	turned = append(turned, l.all[:first]...)
	return append(turned, l.all[l.up:]...)
}

// rank puts the XSPs with an event stream first; last goes behind its equals.
// p.mu is held.
func (p *Provider) rank(all []*xsp, last *xsp) {
	ranked := slices.Clone(all)
	place := func(x *xsp) int {
		n := 0
		if x.streams == 0 {
			n = 2
		}
		if x == last {
			n++
		}
		return n
	}
	slices.SortStableFunc(ranked, func(a, b *xsp) int { return place(a) - place(b) })
	l := &xspList{all: ranked}
	for _, x := range ranked {
		if x.streams > 0 {
			l.up++
		}
	}
	p.xsps.Store(l)
}

// anyXSP sends a request to the first XSP that can be reached. One that was
// reached is final, whatever it said, unless the request may be repeated and
// the XSP itself was at fault.
func (p *Provider) anyXSP(ctx context.Context, r request) (a answer, err error) {
	err = errNoXSP
	for _, x := range p.order() {
		a, err = p.do(ctx, x, r)
		switch {
		case ctx.Err() != nil, err == errGateClosed, err == errRedirect, err == errWaited:
			return a, err
		case err != nil && !a.sent: // nothing happened there
		case r.repeatable && (err != nil || a.status >= 500):
		default:
			return a, err
		}
	}
	return a, err
}
