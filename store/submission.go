package store

import (
	"fmt"
	"sync"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/engine/clock"
)

// submission is what one Submit or Mark asked for, encoded. Only the event
// indexes are missing: the committer knows them and writes them in.
type submission struct {
	buf    []byte // keys and values of ops, one behind the other
	ops    []op
	events int  // how many indexes it needs
	queued int  // how many of its events wait for delivery
	keep   bool // copies of these
	fresh  []*freshEvent
	done   actor.Completion
	err    error // why it cannot be stored

	// Who the ops being encoded are about; most are about one subscriber.
	id, folded string
	slot       uint16

	progress engine.Progress // of one of them, while it is encoded
	noted    []engine.Trace  // the same of the traces of a step

	clock *clock.Clock
	at    int64 // what it shows, once it was asked
}

type opKind uint8

const (
	opSet        opKind = iota
	opDelete            // no value
	opSubscriber        // a set of which only the last of a group is written
	opMerge             // what goes behind what the row has
	opProgress          // a merge; written unless an opSubscriber of the group comes after it
	opEvent             // a set; takes the next index and ends its key with it
	opIndexed           // a set whose value ends with the index of the opEvent before it
)

type op struct {
	kind       opKind
	unsettled  bool // opSubscriber, opProgress: a restart must look at the subscriber
	earlier    bool // opSubscriber, opProgress: a later one of the group says what is unsettled
	superseded bool // the same: a later one of the group is written in its place
	slot       uint16
	klen, vlen uint32
	folded     string // opSubscriber, opProgress: whose it is
}

var submissions = sync.Pool{New: func() any { return new(submission) }}

// maxKept is the largest buffer that goes back to the pool.
const maxKept = 64 << 10

func newSubmission(clock *clock.Clock, done actor.Completion) *submission {
	s := submissions.Get().(*submission)
	s.clock, s.done = clock, done
	return s
}

func (s *submission) free() {
	if cap(s.buf) > maxKept {
		return
	}
	s.reset()
	submissions.Put(s)
}

// reset empties s and keeps its memory.
func (s *submission) reset() {
	clear(s.ops)
	clear(s.fresh)
	s.progress.Forget()
	clear(s.noted[:cap(s.noted)])
	*s = submission{buf: s.buf[:0], ops: s.ops[:0], fresh: s.fresh[:0], progress: s.progress, noted: s.noted[:0], clock: s.clock}
}

// now is when what is encoded happened, for what does not say so itself: it is
// submitted as soon as it did.
func (s *submission) now() int64 {
	if s.at == 0 {
		s.at = s.clock.Now()
	}
	return s.at
}

func (s *submission) size() int { return len(s.buf) }

// about sets whose rows come next.
func (s *submission) about(id string) {
	if id == s.id && s.folded != "" {
		return
	}
	s.id, s.folded = id, engine.Fold(id)
	s.slot = engine.SlotOf(s.folded)
}

// add ends an op: its key began at from, its value at mid.
func (s *submission) add(kind opKind, from, mid int) *op {
	s.ops = append(s.ops, op{kind: kind, klen: uint32(mid - from), vlen: uint32(len(s.buf) - mid)}) // #nosec G115 -- a record is bounded
	return &s.ops[len(s.ops)-1]
}

