package provision

import (
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"time"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/provider"
)

// diff is what a list and what we know differ in.
type diff struct {
	entries, byHand, conflicts, skipped int
	plan                                []wish
	cut                                 bool // there is more to do than plan holds
	gone                                []leaver
	owned                               int
	clashes                             []wish   // to be tried again when the deleted are gone
	unknown                             []string // apps
}

// leaver is a user whose subscriber is to be deleted.
type leaver struct {
	user   string
	listed bool // and no rule matches it any more
}

const maxUnknown = 20 // apps that are not there, to be shown

// lookAtAll makes the subscribers what the source says, and reports whether
// they are.
func (r *Reconciler) lookAtAll(ctx context.Context) bool {
	r.mu.Lock()
	confirmed := r.confirmed
	r.confirmed, r.all, r.now = 0, false, false
	was := r.status
	r.mu.Unlock()
	d, err := r.compare(ctx)
	if err == nil {
		err = r.carryOut(ctx, d, confirmed)
	}
	if err == nil {
		err = r.count(&diff{}, func(string) (bool, bool) { return false, false })
	}
	if ctx.Err() != nil {
		return false
	}
	if err != nil && !errors.Is(err, errBraked) {
		r.failed("diff", err)
		r.note(func(s *tenant.ProvisioningStatus) {
			r.confirmed = max(r.confirmed, confirmed) // it was for what could not be seen now
			if s.State != stateBraked {
				s.State = stateFailing
			}
		})
		return false
	}
	r.removed = 0
	r.note(func(s *tenant.ProvisioningStatus) {
		s.Entries, s.Provisioned, s.ByHand, s.Conflicts, s.Skipped = d.entries, r.owned, d.byHand, d.conflicts, d.skipped
		s.UnknownApps = d.unknown
		if err == nil {
			s.State, s.Braked, s.LastError, s.LastFull = stateOK, nil, "", time.Now().UnixMilli()
		}
	})
	if err != nil {
		return false
	}
	if is := r.Status(); is.Added+is.Changed+is.Renamed+is.Deleted != was.Added+was.Changed+was.Renamed+was.Deleted {
		r.cfg.Log.Info("provisioned", "entries", d.entries, "subscribers", r.owned, "added", is.Added-was.Added,
			"changed", is.Changed-was.Changed, "renamed", is.Renamed-was.Renamed, "deleted", is.Deleted-was.Deleted)
	}
	if d.cut {
		r.changed("")
	}
	return true
}

// compare lists everybody and finds what differs. It changes nothing.
func (r *Reconciler) compare(ctx context.Context) (*diff, error) {
	d := &diff{}
	const listed, wanted = 1, 2
	seed, seen := maphash.MakeSeed(), map[uint64]uint8{}
	key := func(user string) uint64 { return maphash.String(seed, engine.Fold(user)) }
	err := r.cfg.Source.List(ctx, func(e provider.Entry) error {
		k := key(e.User)
		if seen[k] > 0 || ctx.Err() != nil {
			return ctx.Err()
		}
		seen[k] = listed
		d.entries++
		w := r.wish(&e, d.missingApp)
		if !w.wanted {
			d.skipped++
			return nil
		}
		seen[k] = wanted
		return r.sort(d, w)
	})
	if err != nil {
		return nil, err
	}
	return d, r.count(d, func(user string) (isListed, gone bool) {
		s := seen[key(user)]
		return s == listed, s != wanted
	})
}

// sort puts a user where it belongs in the diff.
func (r *Reconciler) sort(d *diff, w wish) error {
	rec, err := r.recall(w.user)
	if err != nil {
		return err
	}
	v, _, err := r.look(&w, rec)
	if err != nil {
		return err
	}
	if rec == nil && v != byHand {
		old, err := r.known(w.person, w.user)
		if err != nil {
			return err
		}
		if old != nil {
			v = rename
		}
	}
	switch v {
	case same:
		return nil
	case byHand:
		d.byHand++
		if rec == nil {
			return nil
		}
	case conflict:
		d.clash(w)
		return nil
	}
	if len(d.plan) >= r.cfg.Plan {
		d.cut = true
		return nil
	}
	d.plan = append(d.plan, w)
	return nil
}

func (d *diff) clash(w wish) {
	d.conflicts++
	if len(d.clashes) < 1000 {
		d.clashes = append(d.clashes, w)
	}
}

func (d *diff) missingApp(id string) {
	if len(d.unknown) < maxUnknown && !slices.Contains(d.unknown, id) {
		d.unknown = append(d.unknown, id)
	}
}

