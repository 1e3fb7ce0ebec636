package e2e

import (
	"bytes"
	"fmt"
	"sync"
)

// Arrival is a webhook that came for the first time.
type Arrival struct {
	Line     int32
	Sequence uint32
	At       int64 // ns since the epoch
}

// books is what a receiver writes down: whether the events of each line come as
// 1, 2, 3, … and are what was told on the wire, and when each of them came.
type books struct {
	stories bool // every call is a whole life: what an event says follows from its number

	mu       sync.Mutex
	last     []uint32 // by line
	arrivals []Arrival
	got      int
	repeats  int
	wrong    []string
	wrongs   int
}

// maxComplaints are told of a run that went wrong.
const maxComplaints = 5

var (
	subscriberField = `"subscriber_id":"` + userPrefix
	sequenceField   = []byte(`"sequence_number":"`)
	stateField      = []byte(`"state":"`)
	callField       = []byte(`"provider_call_id":"`)
)

// hook is what the books take of a body. To decode all of it would take
// longer than everything else the receiver does.
type hook struct {
	line     int
	sequence uint64
	state    []byte
	call     []byte
}

func readHook(body []byte) (w hook, ok bool) {
	w.line, ok = lineAt(body, subscriberField)
	at := bytes.Index(body, sequenceField)
	if !ok || at < 0 {
		return w, false
	}
	w.sequence, ok = number(body[at+len(sequenceField):], 0)
	w.state = textBehind(body, stateField)
	w.call = textBehind(body, callField)
	return w, ok
}

func textBehind(body, field []byte) []byte {
	at := bytes.Index(body, field)
	if at < 0 {
		return nil
	}
	text := body[at+len(field):]
	return text[:max(bytes.IndexByte(text, '"'), 0)]
}

// take books one webhook.
func (b *books) take(w hook, at int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.line >= len(b.last) || w.sequence == 0 || w.sequence > 1<<31 {
		b.complain("event %d of line %d, which there is not", w.sequence, w.line)
		return
	}
	sequence := uint32(w.sequence)
	last := b.last[w.line]
	if sequence <= last {
		b.repeats++
		return
	}
	if sequence != last+1 {
		b.complain("line %d: %d came after %d", w.line, sequence, last)
		return
	}
	if b.stories {
		step := int(sequence - 1)
		var want [40]byte
		if string(w.state) != life[step%len(life)].becomes || string(w.call) != string(appendCall(want[:0], w.line, step/len(life))) {
			b.complain("line %d: number %d is %s of call %s", w.line, sequence, w.state, w.call)
			return
		}
	}
	b.last[w.line] = sequence
	b.arrivals = append(b.arrivals, Arrival{int32(w.line), sequence, at}) // #nosec G115 -- a line
	b.got++
}

func (b *books) complain(format string, args ...any) {
	if b.wrongs++; len(b.wrong) < maxComplaints {
		b.wrong = append(b.wrong, fmt.Sprintf(format, args...))
	}
}

func (b *books) refuse(why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complain("%s", why)
}
