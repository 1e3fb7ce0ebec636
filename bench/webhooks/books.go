package webhooks

import (
	"fmt"
	"sync"
)

// arrival is one event that the receiver saw for the first time.
type arrival struct {
	Stream   int32
	Sequence uint32
	At       int64 // ns since the epoch
}

// books is what a receiver writes down of some streams: whether their numbers
// come as 1, 2, 3, … and when each of them came.
type books struct {
	ordered bool // else numbers may come in any order, each once

	mu       sync.Mutex
	last     []uint32   // by stream: the highest number, all before it came too
	seen     [][]uint64 // unordered: by stream, a bit for each number; nil if ordered
	arrivals []arrival
	got      int // distinct events
	repeats  int
	wrong    []string // the first few complaints
	wrongs   int
	goal     int
	reached  chan struct{} // closed when got is goal, or something is wrong; nil when nobody waits
}

const (
	maxComplaints = 5       // told of a run that went wrong
	maxSequence   = 1 << 24 // no stream of ours is longer
)

func newBooks(streams int, ordered bool) *books {
	b := &books{ordered: ordered, last: make([]uint32, streams)}
	if !ordered {
		b.seen = make([][]uint64, streams)
	}
	return b
}

// take books one event.
func (b *books) take(stream int, sequence uint32, at int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if stream < 0 || stream >= len(b.last) || sequence == 0 || sequence > maxSequence {
		b.complain(fmt.Sprintf("there is no event %d of stream %d", sequence, stream))
		return
	}
	if b.repeated(stream, sequence) {
		b.repeats++
		return
	}
	if b.ordered && sequence != b.last[stream]+1 {
		b.complain(fmt.Sprintf("stream %d: %d came after %d", stream, sequence, b.last[stream]))
		return
	}
	b.last[stream] = max(b.last[stream], sequence)
	b.arrivals = append(b.arrivals, arrival{int32(stream), sequence, at})
	if b.got++; b.got == b.goal {
		b.wake()
	}
}

func (b *books) repeated(stream int, sequence uint32) bool {
	if b.ordered {
		return sequence <= b.last[stream]
	}
	word, bit := int(sequence/64), uint64(1)<<(sequence%64)
	for len(b.seen[stream]) <= word {
		b.seen[stream] = append(b.seen[stream], 0)
	}
	before := b.seen[stream][word]
	b.seen[stream][word] |= bit
	return before&bit != 0
}

// refuse books a request that no sender of ours should have made.
func (b *books) refuse(why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complain(why)
}

func (b *books) complain(what string) {
	if b.wrongs++; len(b.wrong) < maxComplaints {
		b.wrong = append(b.wrong, what)
	}
	b.wake() // there is nothing to wait for any more
}

func (b *books) wake() {
	if b.reached != nil {
		close(b.reached)
		b.reached = nil
	}
}

// until returns a channel that is closed once there are that many events, or
// something is wrong. There is one who waits.
func (b *books) until(goal int) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	reached := make(chan struct{})
	b.goal, b.reached = goal, reached
	if b.got >= goal || b.wrongs > 0 {
		b.wake()
	}
	return reached
}

// have reports whether there are that many events.
func (b *books) have(goal int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.got >= goal
}

// Page is what the books say, and what came since the page before.
type Page struct {
	Arrivals []arrival // in the order they came
	Last     []uint32  // by stream
	Got      int
	Repeats  int
	Wrong    []string
	Wrongs   int
}

func (b *books) turn() Page {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := Page{
		Arrivals: b.arrivals, Last: append([]uint32(nil), b.last...),
		Got: b.got, Repeats: b.repeats, Wrong: append([]string(nil), b.wrong...), Wrongs: b.wrongs,
	}
	b.arrivals = nil
	return p
}
