package replay

import "offhook/engine"

const (
	// pageRows are read of the log at a time.
	pageRows = 256
	// maxNumbers is up to how many numbers of one stream are looked up one by
	// one; for more the log is read, which is in one piece on disk.
	maxNumbers = 10_000
)

// source finds the events of a range, in order. A place is an index of the
// log, or a number of the stream if the range is a few numbers of one: finding
// these in the log of a busy app would mean to read through all the others'.
type source struct {
	log Log
	r   Range
	end uint64 // index of the last event of the log that counts
}

func (s *source) numbers() bool {
	return s.r.Subscriber != "" && s.r.From > 0 && s.r.To > 0 && s.r.To-s.r.From < maxNumbers
}

func (s *source) stream() engine.StreamID {
	return engine.StreamID{App: s.r.App, Subscriber: s.r.Subscriber, Kind: s.r.Kind}
}

// start is the place before the first event of the range.
func (s *source) start() (uint64, error) {
	if s.numbers() {
		return s.r.From - 1, nil
	}
	if s.r.From == 0 {
		return 0, nil
	}
	first, ok, err := s.log.Event(s.stream(), s.r.From)
	if err != nil || !ok {
		return 0, err
	}
	return first.Index - 1, nil
}

// page calls fn for the matching events of the next rows behind a place. It
// returns the place it has come to, how many rows it looked at, and whether
// there may be more.
func (s *source) page(behind uint64, fn func(item)) (through uint64, rows int, more bool, err error) {
	if s.numbers() {
		return s.lookUp(behind, fn)
	}
	through = behind
	over := false
	_, err = s.log.Events(s.r.App, behind, pageRows, func(ev engine.StoredEvent) error {
		if over = over || ev.Index > s.end; over {
			return nil
		}
		through = ev.Index
		rows++
		if matches(&s.r, &ev) {
			fn(item{place: ev.Index, stream: ev.Stream(), sequence: ev.Sequence})
		}
		if s.r.To > 0 && ev.Kind == s.r.Kind && ev.Sequence >= s.r.To && engine.Fold(ev.Subscriber) == s.r.Subscriber {
			over = true // its numbers only grow
		}
		return nil
	})
	if err != nil {
		return behind, 0, false, err
	}
	return through, rows, !over && rows == pageRows, nil
}

// lookUp is page for numbers. What is not kept any more is passed over.
func (s *source) lookUp(behind uint64, fn func(item)) (through uint64, rows int, more bool, err error) {
	stream := s.stream()
	for through = behind; rows < pageRows && through < s.r.To; rows++ {
		ev, ok, err := s.log.Event(stream, through+1)
		if err != nil {
			return behind, 0, false, err
		}
		through++
		if ok && ev.Index <= s.end && matches(&s.r, &ev) {
			fn(item{place: through, stream: stream, sequence: ev.Sequence})
		}
	}
	return through, rows, through < s.r.To, nil
}

// count tells how many events there are behind a place, as far as some rows
// show; more says that there may be others.
func (s *source) count(behind uint64, most int) (n uint64, more bool, err error) {
	for looked := 0; looked < most; {
		var rows int
		behind, rows, more, err = s.page(behind, func(item) { n++ })
		if err != nil || !more {
			return n, false, err
		}
		looked += rows
	}
	return n, true, nil
}
