package provision

import (
	"encoding/json"
	"errors"
	"slices"

	"offhook/engine"
	"offhook/engine/tenant"
)

// record is what is remembered of one user: which subscriber came of it, and
// how that reads. It is written before each change and after it:
//
//	user/<folded user>   → record
//	person/<digest>      → folded user, a hint where to look for a renamed one
//
// A process that dies between record and change finds, at its next start, a
// subscriber that reads as Have (the change did not happen) or as one of Want
// (it did), and goes on either way. One that reads otherwise was changed by
// hand, and is let go.
type record struct {
	User   string   `json:"user"`           // as the source spells it
	ID     string   `json:"id"`             // of the subscriber
	Have   string   `json:"have,omitempty"` // fingerprint; empty when it is not there yet
	Want   []string `json:"want,omitempty"` // being written; several when nobody heard what became of one
	Apps   []string `json:"apps,omitempty"` // linked because of a rule; links made by hand are not ours
	Person string   `json:"person,omitempty"`
}

var errMalformed = errors.New("the record of a provisioned user is malformed")

const (
	userPrefix   = "user/"
	personPrefix = "person/"
)

// ours reports whether the subscriber is still as we wrote it.
func (rec *record) ours(info *tenant.SubscriberInfo) bool {
	f := fingerprint(&info.Profile)
	return f == rec.Have || slices.Contains(rec.Want, f)
}

func userKey(user string) string { return userPrefix + engine.Fold(user) }

// recall returns the record of a user, or nil.
func (r *Reconciler) recall(user string) (*record, error) {
	b, err := r.cfg.Memory.Get(userKey(user))
	if err != nil || b == nil {
		return nil, err
	}
	return decodeRecord(b)
}

func decodeRecord(b []byte) (*record, error) {
	rec := &record{}
	if err := json.Unmarshal(b, rec); err != nil || rec.User == "" || rec.ID == "" {
		return nil, errMalformed
	}
	return rec, nil
}

// remember writes a record, and where to find the person.
func (r *Reconciler) remember(rec *record) error {
	b, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	if err := r.cfg.Memory.Put(userKey(rec.User), b); err != nil {
		return err
	}
	if rec.Person == "" {
		return nil
	}
	return r.cfg.Memory.Put(personPrefix+rec.Person, []byte(engine.Fold(rec.User)))
}

// forget drops the record of a user. The subscriber is gone, or not ours.
func (r *Reconciler) forget(rec *record) error {
	if err := r.dropPerson(rec.Person, rec.User); err != nil {
		return err
	}
	return r.cfg.Memory.Delete(userKey(rec.User))
}

// dropPerson drops the hint if it leads to the user.
func (r *Reconciler) dropPerson(person, user string) error {
	if person == "" {
		return nil
	}
	b, err := r.cfg.Memory.Get(personPrefix + person)
	if err != nil || string(b) != engine.Fold(user) {
		return err
	}
	return r.cfg.Memory.Delete(personPrefix + person)
}

// known returns the record of the person under another user id, or nil.
func (r *Reconciler) known(person, user string) (*record, error) {
	if person == "" {
		return nil, nil
	}
	b, err := r.cfg.Memory.Get(personPrefix + person)
	if err != nil || b == nil || string(b) == engine.Fold(user) {
		return nil, err
	}
	rec, err := r.recall(string(b))
	if err != nil || rec == nil || rec.Person != person {
		return nil, err
	}
	return rec, nil
}
