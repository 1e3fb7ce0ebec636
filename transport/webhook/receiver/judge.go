package receiver

import (
	"fmt"
	"slices"
	"time"

	"offhook/engine"
)

// Class is the judgement on one event.
type Class string

// The classes. Repeat, Announced, Test and Challenge are within the contract;
// the others behind Fresh are not.
const (
	Fresh      Class = "new"
	Repeat     Class = "repeat"    // the same id, number and bytes as before
	Announced  Class = "announced" // numbers before it were skipped, and it says which
	Gap        Class = "gap"       // numbers before it are missing
	Disorder   Class = "disorder"  // it is one of those that were missing: it came too late
	Conflict   Class = "conflict"  // a known id or number with something else in it
	Test       Class = "test"      // sent by a person, outside of any stream
	Challenge  Class = "challenge" // to be repeated, before there is a webhook at all
	Unverified Class = "unverified"
	Malformed  Class = "malformed"
)

// Delivery is one event, or one request that was none.
type Delivery struct {
	At      time.Time
	Class   Class
	ID      string // the event's; the webhook-id for a request that was none
	Event   *Event // nil for Unverified and Malformed
	Missing uint64 // Gap, Announced: how many numbers
	Note    string // what is odd about it, in words; empty for Fresh
}

// seen is an event of a stream, as far as a repeat is compared with it.
type seen struct {
	id     string
	number uint64
	digest [32]byte
}

// span is a range of numbers, both ends in it.
type span struct{ from, to uint64 }

// maxSpans bounds the holes remembered of one stream.
const maxSpans = 16

// stream is one line of numbers. Invariant: first <= last once begun.
type stream struct {
	first, last uint64
	missing     []span // unannounced holes, oldest first
	recent      []seen // a ring
	oldest      int    // its start, once it is full
}

// judge says what an event is to its stream. announced is the first number
// that a header said was skipped, 0 for none.
func (r *Receiver) judge(d *Delivery, announced uint64) {
	ev := d.Event
	s, begun := r.streams.get(streamKey{ev.AppID, engine.Fold(ev.SubscriberID), ev.Number > 0})
	if !begun && r.cfg.FromOne && r.streams.forgotten == 0 {
		s.first = 1 // as if 0 had been seen
	}
	if announced >= ev.Number {
		announced = 0 // nothing before the event: not a range
	}
	d.Class, d.Missing, d.Note = s.judge(ev, max(ev.gapFrom, announced))
	if d.Class != Repeat && d.Class != Conflict {
		s.remember(seen{ev.id, ev.Number, ev.digest}, r.cfg.Remember)
	}
	r.count.Forgotten = r.streams.forgotten
}

func (s *stream) judge(ev *Event, gapFrom uint64) (class Class, missing uint64, note string) {
	n := ev.Number
	for i := range s.recent {
		was := &s.recent[i]
		switch {
		case was.id == ev.id && ev.id != "" && was.number != n:
			return Conflict, 0, fmt.Sprintf("event %s was #%d before", ev.id, was.number)
		case was.id == ev.id && ev.id != "" && was.digest != ev.digest:
			return Conflict, 0, fmt.Sprintf("event %s came with another body before", ev.id)
		case was.id == ev.id && was.digest == ev.digest:
			return Repeat, 0, "same id, same body"
		case was.number == n && n > 0:
			return Conflict, 0, fmt.Sprintf("#%d was event %s before", n, was.id)
		}
	}
	switch {
	case n == 0:
		return Fresh, 0, ""
	case s.first == 0 && gapFrom > 0 && gapFrom <= n: // the first one of all is a gap
		s.first, s.last = gapFrom, gapFrom-1
	case s.first == 0: // the first one of all, wherever its stream is
		s.first, s.last = n, n-1
	case n <= s.last:
		return s.late(n)
	}
	from := s.last + 1
	s.last = n
	missing = n - from
	if ev.gapFrom > 0 {
		missing++ // a gap event takes the number of the last one skipped
	}
	switch {
	case missing == 0:
		return Fresh, 0, ""
	case gapFrom > 0 && gapFrom <= from:
		return Announced, missing, fmt.Sprintf("%d events were given up by the sender, which says so", missing)
	}
	to := n - 1
	if gapFrom > 0 {
		to = min(to, gapFrom-1) // the rest of the hole is announced
	}
	s.lacks(append(s.missing, span{from, to}))
	missing = to - from + 1
	return Gap, missing, fmt.Sprintf("%d missing before it: %s", missing, span{from, to})
}

// late judges an unknown event with a number that is behind us.
func (s *stream) late(n uint64) (Class, uint64, string) {
	for i, m := range s.missing {
		if n < m.from || n > m.to {
			continue
		}
		var rest []span
		if n > m.from {
			rest = append(rest, span{m.from, n - 1})
		}
		if n < m.to {
			rest = append(rest, span{n + 1, m.to})
		}
		s.lacks(slices.Replace(s.missing, i, i+1, rest...))
		return Disorder, 0, fmt.Sprintf("came after #%d", s.last)
	}
	// At-least-once: a sender that crashed may repeat what it sent to whoever
	// was here before us, or what we no longer remember.
	if n < s.first {
		return Repeat, 0, fmt.Sprintf("from before #%d, the first one seen here", s.first)
	}
	return Repeat, 0, "too long ago to be compared"
}

func (s *stream) lacks(missing []span) {
	s.missing = missing[max(0, len(missing)-maxSpans):]
}

func (s *stream) remember(e seen, most int) {
	if len(s.recent) < most {
		s.recent = append(s.recent, e)
		return
	}
	s.recent[s.oldest] = e
	s.oldest = (s.oldest + 1) % len(s.recent)
}

func (s span) String() string {
	if s.from == s.to {
		return fmt.Sprintf("#%d", s.from)
	}
	return fmt.Sprintf("#%d to #%d", s.from, s.to)
}

// tell counts a judgement and passes it on.
func (r *Receiver) tell(d Delivery) {
	c := &r.count
	switch d.Class {
	case Fresh:
		c.Events++
	case Announced:
		c.Events++
		c.Announced++
	case Gap:
		c.Events++
		c.Gaps++
		c.Missing += int(d.Missing) // #nosec G115 -- a count
	case Disorder:
		c.Events++
		c.Disorder++
	case Repeat:
		c.Repeats++
	case Conflict:
		c.Conflicts++
	case Unverified:
		c.Unverified++
	case Malformed:
		c.Malformed++
	case Test:
		c.Tests++
	case Challenge:
		c.Challenges++
	}
	r.cfg.OnDelivery(d)
}
