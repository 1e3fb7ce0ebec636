package crash

import (
	"fmt"
	"slices"
	"strings"

	"offhook/engine"
)

// promises are what left the process in this life, each with the moment: those
// who were told rely on it. Moments are counted, not measured.
type promises struct {
	moment  int
	claims  map[string][]claim // rows somebody was told about
	settled map[string][]settled
	sent    []sent
	answers []answer

	delivered map[place]int // first 2xx
	expiring  map[engine.StreamID]int
	dropping  int
	swept     int   // the first sweep
	cutoff    int64 // of the last one
	keyCutoff int64
}

// claim is a row as somebody wanted it, and perhaps was told it is.
type claim struct {
	value         string
	started, told int // told: 0 for never
}

// settled is an event the platform was told not to send again.
type settled struct {
	at           int
	subscription string
	sequence     uint32
}

// sent is an event that left for a receiver.
type sent struct {
	at   int
	what engine.Notification
}

// answer is a 2xx to an app.
type answer struct {
	at         int
	verb       engine.Verb
	app        string
	subscriber string
	key        string
	call       engine.CallID
}

func newPromises() *promises {
	return &promises{
		claims: map[string][]claim{}, settled: map[string][]settled{}, delivered: map[place]int{}, expiring: map[engine.StreamID]int{},
	}
}

func (p *promises) now() int { p.moment++; return p.moment }

// point is one moment at which the power may have gone.
type point struct {
	op     int
	what   string
	loss   int // percent of the unsynced that is there
	acked  int
	moment int
}

func (p point) String() string {
	return fmt.Sprintf("write %d (%s), %d%% of the unsynced lost", p.op, p.what, 100-p.loss)
}

// check holds a picture against everything that was promised up to a point.
// w.mu is held.
func (w *world) check(pic *picture, pt point) error {
	if err := w.prefix(pic, pt); err != nil {
		return err
	}
	for _, at := range pic.nameless {
		// A sweep takes the number away first, and is begun again.
		if pic.events[at].Time >= w.cutoff {
			return fmt.Errorf("number %d of %v is in the log, and is not found by its number", at.sequence, at.stream)
		}
	}
	for _, part := range []func(*picture, point) error{w.checkClaims, w.checkSettled, w.checkSent, w.checkAnswers} {
		if err := part(pic, pt); err != nil {
			return err
		}
	}
	return nil
}

// prefix finds a prefix of the submissions that the disk shows, no shorter than
// what was said to be durable.
func (w *world) prefix(pic *picture, pt point) error {
	r := w.rows
	wrong := make([]int, r.n+2) // differences
	fault := func(from, to int) { wrong[from]++; wrong[to]-- }
	each := func(visit func(key string, have string, h []version)) {
		for key, h := range r.history {
			visit(key, pic.rows[key], h)
		}
	}
	// versions calls fn for each range of prefixes and what the row is in them.
	versions := func(key string, h []version, fn func(from, to int, value string)) {
		from, value := 0, r.base[key]
		for _, v := range h {
			fn(from, v.by, value)
			from, value = v.by, v.value
		}
		fn(from, r.n+1, value)
	}
	each(func(key, have string, h []version) {
		if have == unsaid {
			return
		}
		versions(key, h, func(from, to int, value string) {
			if value != have && value != unsaid && !w.excused(key, value, have, pic, pt) {
				fault(from, to)
			}
		})
	})
	for key, have := range pic.rows {
		base, was := r.base[key]
		if _, known := r.history[key]; known || !tracked(key) || have == unsaid || base == unsaid {
			continue
		}
		if !was || base != have && !w.excused(key, base, have, pic, pt) {
			return fmt.Errorf("nobody wrote the row %s, which is %q and was %q", key, have, base)
		}
	}
	for key, base := range r.base {
		if _, known := r.history[key]; known || !tracked(key) || base == unsaid || pic.rows[key] == unsaid {
			continue
		}
		if pic.rows[key] == "" && !w.excused(key, base, "", pic, pt) {
			return fmt.Errorf("the row %s is lost, which was %q", key, base)
		}
	}
	sum, best := 0, -1
	least := 0
	for n := 0; n <= r.n; n++ {
		if sum += wrong[n]; n < pt.acked {
			continue
		}
		if best < 0 || sum < least {
			best, least = n, sum
		}
	}
	if least == 0 {
		pic.prefixOf = best
		return nil
	}
	var rowsWrong []string
	each(func(key, have string, h []version) {
		versions(key, h, func(from, to int, value string) {
			if from <= best && best < to && value != have && have != unsaid && value != unsaid && !w.excused(key, value, have, pic, pt) {
				rowsWrong = append(rowsWrong, fmt.Sprintf("%s is %q, and should be %q", key, have, value))
			}
		})
	})
	slices.Sort(rowsWrong)
	return fmt.Errorf("%d of %d submissions were durable, and no prefix that has them is on the disk; nearest is %d:\n%s", pt.acked, r.n, best, strings.Join(rowsWrong, "\n"))
}

// tracked rows change by submissions alone.
func tracked(key string) bool { return !strings.HasPrefix(key, "app/") && key != installation }

// installation is the row that is made when a disk is first opened: until
// somebody has seen it, it may be made again.
const installation = "meta/installation"

