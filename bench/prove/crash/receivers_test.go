package crash

import (
	"time"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/webhook"
)

// book is what one receiver remembers of one stream, over all lives.
type book struct {
	last   uint64 // acknowledged without a gap up to here
	next   uint64 // in this life: the number that must come; 0 for any that was not acknowledged in it
	bodies map[uint64]string
	ids    map[uint64]string
	life   map[uint64]int // number → the life in which it was acknowledged
}

// mood is how a receiver answers.
type mood int

const (
	content mood = iota
	moody        // answers this and that
	silent
	broken
	leaving // 410
)

// Aim is webhook.Poster's.
func (w *world) Aim(app string, r tenant.Receiver) (webhook.Target, error) {
	return &target{w: w, app: app, gone: make(chan struct{})}, nil
}

type target struct {
	w    *world
	app  string
	gone chan struct{}
}

func (t *target) Close() {}
func (t *target) Abort() { close(t.gone) }

// Post is webhook.Target's: the attempt leaves at once, the answer comes later.
func (t *target) Post(p *webhook.Parcel) webhook.Outcome {
	w := t.w
	w.mu.Lock()
	if w.dead {
		w.mu.Unlock()
		<-w.over
		return webhook.Outcome{Class: webhook.Canceled}
	}
	w.left("a webhook")
	for _, n := range p.Events {
		w.attempted(n, p.Redelivery)
	}
	lag, how, luck := time.Duration(w.dice.IntN(30))*time.Millisecond, w.moods[t.app], w.dice.IntN(10)
	w.mu.Unlock()
	if how == silent {
		lag = 10 * time.Second
	}
	select {
	case <-time.After(lag):
	case <-t.gone:
		return webhook.Outcome{Class: webhook.Canceled}
	}
	w.mu.Lock()
	if w.dead {
		w.mu.Unlock()
		<-w.over
		return webhook.Outcome{Class: webhook.Canceled}
	}
	defer w.mu.Unlock()
	switch {
	case how == silent:
		return webhook.Outcome{Class: webhook.Timeout}
	case how == broken, how == moody && luck < 3:
		return webhook.Outcome{Class: webhook.Failed5xx, Status: 500}
	case how == leaving:
		return webhook.Outcome{Class: webhook.Gone, Status: 410}
	case how == moody && luck == 3: // it has it, and nobody hears so
		for _, n := range p.Events {
			w.took(n, p)
		}
		return webhook.Outcome{Class: webhook.Reset}
	}
	for _, n := range p.Events {
		w.took(n, p)
		b := w.book(n)
		b.life[n.Sequence] = w.lives
		at := place{n.Stream(), n.Sequence}
		if w.promises.delivered[at] == 0 {
			w.promises.delivered[at] = w.promises.now()
		}
	}
	return webhook.Outcome{Class: webhook.Delivered, Status: 200}
}

func (w *world) book(n *engine.Notification) *book {
	b := w.books[n.Stream()]
	if b == nil {
		b = &book{bodies: map[uint64]string{}, ids: map[uint64]string{}, life: map[uint64]int{}}
		w.books[n.Stream()] = b
	}
	return b
}

// attempted notes that an event leaves: it must be durable, and in the log
// whatever happens next. w.mu is held.
func (w *world) attempted(n *engine.Notification, asked bool) {
	at := place{n.Stream(), n.Sequence}
	ev, known := w.rows.events[at]
	switch {
	case !known:
		w.violated("number %d of %v is sent, and nobody stored it", at.sequence, at.stream)
	case ev.by > w.rows.acked:
		w.violated("number %d of %v is sent before it is durable", at.sequence, at.stream)
	}
	w.sentCalls[callOf{n.App, n.Call}] = true
	b := w.book(n)
	if n.GapFrom == 0 {
		if body, before := b.bodies[n.Sequence]; before && (body != string(n.Body) || b.ids[n.Sequence] != n.EventID) {
			w.violated("number %d of %v is sent again as something else", at.sequence, at.stream)
		}
		b.bodies[n.Sequence], b.ids[n.Sequence] = string(n.Body), n.EventID
	}
	if b.life[n.Sequence] == w.lives && !asked && !w.ending {
		w.violated("number %d of %v is sent again in the life in which it was acknowledged", at.sequence, at.stream)
	}
	what := *n
	what.Body = append([]byte(nil), n.Body...)
	w.promises.sent = append(w.promises.sent, sent{w.promises.now(), what})
}

// took notes that the receiver has an event: every number, in order, but for
// what a gap names. w.mu is held.
func (w *world) took(n *engine.Notification, p *webhook.Parcel) {
	b := w.book(n)
	w.taken++
	if p.Redelivery && n.Sequence <= b.last {
		return
	}
	from := n.Sequence
	if n.GapFrom > 0 {
		from = n.GapFrom
	}
	if p.GapFrom > 0 {
		from = min(from, p.GapFrom)
	}
	if b.next == 0 {
		b.next = min(from, b.last+1)
	}
	if from > b.next {
		w.violated("%v: number %d came, and %d should have", n.Stream(), n.Sequence, b.next)
	}
	if n.Sequence >= b.next {
		b.next = n.Sequence + 1
	}
	if n.Sequence <= b.last {
		w.repeats++
	}
	b.last = max(b.last, n.Sequence)
}

type callOf struct {
	app  string
	call engine.CallID
}
