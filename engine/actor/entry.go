package actor

import (
	"sync/atomic"
	"time"

	"offhook/engine"
)

// entry is one subscriber in memory. While running, the goroutine that runs it
// owns the fields below the line; the others belong to the shard's lock.
type entry struct {
	dir   *Directory
	shard *shard
	key   string // folded id

	inbox    *inbox // nil while nothing waits and nobody runs
	controls []control
	unsynced int   // steps whose effects are not released
	waiting  int   // callers that wait for a reply
	view     *view // what is durable; nil until loaded

	newer, older *entry // while it dozes

	due   time.Duration // when it is to have a Tick, since the directory was made
	place int32         // in the shard's deadlines, and 1; zero when it is not there

	running bool
	idle    bool // nothing awaited, no live calls: may be forgotten
	gone    bool // forgotten: whoever still has the entry looks for the one in its place
	dozes   bool // in the queue of those who may be forgotten
	watched bool // the janitor looks after it
	missed  bool // there was no room for facts: to be compared when there is
	marked  bool // and a mark on disk says so
	busy    bool // stepped since the janitor came by, but for a restart; the owner's, as what is below the line

	progress atomic.Int64 // when the owner last took an input, ns since the directory was made

	// ---- owned by the goroutine that runs the entry
	sub     *engine.Subscriber // nil while packed, or not loaded
	packed  engine.Packed
	out     *engine.Effects // lent by whoever runs it
	replies []waiting
	token   uint64
	wish    int64 // when the last step wants a Tick; see schedule
	wakeAt  int64
	able    *engine.Platform // what the subscriber's network could do at the last step
	now     int64            // of the last step
	base    int64            // of the clock then
	held    *held            // nil for nothing held
}

// inbox holds what waits for one subscriber. It is borrowed from a pool when
// the subscriber wakes and given back when it sleeps.
type inbox struct {
	commands chan request
	facts    chan fact
}

func newInbox(commands, facts int) *inbox {
	return &inbox{commands: make(chan request, commands), facts: make(chan fact, facts)}
}

// request is a command or a change of provisioning, with its caller.
type request struct {
	in    engine.Input
	reply chan engine.Reply // buffered: the owner never waits for a caller that left
	cause *cause
}

// fact is an event with its receipt.
type fact struct {
	event   *engine.Event
	receipt Receipt
}

// waiting is a caller whose request was stepped and not answered yet.
type waiting struct {
	token uint64
	reply chan engine.Reply
	cause *cause
}

// control is what may never be refused: outcomes, ticks, lifts, marks. How many
// there are is bounded by what the owner itself started.
type control struct {
	in    engine.Input
	done  func() // called when the step's effects are released; may be nil
	cause *cause // of an outcome: what the provider was asked for
}

// wake makes sure somebody runs the entry. shard.mu is held.
func (e *entry) wake() {
	e.rouse()
	if e.inbox == nil {
		e.inbox = e.dir.inboxes.Get().(*inbox)
	}
	if e.running || e.shard.closed || e.dir.failed.Load() || e.unsynced >= e.dir.cfg.Unsynced {
		return
	}
	e.running = true
	e.progress.Store(int64(time.Since(e.dir.born)))
	e.dir.cfg.Metrics.awake(1)
	select {
	case e.dir.resting <- e:
	default:
		e.dir.wg.Go(func() { e.dir.own(e) })
	}
}

// park leaves the subscriber to be forgotten if nothing speaks against it.
// shard.mu is held.
func (e *entry) park() {
	if e.gone || e.dozes || e.running || e.inbox != nil || e.unsynced > 0 || len(e.controls) > 0 || e.waiting > 0 || !e.idle || e.missed {
		return
	}
	e.doze()
}

// forget lets go of a subscriber nobody owns. shard.mu is held.
func (e *entry) forget() {
	e.gone = true
	e.shard.deadlines.drop(e)
	delete(e.shard.entries, e.key)
	e.dir.users.forget(e)
}

