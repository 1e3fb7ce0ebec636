package provision

import (
	"context"
	"errors"
	"time"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/provider"
)

// trigger is a user that may have changed, and waits to be read back.
type trigger struct {
	user     string
	due      time.Time
	missed   time.Time // when it was not there; zero when it was, or was not looked for
	failures int
}

// watch keeps the source's feed open. After it broke, anything may have
// happened.
func (r *Reconciler) watch(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; failures++ {
		began := time.Now()
		err := r.cfg.Source.Watch(ctx, r.changed)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("the change feed ended")
		}
		r.failed("watch", err)
		if time.Since(began) > r.cfg.RetryMax {
			failures = 0
		}
		t := time.NewTimer(r.backoff(failures))
		select {
		case <-t.C:
		case <-ctx.Done():
		}
		t.Stop()
		r.changed("")
	}
}

// changed notes that a user, or anything, may have changed. What comes
// together is looked at once.
func (r *Reconciler) changed(user string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch t := r.pending[engine.Fold(user)]; {
	case user == "":
		r.all = true
	case t != nil:
		t.due = time.Now().Add(r.cfg.Settle)
	case len(r.pending) >= r.cfg.Pending:
		clear(r.pending)
		r.all = true
	default:
		r.pending[engine.Fold(user)] = &trigger{user: user, due: time.Now().Add(r.cfg.Settle)}
	}
	r.wakeUp()
}

// due is when the next user is to be read back; zero for nobody. While lists
// fail nobody is. r.mu is held.
func (r *Reconciler) due(ready bool) (first time.Time) {
	if !ready {
		return first
	}
	for _, t := range r.pending {
		if first.IsZero() || t.due.Before(first) {
			first = t.due
		}
	}
	return first
}

// readBack looks at the users that are due, one after the other.
func (r *Reconciler) readBack(ctx context.Context) {
	now := time.Now()
	var batch []*trigger
	r.mu.Lock()
	for key, t := range r.pending {
		if !t.due.After(now) {
			batch = append(batch, t)
			delete(r.pending, key)
		}
	}
	r.mu.Unlock()
	for _, t := range batch {
		if ctx.Err() != nil {
			return
		}
		again, err := r.one(ctx, t)
		if err != nil && ctx.Err() == nil {
			r.failed("read", err)
			again = time.Now().Add(r.backoff(t.failures))
			t.failures++
		}
		if !again.IsZero() {
			t.due = again
			r.putBack(t)
		}
	}
	r.note(func(s *tenant.ProvisioningStatus) { s.Provisioned = r.owned })
}

// putBack has a user looked at again, unless the feed named it meanwhile.
func (r *Reconciler) putBack(t *trigger) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := engine.Fold(t.user)
	if newer := r.pending[key]; newer != nil {
		newer.missed = t.missed
		return
	}
	r.pending[key] = t
}

// one reads one user and makes its subscriber what it should be. It returns
// when to look again, or zero. Somebody missing must be missing twice, some
// time apart: until then the same person may turn up under a new id.
func (r *Reconciler) one(ctx context.Context, t *trigger) (again time.Time, err error) {
	e, there, err := r.read(ctx, t.user)
	if err != nil {
		return again, err
	}
	if there {
		w := r.wish(&e, func(string) {})
		if w.wanted {
			rec, err := r.recall(t.user)
			if err != nil {
				return again, err
			}
			v, err := r.upsert(ctx, &w)
			if err == nil && v == add && rec == nil {
				r.owned++
			}
			r.done(v, err)
			return again, err
		}
	}
	rec, err := r.recall(t.user)
	if err != nil || rec == nil {
		return again, err
	}
	now := time.Now()
	if !there && t.missed.IsZero() {
		t.missed = now
	}
	if ready := t.missed.Add(r.cfg.SecondLook); !there && ready.After(now) {
		return ready, nil
	}
	if r.removed >= r.limit(r.owned+r.removed) {
		r.changed("") // the brake decides over all of them together
		return again, nil
	}
	r.removed++
	return again, r.take(ctx, t.user)
}

// read asks the source for a user, at a bounded rate.
func (r *Reconciler) read(ctx context.Context, user string) (provider.Entry, bool, error) {
	t := time.NewTimer(time.Duration(float64(time.Second) / r.cfg.Rate))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		return provider.Entry{}, false, ctx.Err()
	}
	e, there, err := r.cfg.Source.Read(ctx, user)
	if err == nil && there && engine.Fold(e.User) != engine.Fold(user) {
		err = errors.New("the source answered with somebody else")
	}
	return e, there, err
}
