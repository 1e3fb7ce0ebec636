package webhook

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/engine/trace"
)

// Parcel is what one POST carries.
type Parcel struct {
	ID         string                 // webhook-id, the same in each retry
	Events     []*engine.Notification // at least one; consecutive within each stream
	Batch      bool                   // the body is an array, even of one event
	GapFrom    uint64                 // the first number of a range given up before this event; 0 for none
	Redelivery bool                   // asked for by a person
	Want       int                    // bytes of the answer's body to bring back; zero for none
	Trace      trace.Context          // of the attempt; zero for none
}

// What one POST carries at most in batch mode.
const (
	maxBatchEvents = 100
	maxBatchBytes  = 256 << 10 // of the whole body
)

// parcel is one event by itself.
func parcel(n *engine.Notification) *Parcel {
	return &Parcel{ID: n.EventID, Events: []*engine.Notification{n}}
}

// size is the length of the body.
func (p *Parcel) size() int {
	if !p.Batch {
		return len(p.Events[0].Body)
	}
	n := len("[]") + len(p.Events) - 1
	for _, e := range p.Events {
		n += len(e.Body)
	}
	return n
}

// append adds the body: events as they are stored, byte for byte.
func (p *Parcel) append(b []byte) []byte {
	if !p.Batch {
		return append(b, p.Events[0].Body...)
	}
	for i, e := range p.Events {
		b = append(b, "[,"[min(i, 1)])
		b = append(b, e.Body...)
	}
	return append(b, ']')
}

// head is the part of a request that is the same each time. Everything in it
// went through url.Parse, Guard.CheckURL and tenant.CheckHeaders, so nothing
// can end a line early.
func (c *Client) head(u *url.URL, headers []tenant.Header) string {
	var b strings.Builder
	b.WriteString("POST " + escaped(u.RequestURI()) + " HTTP/1.1\r\nHost: " + u.Host + "\r\nUser-Agent: " + c.agent +
		"\r\nContent-Type: application/json\r\n")
	for _, h := range headers {
		b.WriteString(h.Name + ": " + h.Value + "\r\n")
	}
	return b.String()
}

// escaped is a request target without what would end it early. url.URL leaves
// a query as it was written, spaces and other scripts included.
func escaped(target string) string {
	var b strings.Builder
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// append adds a request. The body is put together where it is sent from; the
// signatures, which stand before it, go into a place kept for them.
func (t *target) append(b []byte, sign *signer, p *Parcel, now time.Time) []byte {
	b = append(b, t.head...)
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(p.size()), 10)
	b = append(b, "\r\nwebhook-id: "...)
	b = append(b, p.ID...)
	b = append(b, "\r\nwebhook-timestamp: "...)
	b = strconv.AppendInt(b, now.Unix(), 10)
	if p.GapFrom > 0 {
		b = append(b, "\r\nwebhook-gap-from: "...)
		b = strconv.AppendUint(b, p.GapFrom, 10)
	}
	if p.Redelivery {
		b = append(b, "\r\nwebhook-redelivery: true"...)
	}
	if p.Trace.Set() {
		b = append(b, "\r\ntraceparent: "...)
		b = p.Trace.Append(b)
	}
	b = append(b, "\r\nwebhook-signature: "...)
	at, end := len(b), len(b)+sign.size(now)
	b = slices.Grow(b, end-at)[:end]
	b = append(b, "\r\n\r\n"...)
	body := len(b)
	b = p.append(b)
	sign.append(b[:at:end], p.ID, now, b[body:])
	return b
}