func (s *submission) encode(put []engine.Record, emit []engine.Notification) {
	told := emit // what no trace has spoken of yet
	for i := range put {
		r := &put[i]
		if r.Subscriber == nil {
			s.err = fmt.Errorf("record %d of kind %d has no subscriber", i, r.Kind)
			return
		}
		s.about(r.Subscriber.ID)
		switch r.Kind {
		case engine.RecordSubscriber:
			if !whole(put[i+1:], r.Subscriber) {
				s.subscriber(r.Subscriber)
			}
		case engine.RecordProgress:
			// The last one has what all of them say.
			if !goesOn(put[i+1:], r.Subscriber) && !whole(put, r.Subscriber) {
				s.goOn(put, r.Subscriber)
			}
		case engine.RecordNoSubscriber:
			s.noSubscriber(r.Subscriber)
		case engine.RecordCall:
			s.call(r.Subscriber, r.Call)
		case engine.RecordConference:
			s.conference(r.Conference)
		case engine.RecordIntent:
			s.intent(r.Intent)
		case engine.RecordNoIntent:
			s.noIntent(r.Intent)
		case engine.RecordResynced:
			s.delete(prefixMark)
		case engine.RecordLink, engine.RecordUnlink:
			s.link(r.App, r.Kind == engine.RecordLink)
			s.reach(r.App, networkOf(r), r.Kind == engine.RecordLink)
		case engine.RecordProfile:
			s.profile(r.Was, &r.Subscriber.Profile)
			if r.Was != nil && r.Was.Network != r.Subscriber.Network {
				s.moved(r.Was.Network, r.Subscriber)
			}
		case engine.RecordTrace:
		case engine.RecordReplaced:
			s.replaced(r.Replaced, r.By)
		default:
			s.err = fmt.Errorf("record of unknown kind %d", r.Kind)
			return
		}
		s.noted, told = engine.Unfold(s.noted[:0], r.Traces, told)
		s.traces(s.noted)
	}
	for i := range emit {
		s.notification(&emit[i])
	}
}

// whole reports whether the subscriber's record is stored whole by one of these:
// each of them would store the same, since all hold a pointer to the
// subscriber, and it has what a progress would say.
func whole(put []engine.Record, sub *engine.Subscriber) bool {
	for i := range put {
		if put[i].Subscriber == sub && (put[i].Kind == engine.RecordSubscriber || put[i].Kind == engine.RecordNoSubscriber) {
			return true
		}
	}
	return false
}

// goesOn reports whether there is a progress of the subscriber among these.
func goesOn(put []engine.Record, sub *engine.Subscriber) bool {
	for i := range put {
		if put[i].Subscriber == sub && put[i].Kind == engine.RecordProgress {
			return true
		}
	}
	return false
}

func (s *submission) subscriber(sub *engine.Subscriber) {
	from := len(s.buf)
	s.buf = ofSubscriber(s.buf, prefixSub, s.slot, s.folded)
	mid := len(s.buf)
	s.buf = appendSubscriber(s.buf, sub)
	s.owned(s.add(opSubscriber, from, mid), sub)
}

// goOn says how a subscriber went on, behind the record.
func (s *submission) goOn(put []engine.Record, sub *engine.Subscriber) {
	s.progress.Collect(put, sub)
	from := len(s.buf)
	s.buf = ofSubscriber(s.buf, prefixSub, s.slot, s.folded)
	mid := len(s.buf)
	s.buf = appendProgress(s.buf, &s.progress)
	s.owned(s.add(opProgress, from, mid), sub)
}

func (s *submission) owned(o *op, sub *engine.Subscriber) {
	o.folded, o.slot, o.unsettled = s.folded, s.slot, unsettled(sub)
}

func (s *submission) noSubscriber(sub *engine.Subscriber) {
	s.subscriber(sub)
	s.user(sub.Network, sub.ProviderUser, "")
	s.delete(prefixMark)
	from := len(s.buf)
	s.buf = plainKey(s.buf, prefixID, s.folded)
	s.add(opDelete, from, len(s.buf))
}

func (s *submission) profile(was, is *engine.Profile) {
	if was != nil && was.ProviderUser != "" && (was.Network != is.Network || engine.Fold(was.ProviderUser) != engine.Fold(is.ProviderUser)) {
		s.user(was.Network, was.ProviderUser, "")
	}
	s.user(is.Network, is.ProviderUser, is.ID)
	from := len(s.buf)
	s.buf = plainKey(s.buf, prefixID, s.folded)
	mid := len(s.buf)
	s.buf = append(s.buf, version1)
	s.add(opSet, from, mid)
}

// user says which subscriber a provider's user is; "" for none any more.
func (s *submission) user(network, user, subscriber string) {
	if user == "" {
		return
	}
	from := len(s.buf)
	s.buf = pairKey(s.buf, prefixUser, network, engine.Fold(user))
	mid := len(s.buf)
	if subscriber == "" {
		s.add(opDelete, from, mid)
		return
	}
	s.buf = appendName(s.buf, subscriber)
	s.add(opSet, from, mid)
}

