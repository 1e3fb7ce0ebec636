package provision

import (
	"context"
	"fmt"
	"slices"

	"offhook/engine"
	"offhook/engine/tenant"
)

// verdict is what becomes of one user.
type verdict uint8

const (
	same     verdict = iota // it is as it should be
	add                     // there is no subscriber yet
	alter                   // profile, links or record differ
	rename                  // perhaps a user we know, under a new id
	byHand                  // an administrator's
	conflict                // its subscriber id is somebody else's, or it was refused
)

// look compares a user with what there is. It changes nothing.
func (r *Reconciler) look(w *wish, rec *record) (verdict, *tenant.SubscriberInfo, error) {
	id := w.profile.ID
	if rec != nil {
		id = rec.ID
	}
	info, there, err := r.cfg.Tenants.Subscriber(id)
	if err != nil {
		return same, nil, err
	}
	if there && rec == nil {
		if info.Profile.Network == w.profile.Network && engine.Fold(info.Profile.ProviderUser) == engine.Fold(w.user) {
			return byHand, info, nil
		}
		return conflict, info, nil
	}
	if there && !rec.ours(info) {
		return byHand, info, nil
	}
	if !there {
		holder, err := r.cfg.Tenants.UserOf(w.profile.Network, w.user)
		if err != nil || holder != "" {
			return byHand, nil, err
		}
		return add, nil, nil
	}
	if next := r.next(w, rec, info); next.equal(rec) && len(r.links(w, info)) == 0 {
		return same, info, nil
	}
	return alter, info, nil
}

// next is the record of a subscriber that is as it should be.
func (r *Reconciler) next(w *wish, rec *record, info *tenant.SubscriberInfo) *record {
	p := w.profile
	p.ID = info.Profile.ID
	n := &record{User: w.user, ID: rec.ID, Have: fingerprint(&p), Person: w.person}
	for _, a := range w.apps { // of these, which are linked by us
		if slices.Contains(rec.Apps, a) || !slices.Contains(info.Apps, a) {
			n.Apps = append(n.Apps, a)
		}
	}
	return n
}

// links are the apps that are missing.
func (r *Reconciler) links(w *wish, info *tenant.SubscriberInfo) (missing []string) {
	for _, a := range w.apps {
		if !slices.Contains(info.Apps, a) {
			missing = append(missing, a)
		}
	}
	return missing
}

func (rec *record) equal(other *record) bool {
	return rec.User == other.User && rec.ID == other.ID && rec.Have == other.Have && len(rec.Want)+len(other.Want) == 0 &&
		rec.Person == other.Person && slices.Equal(rec.Apps, other.Apps)
}

// upsert makes a user's subscriber what it should be. It may be repeated, also
// after a crash in the middle. An error means that it has to be.
func (r *Reconciler) upsert(ctx context.Context, w *wish) (verdict, error) {
	rec, err := r.recall(w.user)
	if err != nil {
		return same, err
	}
	renamed := false
	if rec == nil {
		if rec, err = r.takeOver(ctx, w); err != nil {
			return same, err
		}
		renamed = rec != nil
	}
	id := w.profile.ID
	if rec != nil {
		id = rec.ID
	}
	defer r.cfg.Subscribers.Hold(id)()
	v, info, err := r.look(w, rec)
	switch {
	case err != nil:
		return same, err
	case v == add:
		v, err = r.add(ctx, w, id, rec)
	case v == alter:
		v, err = r.alter(ctx, w, rec, info)
	case v == byHand && rec != nil:
		r.cfg.Log.Info("subscriber was changed by hand, and is left alone from now on", "sub", rec.ID)
		err = r.forget(rec)
	}
	if renamed && err == nil && v == alter {
		v = rename
	}
	return v, err
}

// takeOver finds the record of a user that got another id, and makes it the
// new one's. The old id must be gone.
func (r *Reconciler) takeOver(ctx context.Context, w *wish) (*record, error) {
	rec, err := r.known(w.person, w.user)
	if err != nil || rec == nil {
		return nil, err
	}
	info, there, err := r.cfg.Tenants.Subscriber(rec.ID)
	if err != nil || !there || !rec.ours(info) {
		return nil, err
	}
	if holder, err := r.cfg.Tenants.UserOf(w.profile.Network, w.user); err != nil || holder != "" {
		return nil, err // by hand
	}
	if _, still, err := r.read(ctx, rec.User); err != nil || still {
		return nil, err // two people alike
	}
	old := userKey(rec.User)
	next := *rec
	next.User = w.user
	if err := r.remember(&next); err != nil {
		return nil, err
	}
	if err := r.cfg.Memory.Delete(old); err != nil {
		return nil, err
	}
	return &next, nil
}

// giveBack undoes a takeOver that was refused: the subscriber is the old
// user's, and goes as that one does.
func (r *Reconciler) giveBack(rec *record, old string) error {
	if engine.Fold(old) == engine.Fold(rec.User) {
		return nil
	}
	was := *rec
	was.User = old
	if err := r.remember(&was); err != nil {
		return err
	}
	return r.cfg.Memory.Delete(userKey(rec.User))
}

