package actor

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"offhook/engine"
)

// batch is the effects of a few steps of one subscriber on their way out: they
// are submitted together and released together, in order.
type batch struct {
	e        *entry
	id       string // the subscriber's id, as its notifications carry it
	replies  []reply
	receipts []Receipt
	ready    []ready
	logged   []string // apps with events, each once
	asks     []asking
	users    []following
	dones    []func()
	view     *view
	cause    *cause // of the step under way; nil when nobody traces it
	told     int    // of the notifications, those of which it is known what they came from
}

type reply struct {
	to chan engine.Reply
	is engine.Reply
}

type ready struct {
	app      string
	kind     engine.StreamKind
	sequence uint64
}

type asking struct {
	ask   engine.Ask
	cause *cause
}

type following struct{ off, on engine.User }

var batches = sync.Pool{New: func() any { return new(batch) }}

func (d *Directory) batch(e *entry) *batch {
	b := batches.Get().(*batch)
	b.e = e
	return b
}

func (b *batch) receipt(r Receipt) {
	if r != nil {
		b.receipts = append(b.receipts, r)
	}
}

func (b *batch) done(f func()) {
	if f != nil {
		b.dones = append(b.dones, f)
	}
}

// collect takes over what one step wants released. Records and notifications
// stay in out until submit.
func (b *batch) collect(out *engine.Effects) {
	e := b.e
	b.id = e.sub.ID
	for i := range out.Reply {
		r := &out.Reply[i]
		if w := e.answered(r.Token); w.reply != nil {
			b.replies = append(b.replies, reply{w.reply, *r})
			if b.cause == nil { // a fact, or the lack of one, that somebody waited for
				b.cause = w.cause
			}
			if r.Holds {
				e.hold(w.cause, r.Call.ID)
			}
		}
	}
	out.Reply = out.Reply[:0]
	for _, a := range out.Ask {
		b.asks = append(b.asks, asking{a, b.cause})
	}
	out.Ask = out.Ask[:0]
	b.attribute(out)
	for _, m := range out.Moves {
		e.dir.cfg.Metrics.transition(m)
		if e.dir.cfg.Log.Enabled(context.Background(), slog.LevelDebug) { // what is said is made up even where nobody listens
			e.dir.cfg.Log.Debug("transition", "sub", e.sub.ID, "call", m.Call.String(), "from", m.From.String(),
				"on", m.On.String(), "to", m.To.String(), "synthetic", m.Synthetic, "trace", b.cause.id())
		}
	}
	out.Moves = out.Moves[:0]
	if out.Changed {
		b.view = e.makeView()
	}
	if none := (engine.User{}); out.Follow != none || out.Unfollow != none {
		e.dir.users.drop(out.Unfollow.Network, out.Unfollow.ID, e)
		e.dir.users.remember(e)
		b.users = append(b.users, following{out.Unfollow, out.Follow})
	}
}

// answered takes the caller of a token off those who wait.
func (e *entry) answered(token uint64) waiting {
	for i, w := range e.replies {
		if w.token == token {
			e.replies = slices.Delete(e.replies, i, i+1)
			return w
		}
	}
	return waiting{}
}

// submit hands the batch to the journal. Without records, and with nothing of
// this subscriber on its way to the disk, there is nothing to wait for.
func (b *batch) submit() {
	e, out := b.e, b.e.out
	d := e.dir
	for i := range out.Emit {
		n := &out.Emit[i]
		n.Queue = d.cfg.Outbox.Wanted(n.App, n.Kind)
		if !slices.Contains(b.logged, n.App) {
			b.logged = append(b.logged, n.App)
		}
		if n.Queue {
			b.ready = append(b.ready, ready{n.App, n.Kind, n.Sequence})
		}
	}
	if !b.stored() {
		b.release()
	}
	clear(out.Put)
	clear(out.Emit)
	out.Reset()
}

