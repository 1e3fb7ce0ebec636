package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"offhook/engine"
)

// pastScan is how many calls one page of history looks at, however few of them
// are wanted.
const pastScan = 5000

// History calls fn for calls of an app that are over, with the profile of whose
// they are as it is now; the one that ended last first. What an app is not
// linked to any more is left out. It does a bounded amount of work: there may be
// more behind last even if fewer came than were asked for.
func (s *Store) History(q engine.HistoryQuery, fn func(*engine.Profile, *engine.Call) error) (last engine.HistoryPlace, more bool, err error) {
	if err := s.use(); err != nil {
		return last, false, err
	}
	defer s.done()
	view, err := s.settledView()
	if err != nil {
		return last, false, err
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	low, high := pastKey(nil, q.App, q.From, 0), after(appendText(appendGroup(nil, prefixPast), q.App))
	if q.To > 0 {
		high = pastKey(nil, q.App, q.To, 0)
	}
	it, err := view.NewIter(&pebble.IterOptions{LowerBound: low, UpperBound: high})
	if err != nil {
		return last, false, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	w := pastWalk{q: q, fn: fn, view: view, owners: map[string]*engine.Subscriber{}, last: q.Behind}
	ok := false
	if q.Behind == (engine.HistoryPlace{}) {
		ok = it.Last()
	} else {
		ok = it.SeekLT(pastKey(nil, q.App, q.Behind.ReleasedAt, q.Behind.Call))
	}
	for scanned := 0; ok; ok = it.Prev() {
		if w.n == q.Limit || scanned == pastScan {
			return w.last, true, nil
		}
		scanned++
		if err := w.row(it); err != nil {
			return last, false, fmt.Errorf("read history: %w", err)
		}
	}
	return w.last, false, it.Error()
}

// settledView is a view of all rows, once all that is in it is durable.
func (s *Store) settledView() (*pebble.Snapshot, error) {
	view := s.db.NewSnapshot()
	if err := s.journal.settled(); err != nil {
		return nil, errors.Join(err, view.Close())
	}
	return view, nil
}

// pastWalk reads rows of past/ backwards.
type pastWalk struct {
	q      engine.HistoryQuery
	fn     func(*engine.Profile, *engine.Call) error
	view   *pebble.Snapshot
	owners map[string]*engine.Subscriber // of the calls so far; nil for who is not the app's
	n      int                           // calls told
	last   engine.HistoryPlace
}

func (w *pastWalk) row(it *pebble.Iterator) error {
	value, err := it.ValueAndErr()
	if err != nil {
		return err
	}
	_, place, err := parsePastKey(it.Key())
	if err != nil {
		return err
	}
	direction, cause, answered, err := decodePast(value)
	if err != nil {
		return err
	}
	w.last = place
	if !w.q.Wants(direction, cause, answered) || w.q.Subscriber != "" && engine.SlotOf(w.q.Subscriber) != place.Call.Slot() {
		return nil
	}
	owner, ended, err := callFrom(w.view, place.Call)
	if err != nil || ended == nil || w.q.Subscriber != "" && engine.Fold(owner) != w.q.Subscriber {
		return err
	}
	sub, err := w.owner(owner)
	if err != nil || sub == nil {
		return err
	}
	w.n++
	return w.fn(&sub.Profile, ended)
}

// owner is the subscriber if the app may see it, or nil.
func (w *pastWalk) owner(id string) (*engine.Subscriber, error) {
	folded := engine.Fold(id)
	if sub, known := w.owners[folded]; known {
		return sub, nil
	}
	sub, err := loadFrom(w.view, folded)
	if err != nil {
		return nil, err
	}
	if sub != nil && !sub.LinkedTo(w.q.App) {
		sub = nil
	}
	w.owners[folded] = sub
	return sub, nil
}
