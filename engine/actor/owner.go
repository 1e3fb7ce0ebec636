package actor

import (
	"time"

	"offhook/engine"
	"offhook/engine/maybe"
)

// mostResting is how many owners without a subscriber are kept.
const mostResting = 64

// own runs a subscriber, and then whoever wakes next: an owner that is used again
// has the stack that it takes, which a new goroutine has to grow.
func (d *Directory) own(e *entry) {
	var out engine.Effects
	for e != nil {
		e.run(&out)
		if d.rests.Add(1) > mostResting {
			d.rests.Add(-1)
			return
		}
		e = <-d.resting // nil when the directory is closed
		d.rests.Add(-1)
	}
}

// stepsPerGroup bounds how many inputs share one submission, so that a hot
// subscriber neither starves nor delays its own callers.
const stepsPerGroup = 64

// run owns the subscriber until nothing is left to do.
func (e *entry) run(out *engine.Effects) {
	defer e.dir.cfg.Metrics.awake(-1)
	e.out = out
	if e.sub == nil && !e.rise() {
		return
	}
	if e.sub.ID != "" && maybe.Now("actor: a comparison without need") { // there may always have been a reason
		e.post(control{in: engine.Input{Resync: true}})
	}
	var ctl []control
	for {
		maybe.Delay("actor: an owner is slow to its inbox", 300*time.Millisecond) // so is one without a CPU
		e.shard.mu.Lock()
		ctl, e.controls = e.controls, ctl[:0]
		in := e.inbox
		if len(ctl) == 0 && e.sleep(in) {
			e.shard.mu.Unlock()
			return
		}
		e.shard.mu.Unlock()
		e.progress.Store(int64(time.Since(e.dir.born)))

		b := e.dir.batch(e)
		for i := range ctl {
			b.done(ctl[i].done)
			e.step(b, &ctl[i].in, ctl[i].cause)
		}
		clear(ctl)
		for range stepsPerGroup {
			select {
			case f := <-in.facts:
				e.dir.cfg.Metrics.queuedFacts(-1)
				e.fact(b, f)
				continue
			default:
			}
			select {
			case r := <-in.commands:
				e.dir.cfg.Metrics.queuedCommands(-1)
				e.command(b, r)
				continue
			default:
			}
			break
		}
		b.submit()
		e.schedule()
	}
}

// sleep ends the run when nothing waits, or when too much waits for the disk.
// shard.mu is held.
func (e *entry) sleep(in *inbox) bool {
	empty := len(in.commands) == 0 && len(in.facts) == 0
	if !empty && e.unsynced < e.dir.cfg.Unsynced {
		return false
	}
	e.rest()
	if empty {
		e.dir.inboxes.Put(in)
		e.inbox, e.controls = nil, nil
		e.park()
	}
	return true
}

// rest ends ownership. shard.mu is held.
func (e *entry) rest() {
	e.running, e.out = false, nil
	e.idle = e.sub.Idle() && len(e.sub.Calls) == 0 && len(e.replies) == 0
	if !e.busy || maybe.Now("actor: packed at once") { // as by the janitor a moment later
		e.pack()
	}
}