func (s *submission) link(app string, linked bool) {
	from := len(s.buf)
	s.buf = pairKey(s.buf, prefixLink, app, s.folded)
	mid := len(s.buf)
	if !linked {
		s.add(opDelete, from, mid)
		return
	}
	s.buf = append(s.buf, version1)
	s.add(opSet, from, mid)
}

func (s *submission) call(sub *engine.Subscriber, c *engine.Call) {
	from := len(s.buf)
	s.buf = callKey(s.buf, c.ID)
	mid := len(s.buf)
	s.buf = appendCallRow(s.buf, s.id, c)
	s.add(opSet, from, mid)
	if !c.State.Terminal() {
		return
	}
	from = len(s.buf)
	s.buf = oldCallKey(s.buf, c.ReleasedAt, c.ID)
	mid = len(s.buf)
	s.buf = append(s.buf, version1)
	s.add(opSet, from, mid)
	if !sub.Deleted {
		s.past(sub.Streams, c)
	}
}

// intent is remembered by its key; one without a key is in the subscriber's
// record alone. When it was last touched is noted for retention.
func (s *submission) intent(in *engine.Intent) {
	if in.Key == "" {
		return
	}
	from := len(s.buf)
	s.buf = intentKey(s.buf, prefixIdem, s.slot, in.App, s.folded, in.Key)
	mid := len(s.buf)
	s.buf = appendIntent(s.buf, in)
	s.add(opSet, from, mid)

	at := in.SettledAt
	if in.Open() {
		at = in.OpenedAt
	}
	from = len(s.buf)
	s.buf = oldIntentKey(s.buf, at, s.slot, in.App, s.folded, in.Key)
	mid = len(s.buf)
	s.buf = append(s.buf, version1)
	s.add(opSet, from, mid)
}

func (s *submission) noIntent(in *engine.Intent) {
	if in.Key == "" {
		return
	}
	from := len(s.buf)
	s.buf = intentKey(s.buf, prefixIdem, s.slot, in.App, s.folded, in.Key)
	s.add(opDelete, from, len(s.buf))
}

func (s *submission) mark(id string) {
	s.about(id)
	from := len(s.buf)
	s.buf = ofSubscriber(s.buf, prefixMark, s.slot, s.folded)
	mid := len(s.buf)
	s.buf = append(s.buf, version1)
	s.add(opSet, from, mid)
}

// delete removes a row there is one of per subscriber.
func (s *submission) delete(prefix string) {
	from := len(s.buf)
	s.buf = ofSubscriber(s.buf, prefix, s.slot, s.folded)
	s.add(opDelete, from, len(s.buf))
}

func (s *submission) notification(n *engine.Notification) {
	s.about(n.Subscriber)
	from := len(s.buf)
	s.buf = eventKey(s.buf, n.App, 0)
	mid := len(s.buf)
	s.buf = appendEvent(s.buf, n)
	s.add(opEvent, from, mid)
	s.events++
	if n.Queue && s.keep {
		s.keepFresh(n, s.buf[mid:])
	}

	s.indexed(prefixAt, n)
	if n.Queue {
		s.indexed(prefixWait, n)
		s.queued++
	}
}

// keepFresh keeps a copy of an event that will wait, made of its row: nobody can
// tell whether it was read.
func (s *submission) keepFresh(n *engine.Notification, row []byte) {
	e := freshEvents.Get().(*freshEvent)
	e.App, e.Subscriber = n.App, n.Subscriber
	if decodeEvent(row, &e.Notification) != nil {
		return // whoever reads it will say so
	}
	e.folded, e.Index = s.folded, uint64(s.events) // #nosec G115 -- a count
	s.fresh = append(s.fresh, e)
}

func (s *submission) indexed(prefix string, n *engine.Notification) {
	from := len(s.buf)
	s.buf = ofStream(s.buf, prefix, s.slot, n.App, s.folded, n.Kind)
	s.buf = appendSequence(s.buf, n.Sequence)
	mid := len(s.buf)
	s.buf = appendNumber(s.buf, 0)
	s.add(opIndexed, from, mid)
}
