package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"offhook/engine"
	"offhook/engine/actor"
)

var _ actor.Store = (*Store)(nil)

// Load returns the subscriber with that id, fresh, or nil. It is for the one
// who owns the subscriber: what it reads is that owner's own and durable.
func (s *Store) Load(id string) (sub *engine.Subscriber, err error) {
	if err := s.use(); err != nil {
		return nil, err
	}
	defer s.done()
	return s.load(id)
}

func (s *Store) load(id string) (sub *engine.Subscriber, err error) {
	_, err = s.get(ofSubscriber(nil, prefixSub, engine.SlotOf(id), engine.Fold(id)), func(v []byte) (err error) {
		sub, err = decodeSubscriber(v)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load subscriber: %w", err) // whoever asked logs which one; ids may be phone numbers
	}
	return sub, nil
}

// Owner returns the subscriber a call belongs or belonged to, or "".
func (s *Store) Owner(call engine.CallID) (string, error) {
	owner, _, err := s.callRow(call)
	return owner, err
}

// Ended returns a released call that is still kept, or nil.
func (s *Store) Ended(call engine.CallID) (*engine.Call, error) {
	_, ended, err := s.callRow(call)
	return ended, err
}

func (s *Store) callRow(call engine.CallID) (owner string, ended *engine.Call, err error) {
	if err := s.use(); err != nil {
		return "", nil, err
	}
	defer s.done()
	return callFrom(s.db, call)
}

// callFrom reads a call: whose it is and, once it is over, how it ended and
// what it went on as.
func callFrom(r pebble.Reader, call engine.CallID) (owner string, ended *engine.Call, err error) {
	_, err = getFrom(r, callKey(nil, call), func(v []byte) (err error) {
		owner, ended, err = decodeCallRow(v)
		return err
	})
	var by uint64
	if err == nil && ended != nil {
		_, err = getFrom(r, nextKey(nil, call), func(v []byte) (err error) {
			by, err = decodeNumber(v)
			return err
		})
	}
	if err != nil {
		return "", nil, fmt.Errorf("load call %s: %w", call, err)
	}
	if by != 0 {
		var more engine.More
		if ended.More != nil {
			more = *ended.More
		}
		more.ReplacedBy = engine.CallID(by)
		ended.More = &more
	}
	return owner, ended, nil
}

// Intent returns what is remembered of an idempotency key, or nil.
func (s *Store) Intent(app, subscriber, key string) (in *engine.Intent, err error) {
	if err := s.use(); err != nil {
		return nil, err
	}
	defer s.done()
	k := intentKey(nil, prefixIdem, engine.SlotOf(subscriber), app, engine.Fold(subscriber), key)
	_, err = s.get(k, func(v []byte) (err error) {
		in, err = decodeIntent(v)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load intent: %w", err)
	}
	return in, nil
}

// UserOf returns the subscriber id of a provider's user, or "".
func (s *Store) UserOf(network, providerUser string) (subscriber string, err error) {
	if err := s.use(); err != nil {
		return "", err
	}
	defer s.done()
	_, err = s.get(pairKey(nil, prefixUser, network, engine.Fold(providerUser)), func(v []byte) (err error) {
		subscriber, err = decodeName(v)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("load user of network %s: %w", network, err)
	}
	return subscriber, nil
}

// Unsettled calls fn with the folded id of each subscriber that has live
// calls, open intents, deferred bodies or a mark: live/ and mark/ side by side,
// which sort alike.
func (s *Store) Unsettled(fn func(subscriber string, marked bool) error) (err error) {
	if err := s.use(); err != nil {
		return err
	}
	defer s.done()
	live, err := s.newIter(prefixLive)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, live.Close()) }()
	mark, err := s.newIter(prefixMark)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, mark.Close()) }()

	hasLive, hasMark := live.First(), mark.First()
	for hasLive || hasMark {
		order := 0 // whose key comes first: the one behind the prefix
		switch {
		case !hasMark:
			order = -1
		case !hasLive:
			order = 1
		default:
			order = pebble.DefaultComparer.Compare(live.Key()[len(prefixLive):], mark.Key()[len(prefixMark):])
		}
		var id string
		if order <= 0 {
			id, err = parseSubscriberKey(live.Key(), prefixLive)
		} else {
			id, err = parseSubscriberKey(mark.Key(), prefixMark)
		}
		if err != nil {
			return fmt.Errorf("read unsettled subscribers: %w", err)
		}
		if err := fn(id, order >= 0); err != nil {
			return err
		}
		if order <= 0 {
			hasLive = live.Next()
		}
		if order >= 0 {
			hasMark = mark.Next()
		}
	}
	return errors.Join(live.Error(), mark.Error())
}

func (s *Store) newIter(prefix string) (*pebble.Iterator, error) {
	return s.db.NewIter(&pebble.IterOptions{LowerBound: []byte(prefix), UpperBound: after([]byte(prefix))})
}

// liveIDs is what live/ holds.
func (s *Store) liveIDs() (map[string]struct{}, error) {
	ids := map[string]struct{}{}
	err := s.scan([]byte(prefixLive), nil, func(k, _ []byte) (bool, error) {
		id, err := parseSubscriberKey(k, prefixLive)
		ids[id] = struct{}{}
		return true, err
	})
	return ids, err
}