// stored hands over what there is to store. It reports false when there is
// nothing to wait for.
func (b *batch) stored() bool {
	e, out := b.e, b.e.out
	e.shard.mu.Lock()
	defer e.shard.mu.Unlock()
	if len(out.Put) > 0 && e.marking() {
		out.Put = slices.DeleteFunc(out.Put, func(r engine.Record) bool { return r.Kind == engine.RecordResynced })
	}
	if len(out.Put) == 0 && len(out.Emit) == 0 && e.unsynced == 0 {
		b.show()
		return false
	}
	e.dir.unsynced.Add(1)
	e.unsynced++
	// Under the lock, so that a mark made meanwhile comes after the record
	// that takes an earlier one back.
	e.dir.cfg.Journal.Submit(0, 0, out.Put, out.Emit, b)
	return true
}

// marking reports whether a mark was made that the owner has not seen: then a
// comparison finished before it must not take it back. shard.mu is held.
func (e *entry) marking() bool {
	if e.missed {
		return true
	}
	for i := range e.controls {
		if e.controls[i].in.Resync {
			return true
		}
	}
	return false
}

// Done releases the batch: its records and all earlier ones are durable. It
// runs on the journal's goroutine and waits for nothing.
func (b *batch) Done(index uint64, err error) {
	e := b.e
	d := e.dir
	d.unsynced.Add(-1)
	if err != nil {
		d.fail(err)
		b.fail()
		return
	}
	e.shard.mu.Lock()
	b.show()
	e.shard.mu.Unlock()
	if index > 0 {
		d.released.Store(index) // completions come in order
	}
	b.release()
	e.released()
}

// show makes what the batch changed what is read. shard.mu is held.
func (b *batch) show() {
	if b.view != nil {
		b.e.publish(b.view)
	}
	b.e.waiting -= len(b.replies)
}

// release lets the effects out.
func (b *batch) release() {
	e := b.e
	d := e.dir
	for i := range b.replies {
		if r := &b.replies[i].is; r.Holds { // first: whoever takes it may lift the hold at once
			e.post(control{in: engine.Input{Handed: r.Call.ID}})
		}
		b.replies[i].to <- b.replies[i].is
	}
	for _, r := range b.receipts {
		r.Settle()
	}
	for _, r := range b.ready {
		d.cfg.Outbox.Ready(r.app, b.id, r.kind, r.sequence)
	}
	for _, app := range b.logged {
		d.cfg.Outbox.Logged(app)
	}
	for _, u := range b.users {
		if u.off.ID != "" {
			d.cfg.Networks.Unfollow(u.off.Network, u.off.ID)
		}
		if u.on.ID != "" {
			d.cfg.Networks.Follow(u.on.Network, u.on.ID)
		}
	}
	for i := range b.asks {
		d.ask(e, b.asks[i].ask, b.asks[i].cause)
	}
	for _, f := range b.dones {
		f()
	}
	b.free()
}

// released is told that one submission is out: the owner may go on if it
// stood still for the disk, and the subscriber may be parked.
func (e *entry) released() {
	e.shard.mu.Lock()
	defer e.shard.mu.Unlock()
	e.unsynced--
	if e.inbox != nil || len(e.controls) > 0 {
		e.wake()
		return
	}
	e.park()
}

// fail discards the batch: nobody knows whether it is durable. Callers are
// told to come back; receipts stay unsettled.
func (b *batch) fail() {
	for i := range b.replies {
		b.replies[i].to <- unavailable("the outcome could not be stored")
	}
	for _, f := range b.dones {
		f()
	}
	b.e.shard.mu.Lock()
	b.e.unsynced--
	b.e.waiting -= len(b.replies)
	b.e.shard.mu.Unlock()
	b.free()
}

func (b *batch) free() {
	clear(b.replies)
	clear(b.receipts)
	clear(b.ready)
	clear(b.logged)
	clear(b.asks)
	clear(b.dones)
	*b = batch{
		replies: b.replies[:0], receipts: b.receipts[:0], ready: b.ready[:0], logged: b.logged[:0],
		asks: b.asks[:0], users: b.users[:0], dones: b.dones[:0],
	}
	batches.Put(b)
}