// lock locks the entry's shard, and returns the entry, or the one that took its place.
func (e *entry) lock() *entry {
	e.shard.mu.Lock()
	if e.gone {
		return e.dir.entry(e.shard, e.key)
	}
	return e
}

// load brings the subscriber into memory, on its own goroutine.
func (e *entry) load() bool {
	sub, err := e.dir.cfg.Store.Load(e.key)
	if err != nil {
		e.dir.cfg.Log.Error("subscriber not loaded", "sub", e.key, "err", err)
		e.abandon()
		return false
	}
	if sub == nil {
		sub = &engine.Subscriber{}
	}
	sub.Configure(&e.dir.cfg.Rules)
	e.now, e.base = e.dir.cfg.Clock.Look()
	sub.Loaded(func(at int64) int64 { return e.now - at - e.dir.cfg.Clock.Since(at) })
	e.sub = sub
	e.able = e.dir.platform(sub.Network)
	sub.Refresh(e.able)
	e.shard.mu.Lock()
	e.share()
	e.publish(e.makeView())
	e.shard.mu.Unlock()
	e.dir.users.remember(e)
	return true
}

// abandon turns everybody away after a failed read. Receipts stay unsettled:
// the provider will tell again.
func (e *entry) abandon() {
	e.shard.mu.Lock()
	defer e.shard.mu.Unlock()
	e.running = false
	for _, c := range e.controls {
		if c.done != nil {
			c.done()
		}
	}
	e.controls = nil
	for {
		select {
		case r := <-e.inbox.commands:
			e.dir.cfg.Metrics.queuedCommands(-1)
			e.waiting--
			r.reply <- unavailable("the subscriber's record cannot be read")
			continue
		case <-e.inbox.facts:
			e.dir.cfg.Metrics.queuedFacts(-1)
			continue
		default:
		}
		break
	}
	e.takeOwed()
	e.missed = false
	e.dir.inboxes.Put(e.inbox)
	e.inbox = nil
	e.forget()
}

func (e *entry) fact(b *batch, f fact) {
	b.receipt(f.receipt)
	e.step(b, &engine.Input{Event: f.event}, nil)
	e.dir.cfg.Metrics.event(e.out.Verdict)
}

func (e *entry) command(b *batch, r request) {
	e.token++
	e.replies = append(e.replies, waiting{e.token, r.reply, r.cause})
	r.in.Token = e.token
	if r.in.Command != nil {
		r.in.Command.Token = e.token
	}
	e.step(b, &r.in, r.cause)
}

// step applies one input and moves its effects into the batch.
func (e *entry) step(b *batch, in *engine.Input, why *cause) {
	if b.cause = why; in.Lift != 0 {
		b.cause = e.lifted(in.Lift)
	}
	e.able = e.dir.platform(e.sub.Network)
	in.Entropy, in.Wants, in.Platform = e.dir.entropy(), e.dir.wants, e.able
	out := e.out
	out.Changed, out.Verdict = false, 0
	out.Follow, out.Unfollow = engine.User{}, engine.User{}
	if in.Tick {
		e.wakeAt = 0
	}
	e.busy = !in.Restart
	was := e.base
	e.now, e.base = e.dir.cfg.Clock.Look()
	in.Shift = e.base - was
	if err := engine.Step(e.sub, in, e.now, out); err != nil {
		e.dir.cfg.Log.Error("input not applied", "sub", e.key, "err", err)
		return
	}
	e.wish = out.Wake
	b.collect(out)
}

// post hands the entry something that may not be refused.
func (e *entry) post(c control) {
	e = e.lock()
	defer e.shard.mu.Unlock()
	e.must(c)
}

// must queues what may not be refused. shard.mu is held.
func (e *entry) must(c control) {
	if e.dir.failed.Load() {
		if c.done != nil {
			c.done()
		}
		return
	}
	e.controls = append(e.controls, c)
	e.wake()
}
