package actor

import (
	"errors"
	"sync"

	"offhook/engine"
	"offhook/engine/maybe"
)

// An input that finds nobody at work is carried out by whoever brings it: to
// wake an owner, and to wait for it, takes several times as long as the step. He
// owns the subscriber meanwhile as any owner does, so what comes in between
// waits in the queues; and he carries out the one input, so that a busy
// subscriber keeps nobody from what he came from. What waits then is for an
// owner. Nothing here waits: who is not in memory is loaded by an owner, and the
// journal tells when it has synced.

// take makes the caller the owner of a subscriber who has none and for whom
// nothing waits. shard.mu is held.
func (e *entry) take() bool {
	if e.running || e.sub == nil && e.packed.None() || e.inbox != nil || len(e.controls) > 0 || e.unsynced >= e.dir.cfg.Unsynced || e.shard.closed {
		return false
	}
	if maybe.Now("actor: an owner is woken for what anybody could do") { // as for whoever comes a moment later
		return false
	}
	e.rouse()
	e.running = true
	e.shard.carried++ // and not in the directory's group, which all would write to
	return true
}

// outs are the effects of those who carry out an input.
var outs = sync.Pool{New: func() any { return new(engine.Effects) }}

var errLost = errors.New("actor: whoever carried out an input did not come back from it")

// carry steps the one input of whoever took the entry, and gives it back.
func (e *entry) carry(step func(b *batch)) {
	d := e.dir
	came := false
	defer func() {
		if !came { // a panic, which may be caught: the subscriber is half changed, and nobody's
			d.fail(errLost)
			e.shard.mu.Lock()
			e.back()
			e.shard.mu.Unlock()
		}
	}()
	out := outs.Get().(*engine.Effects)
	e.out = out
	if e.sub == nil {
		e.unpack()
	}
	b := d.batch(e)
	step(b)
	b.submit()
	e.schedule()
	e.giveBack()
	came = true
	outs.Put(out)
}

// giveBack ends ownership after one input. What came meanwhile is for an owner.
func (e *entry) giveBack() {
	e.shard.mu.Lock()
	defer e.shard.mu.Unlock()
	e.back()
	e.rest()
	if e.inbox != nil || len(e.controls) > 0 {
		e.wake()
		return
	}
	e.park()
}

// back says that an input was carried out, or never will be. shard.mu is held.
func (e *entry) back() {
	s := e.shard
	if s.carried--; s.carried == 0 && s.closed {
		s.back.Signal()
	}
}
