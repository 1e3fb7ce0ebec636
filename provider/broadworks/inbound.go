package broadworks

import (
	"net/http"
	"time"
)

// asker is who delivered an event, and is to be answered: an XSP by an
// EventResponse, or a POST to our HTTP contact by its status.
type asker struct {
	x     *xsp
	reply chan<- int // has room for one; nil for an XSP
}

// wait is what one POST waits for.
type wait struct {
	reply chan int // has room for one
	late  *time.Timer
}

func newWait() any {
	w := &wait{make(chan int, 1), time.NewTimer(time.Hour)}
	w.late.Stop()
	return w
}

// Take implements Inbound. The answer is the acknowledgement (dossier §3.9),
// so it waits for the receipt. What does not settle in time, or would be one
// too many, is the platform's to send again.
func (p *Provider) Take(body []byte) (status int) {
	c := &p.contact
	defer c.taking.Add(-1)
	if c.taking.Add(1) > int32(p.cfg.Inbound) { // #nosec G115 -- a setting of some thousands
		p.cfg.Metrics.acked(p.cfg.NetworkID, "dropped")
		return http.StatusServiceUnavailable
	}
	select {
	case <-c.over:
		return http.StatusServiceUnavailable
	default:
	}
	p.heard()
	w := c.waits.Get().(*wait)
	if status = p.post(body, w.reply); status != 0 {
		c.waits.Put(w)
		return status
	}
	w.late.Reset(p.cfg.Answer)
	select {
	case status = <-w.reply:
		w.late.Stop()
		c.waits.Put(w)
		p.cfg.Metrics.acked(p.cfg.NetworkID, "sent")
		return status
	case <-w.late.C:
	case <-c.over:
		w.late.Stop()
	}
	// The reply may still come: the channel is left to it.
	p.cfg.Metrics.acked(p.cfg.NetworkID, "failed")
	return http.StatusServiceUnavailable
}

// post understands a document and has it dispatched; reply has the status
// then. A status that is returned is final.
func (p *Provider) post(body []byte, reply chan<- int) int {
	d := p.contact.decoders.Get().(*decoder)
	defer p.contact.decoders.Put(d)
	doc, err := d.decode(body)
	if err == nil && !isBlank(body[d.i:]) {
		err = errStray
	}
	switch {
	case doc.kind != docEvent:
		p.cfg.Metrics.event(p.cfg.NetworkID, "not_understood")
		return http.StatusBadRequest
	case err != nil:
		p.misread(asker{reply: reply}, doc, err)
	case doc.event == eventChannelTerminated:
		return http.StatusOK
	case doc.event == eventError:
		p.cfg.Log.Warn("the platform reports an error at the http contact", "code", doc.errorCode)
		return http.StatusOK
	default:
		p.dispatch(asker{reply: reply}, doc)
	}
	return 0
}

// contactStatus is the answer of an HTTP contact for that of an EventResponse.
func contactStatus(code int) int {
	if code == ackUnknownSubscription {
		return http.StatusNotFound
	}
	return code
}
