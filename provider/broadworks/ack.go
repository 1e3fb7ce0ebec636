package broadworks

import (
	"context"
	"net/http"
	"sync"
	"time"

	"offhook/engine/maybe"
)

// How an event is answered (dossier §3.5).
const (
	ackOK                  = 200
	ackUnknownSubscription = 481 // the server deletes the subscription and drops the event
)

const ackTries = 3

// ack is one EventResponse that is to leave.
type ack struct {
	x    *xsp // whose channel delivered the event
	id   string
	code int
}

// acknowledge sends what is queued, on connections of its own, many at once.
// An ack may be sent twice: the second one changes nothing.
func (p *Provider) acknowledge(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-p.acks:
			p.cfg.Metrics.acked(p.cfg.NetworkID, p.sendAck(ctx, a))
		}
	}
}

func (p *Provider) sendAck(ctx context.Context, a ack) string {
	r := request{
		op: opAck, method: http.MethodPost, onLine: true, unbounded: true,
		path: p.cfg.Network.EventsPath + "/v2.0/channel/eventresponse", body: ackBody(a.id, a.code),
	}
	wait := 50 * time.Millisecond
	for try := 1; ; try++ {
		got, err := p.do(ctx, a.x, r)
		switch {
		case err == nil && got.status/100 == 2:
			if maybe.Now("broadworks: acknowledged twice") { // the second one changes nothing
				_, _ = p.do(ctx, a.x, r)
			}
			return "sent"
		case err == nil && got.status < 500, err == errGateClosed, try == ackTries, ctx.Err() != nil:
			// Nobody wants it any more; or the event comes again, and so does
			// its acknowledgement.
			return "failed"
		}
		if !p.pause(ctx, wait, nil) {
			return "failed"
		}
		wait *= 4
	}
}

// answer queues an acknowledgement. It never waits: one that does not fit is
// dropped, and the redelivery of its event brings the next.
func (p *Provider) answer(to asker, id string, code int) {
	if to.reply != nil {
		to.reply <- contactStatus(code)
		return
	}
	if id == "" {
		return
	}
	select {
	case p.acks <- ack{to.x, id, code}:
	default:
		p.cfg.Metrics.acked(p.cfg.NetworkID, "dropped")
	}
}

// recentEvents is how many events are known by id. A redelivery comes within
// seconds.
const recentEvents = 16384

// maxEventID is how long the ids are that are known again; BroadWorks' are 36.
const maxEventID = 256

// recent knows the events that came lately, so that what comes twice is
// handed over once.
type recent struct {
	p    *Provider
	mu   sync.Mutex
	by   map[string]*delivery
	ring []*delivery
	next int
}

func (r *recent) init(p *Provider) { r.p, r.by = p, map[string]*delivery{} }

// maxRepeats is how many who deliver an event again before it is settled are
// answered.
const maxRepeats = 8

// delivery is one event on its way to being settled. It is its Receipt.
type delivery struct {
	r       *recent
	id      string
	settled bool
	code    int
	host    asker   // to be answered when settled
	more    []asker // so are these: it was delivered again meanwhile
}

// see notes an event that host delivered; fresh is false for a repeat. A
// repeat of a settled event is answered now, of another one when that settles.
func (r *recent) see(id string, host asker) (d *delivery, fresh bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d := r.by[id]; d != nil && id != "" {
		if d.settled {
			r.p.answer(host, id, d.code)
		} else if len(d.more) < maxRepeats {
			d.more = append(d.more, host)
		}
		return d, false
	}
	d = &delivery{r: r, id: id, host: host, code: ackOK}
	if id == "" || len(id) > maxEventID {
		return d, true
	}
	r.by[id] = d
	if len(r.ring) < recentEvents {
		r.ring = append(r.ring, d)
		return d, true
	}
	delete(r.by, r.ring[r.next].id)
	r.ring[r.next] = d
	r.next = (r.next + 1) % recentEvents
	return d, true
}

// Settle implements provider.Receipt.
func (d *delivery) Settle() { d.settle(ackOK) }

func (d *delivery) settle(code int) {
	d.r.mu.Lock()
	defer d.r.mu.Unlock()
	if d.settled {
		return
	}
	d.settled, d.code = true, code
	d.r.p.answer(d.host, d.id, code)
	for _, x := range d.more {
		if x != d.host {
			d.r.p.answer(x, d.id, code)
		}
	}
	d.more = nil
}

// noReceipt goes with an event that is acknowledged already.
type noReceipt struct{}

func (noReceipt) Settle() {}