// excused reports whether a row may differ, since it changes in other ways too.
func (w *world) excused(key, want, have string, pic *picture, pt point) bool {
	p := w.promises
	kind, _, _ := strings.Cut(key, "/")
	switch kind {
	case "wait":
		at := w.places[key]
		if have != "" {
			return false
		}
		by := p.delivered[at]
		exp := p.expiring[at.stream]
		return want == present && (by > 0 && by <= pt.moment || exp > 0 && exp <= pt.moment || p.dropping > 0 && p.dropping <= pt.moment)
	case "ev":
		at := w.places[key]
		ev, there := pic.events[at]
		if !there {
			return p.swept > 0 && p.swept <= pt.moment && w.times[key] < p.cutoff
		}
		exp := p.expiring[at.stream]
		return ev.GapFrom > 0 && exp > 0 && exp <= pt.moment && want != ""
	case "call", "next":
		return have == "" && p.swept > 0 && p.swept <= pt.moment && w.times[key] > 0 && w.times[key] < p.cutoff
	case "idem":
		return have == "" && p.swept > 0 && p.swept <= pt.moment && w.times[key] > 0 && w.times[key] < p.keyCutoff
	}
	return false
}

// checkClaims: rows that somebody was told about are so, or as somebody who was
// not answered yet wanted them.
func (w *world) checkClaims(pic *picture, pt point) error {
	for key, all := range w.promises.claims {
		allowed := []string{w.rows.base[key]}
		for _, c := range all {
			switch {
			case c.started > pt.moment:
			case c.told > 0 && c.told <= pt.moment:
				allowed = []string{c.value}
			default:
				allowed = append(allowed, c.value)
			}
		}
		if pic.rows[key] == unsaid || key == installation && allowed[0] == "" {
			continue
		}
		if !slices.Contains(allowed, pic.rows[key]) {
			return fmt.Errorf("somebody was told that %s is %q; it is %q", key, allowed, pic.rows[key])
		}
	}
	return nil
}

// checkSettled: what the platform was told not to send again was taken in, or
// is made up for by a mark.
func (w *world) checkSettled(pic *picture, pt point) error {
	for user, all := range w.promises.settled {
		id := engine.Fold(pic.rows[userRow(network, user)])
		sub := pic.subs[id]
		if sub == nil || pic.rows["mark/"+id] != "" {
			continue
		}
		for i := len(all) - 1; i >= 0; i-- {
			if s := all[i]; s.at <= pt.moment {
				if sub.Source.Subscription == s.subscription && sub.Source.Sequence < s.sequence {
					return fmt.Errorf("event %d of %s was acknowledged, and its subscriber has heard no more than %d", s.sequence, user, sub.Source.Sequence)
				}
				break
			}
		}
	}
	return nil
}

// checkSent: what left for a receiver is in the log, byte for byte.
func (w *world) checkSent(pic *picture, pt point) error {
	for i := range w.promises.sent {
		s := &w.promises.sent[i]
		if s.at > pt.moment {
			break
		}
		at := place{s.what.Stream(), s.what.Sequence}
		ev, there := pic.events[at]
		switch {
		case !there && w.promises.swept > 0 && s.what.Time < w.promises.cutoff:
		case !there:
			return fmt.Errorf("number %d of %v was sent, and is not in the log", at.sequence, at.stream)
		case ev.GapFrom > 0 && s.what.GapFrom == 0: // given up since
		case ev.EventID != s.what.EventID || string(ev.Body) != string(s.what.Body):
			return fmt.Errorf("number %d of %v was sent as\n%s, and is in the log as\n%s", at.sequence, at.stream, s.what.Body, ev.Body)
		}
	}
	return nil
}

// checkAnswers: a call an app was told of is remembered by its key, a call that
// was ended is over, one that was held was held.
func (w *world) checkAnswers(pic *picture, pt point) error {
	for i := range w.promises.answers {
		a := &w.promises.answers[i]
		if a.at > pt.moment {
			break
		}
		key := intentRow(a.app, a.subscriber, a.key)
		row, known := pic.rows["call/"+a.call.String()]
		if row == unsaid || pic.rows[key] == unsaid {
			continue
		}
		gone := w.promises.swept > 0 && !known
		switch a.verb {
		case engine.VerbOriginate:
			in := pic.intents[key]
			switch {
			case in == nil && w.promises.keyCutoff > 0 && w.times[key] < w.promises.keyCutoff:
			case in == nil || in.Call != a.call:
				return fmt.Errorf("the key %s was answered with the call %s, and is remembered as %s", key, a.call, pic.rows[key])
			case !known && !gone:
				return fmt.Errorf("the call %s was answered, and nobody has it", a.call)
			}
		case engine.VerbEnd:
			if !strings.Contains(row, " ") && !gone {
				return fmt.Errorf("the call %s was answered as ended, and is %q", a.call, row)
			}
		case engine.VerbHold:
			held := gone || w.promises.swept > 0
			for at, ev := range pic.events {
				held = held || at.stream.App == a.app && ev.Call == a.call && ev.State == engine.StateHeld
			}
			// An app that has not read its 201 of another call yet is told later.
			for _, sub := range pic.subs {
				for i := range sub.Streams {
					for j := range sub.Streams[i].Deferred {
						c := &sub.Streams[i].Deferred[j].Call
						held = held || sub.Streams[i].App == a.app && c.ID == a.call && c.State == engine.StateHeld
					}
				}
			}
			if !held {
				return fmt.Errorf("the call %s was answered as held, and the log does not know", a.call)
			}
		}
	}
	return nil
}
