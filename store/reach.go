package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"offhook/engine"
)

const (
	prefixReach = "reach/"
	keyReach    = "meta/reach"
)

// reachKey is of link/, ordered by the subscriber's network: whether an app
// follows anybody of a network is one look, however many there are.
func reachKey(k []byte, app, network, folded string) []byte {
	return appendText(pairKey(k, prefixReach, app, network), folded)
}

// Reached are the networks of the subscribers an app follows, in order.
func (s *Store) Reached(app string) (networks []string, err error) {
	if err := s.use(); err != nil {
		return nil, err
	}
	defer s.done()
	view := s.db.NewSnapshot()
	defer func() { err = errors.Join(err, view.Close()) }()
	if err := s.journal.settled(); err != nil {
		return nil, err
	}
	prefix := plainKey(nil, prefixReach, app)
	it, err := view.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; {
		network, _, err := text(it.Key()[len(prefix):])
		if err != nil {
			return nil, fmt.Errorf("networks of an app: %w", err)
		}
		networks = append(networks, network)
		ok = it.SeekGE(after(appendText(prefix[:len(prefix):len(prefix)], network)))
	}
	return networks, it.Error()
}

// reach says that an app may follow a subscriber of a network, or no longer.
func (s *submission) reach(app, network string, linked bool) {
	from := len(s.buf)
	s.buf = reachKey(s.buf, app, network, s.folded)
	mid := len(s.buf)
	if !linked {
		s.add(opDelete, from, mid)
		return
	}
	s.buf = append(s.buf, version1)
	s.add(opSet, from, mid)
}

// networkOf is the network the subscriber was on when an app came or went; he
// may have moved on within the same batch.
func networkOf(r *engine.Record) string {
	if r.Was != nil {
		return r.Was.Network
	}
	return r.Subscriber.Network
}

// moved says that a subscriber has gone from one network to another.
func (s *submission) moved(was string, sub *engine.Subscriber) {
	for i := range sub.Streams {
		t := &sub.Streams[i]
		s.reach(t.App, was, false)
		if t.Linked {
			s.reach(t.App, sub.Network, true)
		}
	}
}

// reachRows is how many of them are written at once.
const reachRows = 10_000

// fillReach writes the rows of reach/ into a directory of before there were any.
func (s *Store) fillReach() (err error) {
	if filled, err := s.get([]byte(keyReach), func([]byte) error { return nil }); err != nil || filled {
		return err
	}
	view, batch, n := s.db.NewSnapshot(), s.db.NewBatch(), 0
	defer func() { err = errors.Join(err, batch.Close(), view.Close()) }()
	err = s.scan([]byte(prefixLink), nil, func(key, _ []byte) (bool, error) {
		app, rest, err := text(key[len(prefixLink):])
		if err != nil {
			return false, err
		}
		folded, _, err := text(rest)
		if err != nil {
			return false, err
		}
		sub, err := loadFrom(view, folded)
		if err != nil || sub == nil {
			return err == nil, err
		}
		if err := batch.Set(reachKey(nil, app, sub.Network, folded), []byte{version1}, nil); err != nil {
			return false, err
		}
		if n++; n%reachRows == 0 {
			if err := batch.Commit(pebble.NoSync); err != nil {
				return false, err
			}
			batch.Reset()
		}
		return true, nil
	})
	if err == nil {
		err = errors.Join(batch.Set([]byte(keyReach), []byte{version1}, nil), batch.Commit(pebble.Sync))
	}
	if err != nil {
		return fmt.Errorf("open %s: which networks apps reach: %w", s.dir, err)
	}
	if n > 0 {
		s.log.Info("it is known now which networks apps reach", "links", n)
	}
	return nil
}
