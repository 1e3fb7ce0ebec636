package replay

import "time"

// What is finished is kept for a while, so that a person can see how it went.

const sweepEvery = time.Hour

// prune forgets the oldest finished tasks of an app beyond those that are kept.
func (r *Replayer) prune(app string) {
	all := r.kept(app)
	finished := 0
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].State == Running {
			continue
		}
		if finished++; finished > r.cfg.Keep {
			r.forget(all[i])
		}
	}
}

// sweeper forgets what was finished long ago, of apps that are gone too.
func (r *Replayer) sweeper() {
	defer r.work.Done()
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		r.sweep()
		select {
		case <-tick.C:
		case <-r.ctx.Done():
			return
		}
	}
}

func (r *Replayer) sweep() {
	before := r.cfg.Clock.Cutoff(r.cfg.KeepFor)
	var old []Task
	err := r.cfg.Tasks.Tasks("", func(t Task) error {
		if t.State != Running && t.UpdatedAt < before {
			old = append(old, t)
		}
		return nil
	})
	if err != nil && r.ctx.Err() == nil {
		r.log.Error("redelivery tasks cannot be looked through for what is too old", "error", err)
	}
	for _, t := range old {
		r.forget(t)
	}
}

func (r *Replayer) forget(t Task) {
	if err := r.cfg.Tasks.DeleteTask(t.Range.App, t.ID); err != nil && r.ctx.Err() == nil {
		r.log.Error("redelivery task is not forgotten", "app", t.Range.App, "task", t.ID, "error", err)
	}
}
