package broadworks

import (
	"context"
	"net/http"
	"time"

	"offhook/engine/maybe"
)

// pulse sends heartbeats and renewals until ctx ends, and ends the channel
// when the XSP does not know it, does not answer, or the gate closed. A missed
// heartbeat is tried again sooner than the next would come.
func (p *Provider) pulse(ctx context.Context, ch *channel) {
	beat := time.NewTimer(p.cfg.Heartbeat)
	defer beat.Stop()
	renew := time.NewTimer(p.halfLife(ch.granted))
	defer renew.Stop()
	shut := p.gate.waitShut()
	for missed := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-shut:
			ch.end(errGateClosed)
			return
		case <-beat.C:
			next := p.cfg.Heartbeat
			if maybe.Now("broadworks: a channel drops") { // what is lost with it is made up for
				ch.end(errSilent)
				return
			}
			a, err := p.do(ctx, ch.x, request{
				op: opHeartbeat, method: http.MethodPut, unbounded: true, patience: p.cfg.Heartbeat / 2,
				path: p.cfg.Network.EventsPath + "/v2.0/channel/" + escape(ch.id) + "/heartbeat",
			})
			switch {
			case err == nil && a.status/100 == 2:
				missed = 0
			case err == nil && (a.status == http.StatusNotFound || a.status == http.StatusForbidden):
				ch.end(errGone)
				return
			default:
				if missed++; missed == 3 {
					ch.end(errHeartbeat)
					return
				}
				next = p.cfg.Heartbeat / 3
			}
			beat.Reset(next)
		case <-renew.C:
			next, err := p.renewChannel(ctx, ch)
			if err != nil {
				ch.end(err)
				return
			}
			renew.Reset(next)
		}
	}
}

// halfLife is when to renew: half of what was granted, give or take a tenth.
func (p *Provider) halfLife(granted time.Duration) time.Duration {
	half := time.Duration(float64(granted) * (0.45 + 0.1*p.cfg.Random()))
	return max(maybe.Early("broadworks: a renewal comes early", half), granted/10) // sooner is only dearer
}

func (p *Provider) renewChannel(ctx context.Context, ch *channel) (next time.Duration, err error) {
	a, err := p.do(ctx, ch.x, request{
		op: opChannel, method: http.MethodPut, unbounded: true, patience: p.cfg.Heartbeat, // they wait for it
		path: p.cfg.Network.EventsPath + "/v2.0/channel/" + escape(ch.id),
		body: `<?xml version="1.0" encoding="UTF-8"?><Channel xmlns="http://schema.broadsoft.com/xsi"><expires>` + p.expires() + `</expires></Channel>`,
	})
	switch {
	case err == nil && a.status/100 == 2:
		p.understand(a.body, func(d *document) {
			if d.kind == docChannel && d.expires > 0 {
				ch.granted = granted(d.expires)
			}
		})
		return p.halfLife(ch.granted), nil
	case err == nil && (a.status == http.StatusNotFound || a.status == http.StatusForbidden):
		return 0, errGone
	}
	return ch.granted / 20, nil // again, well before it ends
}