// add makes a new subscriber. rec is what is left of an earlier one.
func (r *Reconciler) add(ctx context.Context, w *wish, id string, rec *record) (verdict, error) {
	p := w.profile
	p.ID = id
	next := &record{User: w.user, ID: id, Want: []string{fingerprint(&p)}, Apps: w.apps, Person: w.person}
	if rec != nil {
		next.Want = append(next.Want, keep(rec.Want)...)
		if rec.Person != w.person {
			if err := r.dropPerson(rec.Person, w.user); err != nil {
				return same, err
			}
		}
	}
	if err := r.remember(next); err != nil {
		return same, err
	}
	_, refused := r.put(ctx, p)
	if refused != nil {
		if again(refused) {
			return same, refusal(refused)
		}
		r.refuse(id, refused)
		return conflict, r.forget(next)
	}
	v, err := r.settle(ctx, w, next, w.apps, nil)
	if err == nil && v == alter {
		v = add
	}
	return v, err
}

// alter changes a subscriber that is ours.
func (r *Reconciler) alter(ctx context.Context, w *wish, rec *record, info *tenant.SubscriberInfo) (verdict, error) {
	p := w.profile
	p.ID = info.Profile.ID
	have, want := fingerprint(&info.Profile), fingerprint(&p)
	missing := r.links(w, info)
	next := &record{User: w.user, ID: rec.ID, Have: have, Want: keep(rec.Want), Apps: slices.Clone(rec.Apps), Person: w.person}
	if have != want {
		next.Want = append(next.Want, want)
	}
	for _, a := range missing {
		if !slices.Contains(next.Apps, a) {
			next.Apps = append(next.Apps, a)
		}
	}
	if err := r.remember(next); err != nil {
		return same, err
	}
	if rec.Person != w.person {
		if err := r.dropPerson(rec.Person, w.user); err != nil {
			return same, err
		}
	}
	if have != want {
		if _, refused := r.put(ctx, p); refused != nil {
			if again(refused) {
				return same, refusal(refused)
			}
			r.refuse(rec.ID, refused)
			return conflict, r.giveBack(next, info.Profile.ProviderUser)
		}
		next.Have = want
	}
	var surplus []string
	for _, a := range next.Apps {
		if !slices.Contains(w.apps, a) && slices.Contains(info.Apps, a) {
			surplus = append(surplus, a)
		}
	}
	return r.settle(ctx, w, next, missing, surplus)
}

// settle links and unlinks, and writes down that all is done.
func (r *Reconciler) settle(ctx context.Context, w *wish, next *record, missing, surplus []string) (verdict, error) {
	for _, step := range []struct {
		apps []string
		do   func(ctx context.Context, app, subscriber string) *engine.Error
	}{{missing, r.cfg.Subscribers.Link}, {surplus, r.cfg.Subscribers.Unlink}} {
		for _, a := range step.apps {
			refused := r.within(ctx, func(ctx context.Context) *engine.Error { return step.do(ctx, a, next.ID) })
			if refused != nil && again(refused) {
				return same, refusal(refused)
			}
			if refused != nil {
				r.refuse(next.ID, refused)
				return conflict, nil
			}
		}
	}
	p := w.profile
	p.ID = next.ID
	done := &record{User: w.user, ID: next.ID, Have: next.Have, Person: w.person}
	if done.Have == "" {
		done.Have = fingerprint(&p)
	}
	for _, a := range w.apps {
		if slices.Contains(next.Apps, a) {
			done.Apps = append(done.Apps, a)
		}
	}
	return alter, r.remember(done)
}

// remove deletes the subscriber of a user that is gone, if it is still ours.
func (r *Reconciler) remove(ctx context.Context, user string) (removed bool, err error) {
	rec, err := r.recall(user)
	if err != nil || rec == nil {
		return false, err
	}
	defer r.cfg.Subscribers.Hold(rec.ID)()
	// Left over from a rename that broke off?
	if other, err := r.known(rec.Person, rec.User); err != nil {
		return false, err
	} else if other != nil && other.ID == rec.ID {
		return false, r.cfg.Memory.Delete(userKey(rec.User))
	}
	info, there, err := r.cfg.Tenants.Subscriber(rec.ID)
	if err != nil {
		return false, err
	}
	if there && rec.ours(info) {
		refused := r.within(ctx, func(ctx context.Context) *engine.Error { return r.cfg.Subscribers.Delete(ctx, rec.ID) })
		if refused != nil && refused.Code != engine.CodeNotFound {
			return false, refusal(refused)
		}
		removed = true
	}
	return removed, r.forget(rec)
}

// keep bounds what nobody heard of.
func keep(want []string) []string { return slices.Clone(want[max(0, len(want)-7):]) }

func (r *Reconciler) put(ctx context.Context, p engine.Profile) (created bool, refused *engine.Error) {
	refused = r.within(ctx, func(ctx context.Context) (err *engine.Error) {
		created, err = r.cfg.Subscribers.PutProfile(ctx, p)
		return err
	})
	return created, refused
}

func (r *Reconciler) within(ctx context.Context, fn func(context.Context) *engine.Error) *engine.Error {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Patience)
	defer cancel()
	return fn(ctx)
}

// again reports whether a refusal is one of the moment.
func again(e *engine.Error) bool {
	switch e.Code {
	case engine.CodeConflict, engine.CodeInvalidField, engine.CodeNotFound:
		return false
	}
	return true
}

func refusal(e *engine.Error) error { return fmt.Errorf("%s: %s", e.Code, e.Message) }

func (r *Reconciler) refuse(id string, e *engine.Error) {
	r.cfg.Log.Warn("subscriber not provisioned", "sub", id, "code", e.Code, "field", e.Field)
}