// count counts the users we know, and finds those among them that are gone.
func (r *Reconciler) count(d *diff, look func(user string) (listed, gone bool)) error {
	err := r.cfg.Memory.Each(func(target string, value []byte) error {
		if !strings.HasPrefix(target, userPrefix) {
			return nil
		}
		rec, err := decodeRecord(value)
		if err != nil {
			return err
		}
		d.owned++
		if listed, gone := look(rec.User); gone {
			d.gone = append(d.gone, leaver{rec.User, listed})
		}
		return nil
	})
	r.owned = d.owned
	return err
}

// limit is how many may be deleted at once.
func (r *Reconciler) limit(owned int) int {
	return max(r.cfg.MinDelete, owned*r.cfg.Network.Provision.MaxDeleteShare/100)
}

// carryOut makes the changes: first those that give, then, when all of them
// went well, those that take.
func (r *Reconciler) carryOut(ctx context.Context, d *diff, confirmed int) error {
	limit := r.limit(d.owned)
	if d.entries == 0 {
		limit = 0 // an empty platform is a mistake until somebody says so
	}
	if len(d.gone) > limit && len(d.gone) > confirmed {
		r.brake(d)
		return errBraked
	}
	if err := r.each(ctx, d, d.plan); err != nil {
		return err
	}
	for _, l := range d.gone {
		if err := r.secondLook(ctx, l); err != nil {
			return err
		}
	}
	if len(d.clashes) > 0 && len(d.gone) > 0 {
		again := d.clashes
		d.conflicts -= len(again)
		d.clashes = nil
		return r.each(ctx, d, again)
	}
	return nil
}

// brake holds the diff until the operator confirms it, or it shrinks.
func (r *Reconciler) brake(d *diff) {
	b := &tenant.Brake{Missing: len(d.gone), Of: d.owned, Since: time.Now().UnixMilli()}
	first := false
	r.note(func(s *tenant.ProvisioningStatus) {
		if first = s.Braked == nil; !first {
			b.Since = s.Braked.Since
		}
		s.State, s.Braked = stateBraked, b
	})
	r.cfg.Metrics.failed(r.cfg.Network.ID, "braked")
	if first {
		r.cfg.Log.Error("provisioning is held: more subscribers would be deleted than may go at once; look at the source, or confirm",
			"missing", len(d.gone), "of", d.owned, "limit", r.limit(d.owned))
	}
}

// each makes subscribers what they should be, several at a time, one user by
// one worker. It goes on past failures and returns one of them.
func (r *Reconciler) each(ctx context.Context, d *diff, plan []wish) error {
	var mu sync.Mutex
	var failure error
	var wg sync.WaitGroup
	work := make(chan *wish)
	for range min(r.cfg.Workers, len(plan)) {
		wg.Go(func() {
			for w := range work {
				v, err := r.upsert(ctx, w)
				mu.Lock()
				if err != nil {
					failure = err
				} else if v == conflict {
					d.clash(*w)
				}
				mu.Unlock()
				r.done(v, err)
			}
		})
	}
	for i := range plan {
		if ctx.Err() != nil {
			break
		}
		work <- &plan[i]
	}
	close(work)
	wg.Wait()
	return errors.Join(failure, ctx.Err())
}

// secondLook deletes somebody who is not there when asked for by name either.
// Whoever is, is left alone until the list has them again.
func (r *Reconciler) secondLook(ctx context.Context, l leaver) error {
	rec, err := r.recall(l.user)
	if err != nil || rec == nil { // taken over by a new user id
		return err
	}
	if !l.listed {
		_, there, err := r.read(ctx, l.user)
		if err != nil || there {
			return err
		}
	}
	return r.take(ctx, l.user)
}

// take deletes the subscriber of a user, and counts it.
func (r *Reconciler) take(ctx context.Context, user string) error {
	removed, err := r.remove(ctx, user)
	if err != nil {
		return err
	}
	r.owned--
	if removed {
		r.cfg.Metrics.changed(r.cfg.Network.ID, "deleted")
		r.note(func(s *tenant.ProvisioningStatus) { s.Deleted++ })
	}
	return nil
}

// done counts what became of one user.
func (r *Reconciler) done(v verdict, err error) {
	n := map[verdict]string{add: "added", alter: "changed", rename: "renamed"}[v]
	if err != nil || n == "" {
		return
	}
	r.cfg.Metrics.changed(r.cfg.Network.ID, n)
	r.note(func(s *tenant.ProvisioningStatus) {
		switch v {
		case add:
			s.Added++
		case alter:
			s.Changed++
		case rename:
			s.Renamed++
		}
	})
}
