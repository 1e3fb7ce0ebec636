package engine

import "slices"

// Packed is a subscriber with whom nothing is under way, in as few bytes as that
// takes: all but his profile, his calls and his conference. These are kept for
// readers anyway, and are never changed while he is packed.
type Packed struct {
	rest string
	over *over // nil for nothing of it
}

// over is what is not known of most.
type over struct {
	ended   []Ended
	intents []Intent
}

// None reports whether nobody is packed in it.
func (p Packed) None() bool { return p.rest == "" }

// Pack is the subscriber, packed; he is not stepped any more. ok is false when
// something is under way, or when the apps are not those that are linked.
func (s *Subscriber) Pack(apps []string) (p Packed, ok bool) {
	if s.Deleted || len(s.asks) > 0 || len(s.waiters) > 0 || len(s.barriers) > 0 {
		return Packed{}, false
	}
	var room [256]byte
	b := append(room[:0], flags(s.compare.wanted, s.written.stale), s.compare.tries, s.written.behind, s.Source.Next)
	for _, n := range s.counts() {
		b = appendCount(b, *n)
	}
	b = appendCount(b, uint64(s.compare.coming))  // #nosec G115 -- and back
	b = appendCount(b, uint64(s.compare.retryAt)) // #nosec G115 -- and back
	b = appendCount(b, uint64(s.Source.Sequence))
	b = appendSized(b, s.Source.Subscription)
	for _, h := range s.Source.Recent {
		b = appendCount(b, h)
	}
	b = appendCount(b, uint64(len(s.Streams)))
	for i := range s.Streams {
		t := &s.Streams[i]
		name := t.App
		if t.Linked {
			if len(apps) == 0 || apps[0] != t.App {
				return Packed{}, false
			}
			name, apps = "", apps[1:]
		}
		if len(t.Deferred) > 0 || t.App == "" {
			return Packed{}, false
		}
		b = appendSized(b, name)
		b = appendCount(appendCount(b, t.Calls), t.Subscriber)
	}
	if len(apps) > 0 {
		return Packed{}, false
	}
	p.rest = string(b)
	if len(s.Ended) > 0 || len(s.Intents) > 0 {
		p.over = &over{s.Ended, s.Intents}
	}
	return p, true
}

// Unpack is the subscriber as he was packed, with what was kept of him, and the
// apps he was packed with. Calls are copied.
func (p Packed) Unpack(profile *Profile, apps []string, calls []Call, c *Conference) *Subscriber {
	s := &Subscriber{Profile: *profile, shown: profile, Calls: slices.Clone(calls), Conference: c}
	if p.over != nil {
		s.Ended, s.Intents = p.over.ended, p.over.intents
	}
	r := unpacker(p.rest[4:])
	s.compare.wanted, s.written.stale = p.rest[0]&1 != 0, p.rest[0]&2 != 0
	s.compare.tries, s.written.behind, s.Source.Next = p.rest[1], p.rest[2], p.rest[3]
	for _, n := range s.counts() {
		*n = r.count()
	}
	s.compare.coming = int64(r.count())   // #nosec G115 -- as it was
	s.compare.retryAt = int64(r.count())  // #nosec G115 -- as it was
	s.Source.Sequence = uint32(r.count()) // #nosec G115 -- as it was
	s.Source.Subscription = r.text()
	for i := range s.Source.Recent {
		s.Source.Recent[i] = r.count()
	}
	if n := r.count(); n > 0 {
		s.Streams = make([]Stream, n)
	}
	for i := range s.Streams {
		t := &s.Streams[i]
		if t.App = r.text(); t.App == "" {
			t.App, t.Linked, apps = apps[0], true, apps[1:]
		}
		t.Calls, t.Subscriber = r.count(), r.count()
	}
	return s
}

// counts are those of a subscriber's numbers that only grow.
func (s *Subscriber) counts() [8]*uint64 {
	c := &s.compare
	return [...]*uint64{&s.inputs, &s.nextAsk, &s.conferred, &c.marked, &c.doubt, &c.ask, &c.since, &c.came}
}

func flags(a, b bool) (f byte) {
	if a {
		f = 1
	}
	if b {
		f |= 2
	}
	return f
}

// appendCount appends a number, seven bits a byte, since most are small.
func appendCount(b []byte, n uint64) []byte {
	for n >= 0x80 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

func appendSized(b []byte, s string) []byte {
	return append(appendCount(b, uint64(len(s))), s...)
}

// unpacker is what is not read yet of something packed.
type unpacker string

func (r *unpacker) count() (n uint64) {
	for shift := 0; ; shift += 7 {
		b := (*r)[0]
		*r = (*r)[1:]
		if n |= uint64(b&0x7f) << shift; b < 0x80 {
			return n
		}
	}
}

func (r *unpacker) text() string {
	n := r.count()
	s := string((*r)[:n])
	*r = (*r)[n:]
	return s
}
