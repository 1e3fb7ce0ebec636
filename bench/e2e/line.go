package e2e

import "sync"

// line is one user's: its events in order, and which of them were acknowledged.
type line struct {
	id int

	mu         sync.Mutex
	subscribed bool
	sequence   uint64   // of its subscription
	steps      int      // events of its calls so far
	told       []uint64 // acknowledgements that came: a bit for each sequence number
	open       int      // events that are not acknowledged
}

// next appends the next event of a line's calls.
func (l *line) next(b []byte, contact bool, now int64) []byte {
	l.sequence++
	b = appendEvent(b, contact, l.id, l.sequence, l.steps, l.steps%len(life), now)
	l.steps++
	l.open++
	return b
}

// snapshot appends what is live.
func (l *line) snapshot(b []byte, contact bool, now int64) []byte {
	l.sequence++
	l.open++
	return appendEvent(b, contact, l.id, l.sequence, l.steps, -1, now)
}

// acknowledged books an acknowledgement. first is false for one more of the
// same event, known for one of an event that there is.
func (l *line) acknowledged(sequence uint64) (first, known bool) {
	if sequence == 0 || sequence > l.sequence {
		return false, false
	}
	word, bit := int(sequence/64), uint64(1)<<(sequence%64)
	for len(l.told) <= word {
		l.told = append(l.told, 0)
	}
	if l.told[word]&bit != 0 {
		return false, true
	}
	l.told[word] |= bit
	l.open--
	return true, true
}
