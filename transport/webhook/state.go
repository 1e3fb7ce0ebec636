package webhook

import (
	"slices"
	"strings"
	"time"

	"offhook/engine"
)

// Condition is how a receiver is, in a word.
type Condition string

// The conditions of a receiver.
const (
	Healthy    Condition = "healthy"
	BackingOff Condition = "backing_off" // out: one probe at a time
	Paused     Condition = "paused"      // a person wants it to wait
	Disabled   Condition = "disabled"    // it answered 410, or a person gave it up
	Unusable   Condition = "unusable"    // its URL or secrets can never work
)

// Status is how the delivery to one receiver is; for people and metrics.
type Status struct {
	App         string
	Kind        engine.StreamKind
	Condition   Condition
	Waiting     int           // streams with something undelivered; those only on disk as of the last scan
	Parked      int           // of these, streams that wait for a person
	Oldest      time.Duration // age of the oldest undelivered event known; 0 for none
	InFlight    int
	Concurrency int       // how many may be in flight now
	NextTry     time.Time // BackingOff: when the next probe leaves
}

// Status lists all receivers, by app and kind.
func (d *Dispatcher) Status() []Status {
	var out []Status
	for _, ep := range d.endpoints() {
		if s, ok := ep.status(); ok {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b Status) int {
		if c := strings.Compare(a.App, b.App); c != 0 {
			return c
		}
		return int(a.Kind) - int(b.Kind)
	})
	return out
}

// StatusOf is how the delivery to one receiver is; false if there is none.
func (d *Dispatcher) StatusOf(app string, kind engine.StreamKind) (Status, bool) {
	ep := d.endpoint(endpointKey{app, kind})
	if ep == nil {
		return Status{}, false
	}
	return ep.status()
}

func (ep *endpoint) status() (Status, bool) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if ep.standing == absent {
		return Status{}, false
	}
	s := Status{
		App: ep.key.app, Kind: ep.key.kind, Condition: Healthy,
		Waiting: len(ep.lanes) - ep.idle.n + ep.behind.streams, InFlight: ep.inflight, Concurrency: ep.allows(),
	}
	switch {
	case ep.standing == unusable:
		s.Condition = Unusable
	case ep.standing == paused:
		s.Condition = Paused
	case ep.standing == disabled:
		s.Condition = Disabled
	case ep.breaker.state != closed:
		s.Condition = BackingOff
		s.NextTry = ep.breaker.until
	}
	oldest := ep.behind.since
	for _, l := range ep.lanes {
		if l.state == laneIdle {
			continue
		}
		if l.parked {
			s.Parked++
		}
		if l.headTime != 0 && (oldest == 0 || l.headTime < oldest) {
			oldest = l.headTime
		}
	}
	if oldest != 0 {
		s.Oldest = ep.d.age(oldest)
	}
	return s, true
}

func (k endpointKey) String() string { return k.app + "/" + k.kind.String() }

// now is what the clock shows: for people. What is waited for goes by time.Now,
// whose differences do not depend on it.
func (d *Dispatcher) now() time.Time { return time.UnixMilli(d.cfg.Clock.Now()) }

// age is how long ago something was recorded.
func (d *Dispatcher) age(at int64) time.Duration {
	return time.Duration(d.cfg.Clock.Since(at)) * time.Millisecond
}
