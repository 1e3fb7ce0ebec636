package crash

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"offhook/engine"
	"offhook/engine/actor"
)

// rows is what the disk must hold: for each row of the store what each
// submission made of it. A disk that survived is right if it is what some
// prefix of the submissions made, and that prefix has at least those that were
// said to be durable.
type rows struct {
	base    map[string]string // what the life began with
	history map[string][]version
	n       int    // submissions so far
	acked   int    // of them durable, as far as the owners were told
	index   uint64 // of the last event submitted
	events  map[place]event
	intents map[string]int // number dialled → submission that opened the intent
	users   map[string]string
}

// version is a row as one submission left it; "" is no row.
type version struct {
	by    int
	value string
}

// place is where an event is in its stream.
type place struct {
	stream   engine.StreamID
	sequence uint64
}

// event is one that was submitted.
type event struct {
	by    int
	index uint64
	queue bool
	call  engine.CallID
	state engine.State
	time  int64
	value string // the whole row
}

func newRows(base map[string]string, index uint64) *rows {
	return &rows{
		base: base, history: map[string][]version{}, index: index,
		events: map[place]event{}, intents: map[string]int{}, users: map[string]string{},
	}
}

func (r *rows) set(key, value string) {
	h := r.history[key]
	if len(h) > 0 && h[len(h)-1].by == r.n {
		h[len(h)-1].value = value
		return
	}
	r.history[key] = append(h, version{r.n, value})
}

// submit notes one submission, before the journal has it.
func (r *rows) submit(put []engine.Record, emit []engine.Notification) {
	r.n++
	for i := range put {
		r.put(&put[i])
	}
	for i := range emit {
		r.emit(&emit[i])
	}
}

const present = "+"

func (r *rows) put(rec *engine.Record) {
	sub := rec.Subscriber
	id := engine.Fold(sub.ID)
	switch rec.Kind {
	case engine.RecordSubscriber, engine.RecordNoSubscriber, engine.RecordProgress:
		r.set("sub/"+id, text(sub))
		r.set("live/"+id, has(unsettled(sub)))
		if rec.Kind == engine.RecordNoSubscriber {
			r.set(userRow(sub.Network, sub.ProviderUser), "")
			r.set("mark/"+id, "")
			r.set("id/"+id, "")
		}
	case engine.RecordCall:
		r.set("call/"+rec.Call.ID.String(), callRow(sub.ID, rec.Call))
	case engine.RecordReplaced:
		r.set("next/"+rec.Replaced.String(), rec.By.String())
	case engine.RecordIntent:
		r.intents[rec.Intent.Dialed] = r.n
		if rec.Intent.Key != "" {
			r.set(intentRow(rec.Intent.App, id, rec.Intent.Key), text(rec.Intent))
		}
	case engine.RecordNoIntent:
		r.set(intentRow(rec.Intent.App, id, rec.Intent.Key), "")
	case engine.RecordResynced:
		r.set("mark/"+id, "")
	case engine.RecordLink, engine.RecordUnlink:
		r.set("link/"+rec.App+"/"+id, has(rec.Kind == engine.RecordLink))
	case engine.RecordProfile:
		if was := rec.Was; was != nil && was.ProviderUser != "" {
			r.set(userRow(was.Network, was.ProviderUser), "")
		}
		r.set(userRow(sub.Network, sub.ProviderUser), sub.ID)
		r.set("id/"+id, present)
	}
}

func (r *rows) emit(n *engine.Notification) {
	r.index++
	p := place{n.Stream(), n.Sequence}
	ev := event{by: r.n, index: r.index, queue: n.Queue, call: n.Call, state: n.State, time: n.Time, value: eventRow(r.index, n)}
	r.events[p] = ev
	r.set(p.row("ev/"), ev.value)
	if n.Queue {
		r.set(p.row("wait/"), present)
	}
}

func (r *rows) mark(id string) {
	r.n++
	r.set("mark/"+engine.Fold(id), present)
}

func has(is bool) string {
	if is {
		return present
	}
	return ""
}

// text is a record as text that two records share if and only if they are
// stored alike.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	// A list that became empty is stored as one that never was.
	return strings.ReplaceAll(string(b), ":[]", ":null")
}

func (p place) row(prefix string) string {
	return fmt.Sprintf("%s%s/%s/%d/%d", prefix, p.stream.App, p.stream.Subscriber, p.stream.Kind, p.sequence)
}

func userRow(network, user string) string { return "user/" + network + "/" + engine.Fold(user) }

func intentRow(app, folded, key string) string { return "idem/" + app + "/" + folded + "/" + key }

func callRow(owner string, c *engine.Call) string {
	if c == nil || !c.State.Terminal() {
		return owner
	}
	return owner + " " + text(c)
}

// wentOn takes what a call went on as out of it: that is a row of its own.
func wentOn(c *engine.Call) engine.CallID {
	if c == nil || c.More == nil || c.More.ReplacedBy == 0 {
		return 0
	}
	more := *c.More
	by := more.ReplacedBy
	more.ReplacedBy = 0
	c.More = &more
	if reflect.ValueOf(more).IsZero() {
		c.More = nil
	}
	return by
}

func eventRow(index uint64, n *engine.Notification) string {
	return fmt.Sprint(index, " ", n.App, " ", n.Subscriber, " ", n.Kind, " ", n.Sequence, " ", n.EventID, " ", n.Call, " ", n.State, " ", n.Time, " ", n.Queue, " ", n.GapFrom, " ", string(n.Body))
}

// unsettled says of a subscriber whether a restart must look at it.
func unsettled(s *engine.Subscriber) bool {
	for i := range s.Intents {
		if s.Intents[i].Open() {
			return true
		}
	}
	for i := range s.Streams {
		if len(s.Streams[i].Deferred) > 0 {
			return true
		}
	}
	return len(s.Calls) > 0
}

// recorder is the journal with a clerk at its door.
type recorder struct {
	w *world
	j actor.Journal
}

func (c recorder) Submit(group uint32, fence uint64, put []engine.Record, emit []engine.Notification, done actor.Completion) {
	c.w.order.Lock()
	defer c.w.order.Unlock()
	written := slices.Clone(emit)
	for i := range written {
		written[i].Write()
	}
	c.w.mu.Lock()
	c.w.rows.submit(put, written)
	c.w.remember(put, emit)
	n := c.w.rows.n
	c.w.mu.Unlock()
	c.j.Submit(group, fence, put, emit, stamp{c.w, n, done})
}

func (c recorder) Mark(group uint32, fence uint64, subscriber string, done actor.Completion) {
	c.w.order.Lock()
	defer c.w.order.Unlock()
	c.w.mu.Lock()
	c.w.rows.mark(subscriber)
	n := c.w.rows.n
	c.w.mu.Unlock()
	c.j.Mark(group, fence, subscriber, stamp{c.w, n, done})
}

// stamp notes that a submission is durable; from then on the disk must have it.
type stamp struct {
	w    *world
	n    int
	done actor.Completion
}

func (s stamp) Done(index uint64, err error) {
	s.w.mu.Lock()
	switch {
	case s.w.dead:
		index, err = 0, errPower // nobody lives to hear of it
	case err == nil:
		s.w.rows.acked = s.n
	}
	s.w.mu.Unlock()
	s.done.Done(index, err)
}
