package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"offhook/engine"
)

// maxMoments bounds a timeline.
const maxMoments = 10_000

// Timeline returns what happened to a call, oldest first, as an app may see it:
// of commands, replies, events and attempts only its own. It reports false if
// there is no such call, or the app must not know of it. Of a call to which very
// much happened it has the beginning: more says so.
func (s *Store) Timeline(app string, call engine.CallID) (list []engine.Moment, found, more bool, err error) {
	if err := s.use(); err != nil {
		return nil, false, false, err
	}
	defer s.done()
	if err := s.lazy.flush(); err != nil {
		return nil, false, false, err
	}
	view, err := s.settledView()
	if err != nil {
		return nil, false, false, err
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	t := timeline{view: view, app: app, call: call}
	if found, err = t.shown(s.opts.Clock.Now()); err == nil && found {
		err = t.read()
	}
	if err != nil {
		return nil, false, false, fmt.Errorf("timeline of call %s: %w", call, err)
	}
	return t.list, found, t.full, nil
}

// timeline is one in the making.
type timeline struct {
	view     *pebble.Snapshot
	app      string
	call     engine.CallID
	owner    string
	from, to int64 // when it was, ms since the epoch
	list     []engine.Moment
	full     bool
}

// shown reports whether the app may see the call: it is linked to whose it is,
// and was when the call ended.
func (t *timeline) shown(now int64) (bool, error) {
	owner, ended, err := callFrom(t.view, t.call)
	if err != nil || owner == "" {
		return false, err
	}
	sub, err := loadFrom(t.view, engine.Fold(owner))
	if err != nil || sub == nil || !sub.LinkedTo(t.app) {
		return false, err
	}
	t.owner = owner
	if ended != nil {
		t.from, t.to = ended.CreatedAt, ended.ReleasedAt
		return getFrom(t.view, pastKey(nil, t.app, ended.ReleasedAt, t.call), func([]byte) error { return nil })
	}
	i := slices.IndexFunc(sub.Calls, func(c engine.Call) bool { return c.ID == t.call })
	if i < 0 {
		return false, nil
	}
	t.from, t.to = sub.Calls[i].CreatedAt, now
	return true, nil
}

func (t *timeline) read() error {
	if err := t.traces(); err != nil {
		return err
	}
	for i := range t.list {
		if m := &t.list[i]; m.Kind == engine.TraceTold {
			if err := t.told(i); err != nil {
				return err
			}
		}
	}
	slices.SortStableFunc(t.list, func(a, b engine.Moment) int { return cmp.Compare(a.At, b.At) })
	return nil
}

// traces goes through the days of the call, and one more at each end: what an
// app asks for comes before the call, and the clock may have been set.
func (t *timeline) traces() (err error) {
	day, last := max(min(t.from, t.to)/dayMs-1, 0), max(t.from, t.to)/dayMs+1
	it, err := t.view.NewIter(&pebble.IterOptions{LowerBound: logDay(nil, day), UpperBound: logDay(nil, last+1)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.SeekGE(ofCall(nil, day, t.call)); ok; {
		on, call, from, err := parseLogKey(it.Key())
		switch {
		case err != nil:
			return err
		case call == t.call:
			if err := t.row(it, from); err != nil || t.full {
				return err
			}
			day, ok = on, it.Next()
		case on > day: // days on which nothing happened to anybody are skipped
			day, ok = on, it.SeekGE(ofCall(nil, on, t.call))
		default:
			day++
			ok = it.SeekGE(ofCall(nil, day, t.call))
		}
	}
	return it.Error()
}

// row reads what happened in a slice of time.
func (t *timeline) row(it *pebble.Iterator, from int64) error {
	value, err := it.ValueAndErr()
	if err != nil {
		return err
	}
	return decodePieces(value, func(since int64, tr *engine.Trace) {
		switch {
		case tr.App != "" && tr.App != t.app:
		case len(t.list) == maxMoments:
			t.full = true
		default:
			tr.Call = t.call
			t.list = append(t.list, engine.Moment{At: from + since, Trace: *tr})
		}
	})
}

// told adds to an event what became of it, as far as it is kept.
func (t *timeline) told(i int) (err error) {
	stream := engine.StreamOf(t.app, t.owner, engine.StreamCalls)
	index, found, err := indexFrom(t.view, stream, t.list[i].Number)
	if err != nil || !found {
		return err
	}
	var ev engine.Notification
	if found, err = getFrom(t.view, eventKey(nil, t.app, index), func(v []byte) error { return decodeEvent(v, &ev) }); err != nil || !found {
		return err
	}
	if ev.Sequence == t.list[i].Number && ev.Call == t.call { // it may have become a gap
		t.list[i].EventID = ev.EventID
	}
	tries := attemptKey(nil, t.app, index)
	it, err := t.view.NewIter(&pebble.IterOptions{LowerBound: tries, UpperBound: after(tries)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		if len(t.list) == maxMoments {
			t.full = true
			break
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		a, err := decodeAttempt(value)
		if err != nil {
			return err
		}
		t.list = append(t.list, engine.Moment{At: a.At, Attempt: &a})
	}
	return it.Error()
}
