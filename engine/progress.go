package engine

import "errors"

// maxProgress bounds what is stored behind a subscriber's record before that is
// stored whole again, counted in calls: who reads the one reads the other too.
const maxProgress = 16

// Progress is what most steps change of a subscriber: calls, how many events of
// them the apps were told, and what the provider said last. It is stored behind
// the subscriber's record, which is written whole when anything else changed,
// and now and then.
type Progress struct {
	Calls      []Call   // live ones that changed or began, in the order they began
	Ended      []Ended  // those that were released, in that order
	Remembered int      // how many of Subscriber.Ended are left, which are the newest
	Told       []uint64 // Stream.Calls of each of Subscriber.Streams

	Sequence uint32   // Source.Sequence
	Heard    []uint64 // the newest of Source.Recent, and new there; the last one was heard last
	Next     uint8    // Source.Next
}

// written is what a step must know of the subscriber's record in the store.
type written struct {
	stale  bool  // it differs in what no progress tells: the next one is written whole
	behind uint8 // calls in the progress behind it; maxProgress for that many and more
}

// more counts what is behind the record.
func (w *written) more(calls int) {
	w.behind = uint8(min(int(w.behind)+max(1, calls), maxProgress)) // #nosec G115 -- a small number
}

// rewrite has the whole record stored.
func (st *step) rewrite() { st.changed, st.written.stale = true, true }

// put stores what the step changed, and what it noted.
func (st *step) put() {
	traces := st.out.traces[st.noted:]
	if !st.changed {
		if len(traces) > 0 {
			st.out.Put = append(st.out.Put, Record{Kind: RecordTrace, Subscriber: st.Subscriber, Traces: traces})
		}
		return
	}
	calls := st.out.calls[st.kept:]
	st.written.more(len(calls))
	if st.written.stale || st.written.behind >= maxProgress {
		st.written = written{}
		st.out.Put = append(st.out.Put, Record{Kind: RecordSubscriber, Subscriber: st.Subscriber, Traces: traces})
		return
	}
	st.out.Put = append(st.out.Put, Record{Kind: RecordProgress, Heard: st.heard, Subscriber: st.Subscriber, Calls: calls, Traces: traces})
}

// Collect makes p what the records of a subscriber's progress among put say
// together. The subscriber is as the last of them left it; of p only the memory
// is used.
func (p *Progress) Collect(put []Record, s *Subscriber) {
	*p = Progress{
		Calls: p.Calls[:0], Ended: p.Ended[:0], Told: p.Told[:0], Heard: p.Heard[:0],
		Remembered: len(s.Ended), Sequence: s.Source.Sequence, Next: s.Source.Next,
	}
	heard := 0
	for i := range put {
		r := &put[i]
		if r.Kind != RecordProgress || r.Subscriber != s {
			continue
		}
		for k := range r.Calls {
			p.call(&r.Calls[k])
		}
		if r.Heard {
			heard++
		}
	}
	for i := range s.Streams {
		p.Told = append(p.Told, s.Streams[i].Calls)
	}
	recent := &s.Source.Recent
	for n := min(heard, len(recent)); n > 0; n-- {
		p.Heard = append(p.Heard, recent[back(s.Source.Next, n)])
	}
}

// call takes a call as a later step left it.
func (p *Progress) call(c *Call) {
	at := 0
	for at < len(p.Calls) && p.Calls[at].ID != c.ID {
		at++
	}
	switch known := at < len(p.Calls); {
	case c.State.Live() && known:
		p.Calls[at] = *c
	case c.State.Live():
		p.Calls = append(p.Calls, *c)
	default:
		if known {
			p.Calls = append(p.Calls[:at], p.Calls[at+1:]...)
		}
		p.Ended = append(p.Ended, endedOf(c))
	}
}

// Forget lets go of what p points to, and keeps its memory.
func (p *Progress) Forget() {
	clear(p.Calls[:cap(p.Calls)])
	clear(p.Ended[:cap(p.Ended)])
}

var errProgress = errors.New("progress of another record")

// Apply makes the subscriber, as its record has it, what the progress behind it
// says. To apply the same once more changes nothing.
func (s *Subscriber) Apply(p *Progress) error {
	if len(p.Told) != len(s.Streams) {
		return errProgress
	}
	for i, told := range p.Told {
		if told < s.Streams[i].Calls { // numbers never go back
			return errProgress
		}
		s.Streams[i].Calls = told
	}
	for i := range p.Calls {
		c := &p.Calls[i]
		if have := s.call(c.ID); have != nil {
			*have = *c
		} else {
			s.Calls = append(s.Calls, *c)
		}
	}
	for i := range p.Ended {
		e := &p.Ended[i]
		for k := range s.Calls {
			if s.Calls[k].ID == e.ID {
				s.Calls = append(s.Calls[:k], s.Calls[k+1:]...)
				break
			}
		}
		if len(p.Ended)-i <= p.Remembered && !s.isOver(e.ID) {
			s.Ended = append(s.Ended, *e)
		}
	}
	if p.Remembered > len(s.Ended) {
		return errProgress
	}
	s.Ended = s.Ended[len(s.Ended)-p.Remembered:]

	src := &s.Source
	src.Sequence, src.Next = p.Sequence, p.Next
	for i, h := range p.Heard {
		src.Recent[back(p.Next, len(p.Heard)-i)] = h
	}
	s.written.more(len(p.Calls) + len(p.Ended))
	return nil
}

// back is the place in Source.Recent of the nth hash before next.
func back(next uint8, n int) int {
	const size = len(Source{}.Recent)
	return (int(next) + size - n%size) % size
}
