package webhook

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"offhook/engine"
	"offhook/engine/tenant"
)

// memOutbox is an outbox in memory. As in the store, what was delivered is
// deleted lazily: Next shows it for a while, and a crash can forget it.
type memOutbox struct {
	mu       sync.Mutex
	streams  map[engine.StreamID][]engine.StoredEvent // what waits, in order
	numbers  map[engine.StreamID]uint64
	lazy     []engine.StoredEvent // delivered, not yet on disk: a crash forgets them
	gone     []lazyRow            // of these, rows that reads still show
	attempts []engine.Attempt
	log      map[engine.StreamID]map[uint64]engine.StoredEvent
	expired  func(engine.StreamID, engine.Notification) // told of gaps; the lock is held
	index    uint64
	failing  bool // reads fail
	reads    int
	lag      func() time.Duration // how long a read takes; nil means no time
}

// lazyRow is a row that is to be deleted soon.
type lazyRow struct {
	stream   engine.StreamID
	sequence uint64
	at       time.Time
}

// lazyPause is how long Next may still show what was delivered.
const lazyPause = 100 * time.Millisecond

// flush deletes the rows that were delivered at least some time ago.
func (o *memOutbox) flush(ago time.Duration) {
	for len(o.gone) > 0 && time.Since(o.gone[0].at) >= ago {
		g := o.gone[0]
		o.gone = o.gone[1:]
		o.streams[g.stream] = slices.DeleteFunc(o.streams[g.stream], func(ev engine.StoredEvent) bool { return ev.Notification.Sequence == g.sequence })
		if len(o.streams[g.stream]) == 0 {
			delete(o.streams, g.stream)
		}
	}
}

// slow lets time pass between reading and knowing.
func (o *memOutbox) slow() {
	if o.lag != nil {
		time.Sleep(o.lag())
	}
}

func newOutbox() *memOutbox {
	return &memOutbox{streams: map[engine.StreamID][]engine.StoredEvent{}, numbers: map[engine.StreamID]uint64{}, log: map[engine.StreamID]map[uint64]engine.StoredEvent{}}
}

var errDisk = errors.New("the disk is on fire")

func compareStreams(a, b engine.StreamID) int {
	if c := strings.Compare(a.App, b.App); c != 0 {
		return c
	}
	if c := strings.Compare(a.Subscriber, b.Subscriber); c != 0 {
		return c
	}
	return int(a.Kind) - int(b.Kind)
}

func (o *memOutbox) Waiting(after engine.StreamID, limit int, fn func(engine.Waiting) error) error {
	o.mu.Lock()
	if o.failing {
		o.mu.Unlock()
		return errDisk
	}
	o.flush(0)
	var found []engine.Waiting
	for id, events := range o.streams {
		if len(events) > 0 && compareStreams(id, after) > 0 {
			found = append(found, engine.Waiting{Stream: id, Sequence: events[0].Notification.Sequence, Index: events[0].Index})
		}
	}
	o.mu.Unlock()
	o.slow()
	slices.SortFunc(found, func(a, b engine.Waiting) int { return compareStreams(a.Stream, b.Stream) })
	for _, w := range found[:min(limit, len(found))] {
		if err := fn(w); err != nil {
			return err
		}
	}
	return nil
}

func (o *memOutbox) Next(id engine.StreamID, after uint64) (engine.StoredEvent, bool, error) {
	defer o.slow()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reads++
	o.flush(lazyPause)
	if o.failing {
		return engine.StoredEvent{}, false, errDisk
	}
	for _, ev := range o.streams[id] {
		if ev.Notification.Sequence > after {
			return ev, true, nil
		}
	}
	return engine.StoredEvent{}, false, nil
}

// WaitingOf implements Outbox.
func (o *memOutbox) WaitingOf(app string, kind engine.StreamKind, behind string, limit int, fn func(engine.Waiting) error) error {
	n := 0
	return o.Waiting(engine.StreamID{}, 1<<30, func(w engine.Waiting) error {
		if w.Stream.App != app || w.Stream.Kind != kind || w.Stream.Subscriber <= behind || n == limit {
			return nil
		}
		n++
		return fn(w)
	})
}

// Event implements Outbox. What was delivered is kept.
func (o *memOutbox) Event(id engine.StreamID, sequence uint64) (engine.StoredEvent, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failing {
		return engine.StoredEvent{}, false, errDisk
	}
	ev, ok := o.log[id][sequence]
	return ev, ok, nil
}

// Durable implements Outbox.
func (o *memOutbox) Durable() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.index
}

// Expire implements Outbox, as the store does it.
func (o *memOutbox) Expire(id engine.StreamID, since uint64, old func(at int64) bool, now int64, eventID string) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failing {
		return false, errDisk
	}
	o.flush(0)
	var gap engine.Gap
	events := o.streams[id]
	first, n, seen := 0, 0, 0
	for i := range events {
		ev := &events[i]
		if ev.Index <= since {
			first = i + 1
			continue
		}
		seen++
		if !old(ev.Time) {
			if ev.GapFrom == 0 {
				break
			}
			if seen == 1 {
				first = i + 1
				continue
			}
		}
		if !gap.Add(&ev.Notification, nil) {
			break
		}
		n++
	}
	if n == 0 || n == 1 && events[first].GapFrom != 0 {
		return false, nil
	}
	made := engine.StoredEvent{Index: events[first+n-1].Index, Notification: gap.Notification(eventID, now)}
	o.streams[id] = slices.Concat(events[:first], []engine.StoredEvent{made}, events[first+n:])
	o.log[id][made.Sequence] = made
	if o.expired != nil {
		o.expired(id, made.Notification)
	}
	return true, nil
}

// DropWaiting implements Outbox.
func (o *memOutbox) DropWaiting(app string, kind engine.StreamKind, through uint64) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flush(0)
	for id, events := range o.streams {
		if id.App != app || id.Kind != kind {
			continue
		}
		if events = slices.DeleteFunc(events, func(ev engine.StoredEvent) bool { return ev.Index <= through }); len(events) == 0 {
			delete(o.streams, id)
		} else {
			o.streams[id] = events
		}
	}
	return nil
}

func (o *memOutbox) Delivered(id engine.StreamID, sequence uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	events := o.streams[id]
	for i := range events {
		if events[i].Notification.Sequence == sequence {
			o.lazy = append(o.lazy, events[i])
			o.gone = append(o.gone, lazyRow{id, sequence, time.Now()})
			return
		}
	}
}

func (o *memOutbox) Attempt(a engine.Attempt) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.attempts = append(o.attempts, a)
}

// add stores the next event of a stream and returns its number.
func (o *memOutbox) add(app, subscriber string, kind engine.StreamKind, at time.Time) uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	id := engine.StreamOf(app, subscriber, kind)
	o.numbers[id]++
	o.index++
	n := o.numbers[id]
	ev := engine.StoredEvent{Index: o.index, Notification: engine.Notification{
		App: app, Subscriber: subscriber, Kind: kind, Sequence: n, EventID: fmt.Sprintf("evt_%s_%s_%d_%d", app, subscriber, kind, n),
		Call: engine.CallID(n), State: engine.StateRinging, Time: at.UnixMilli(),
		Body: fmt.Appendf(nil, `{"app_id":%q,"subscriber_id":%q,"sequence_number":"%d"}`, app, subscriber, n),
	}}
	o.streams[id] = append(o.streams[id], ev)
	if o.log[id] == nil {
		o.log[id] = map[uint64]engine.StoredEvent{}
	}
	o.log[id][n] = ev
	return n
}

// crash forgets the last deliveries that were not yet on disk.
func (o *memOutbox) crash(n int) (lost []engine.Notification) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flush(0)
	for _, ev := range o.lazy[max(0, len(o.lazy)-n):] {
		lost = append(lost, ev.Notification)
		id := ev.Notification.Stream()
		o.streams[id] = append(o.streams[id], ev)
		slices.SortFunc(o.streams[id], func(a, b engine.StoredEvent) int {
			return int(a.Notification.Sequence) - int(b.Notification.Sequence)
		})
	}
	o.lazy = nil
	return lost
}

func (o *memOutbox) left() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flush(0)
	n := 0
	for _, events := range o.streams {
		n += len(events)
	}
	return n
}

// memTenants is a few apps in memory.
type memTenants struct {
	mu      sync.Mutex
	apps    map[string]*tenant.App
	changed []func()
	index   func() uint64 // of the log; a new webhook begins there
	looked  func()        // called when somebody has looked at all of them; nil for nothing
}

const testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// newTenants makes apps a0, a1, … with both webhooks in memory.
func newTenants(n int) *memTenants {
	t := &memTenants{apps: map[string]*tenant.App{}}
	for i := range n {
		id := fmt.Sprintf("a%d", i)
		t.apps[id] = &tenant.App{
			ID:         id,
			Calls:      tenant.Receiver{URL: "mem://" + id + "/calls", Secrets: []string{testSecret}},
			Subscriber: tenant.Receiver{URL: "mem://" + id + "/subscribers", Secrets: []string{testSecret}},
		}
	}
	return t
}

func (t *memTenants) App(id string) (*tenant.App, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a, ok := t.apps[id]
	return a, ok
}

func (t *memTenants) Apps() []*tenant.App {
	t.mu.Lock()
	var out []*tenant.App
	for _, a := range t.apps {
		out = append(out, a)
	}
	t.mu.Unlock()
	if t.looked != nil {
		t.looked()
	}
	return out
}

func (t *memTenants) OnChange(fn func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changed = append(t.changed, fn)
}

func (t *memTenants) set(id string, calls tenant.Receiver) {
	t.change(id, func(a *tenant.App) (*tenant.App, error) {
		if calls.Since = a.Calls.Since; !a.Calls.Set() && t.index != nil {
			calls.Since = t.index()
		}
		return a.With(engine.StreamCalls, calls), nil
	})
}

// ChangeApp implements Tenants.
func (t *memTenants) ChangeApp(id string, fn func(*tenant.App) (*tenant.App, error)) (bool, error) {
	if _, ok := t.App(id); !ok {
		return false, nil
	}
	return true, t.change(id, fn)
}

func (t *memTenants) change(id string, fn func(*tenant.App) (*tenant.App, error)) error {
	t.mu.Lock()
	was := t.apps[id]
	if was == nil {
		was = &tenant.App{ID: id}
	}
	is, err := fn(was)
	if err == nil {
		t.apps[id] = is
	}
	changed := slices.Clone(t.changed)
	t.mu.Unlock()
	if err != nil || is == was {
		return err
	}
	for _, fn := range changed {
		fn()
	}
	return nil
}

// memPoster is receivers in memory that keep what they got and check the
// contract at each request.
type memPoster struct {
	t      *testing.T
	answer func(url string, n *engine.Notification, try int) Outcome // what a receiver does; nil takes everything
	lag    func() time.Duration                                      // how long it takes

	mu      sync.Mutex
	flying  map[engine.StreamID]bool
	busy    map[string]int // by URL
	busiest map[string]int
	got     map[engine.StreamID][]receipt
	bodies  map[string]string // by event id
	tries   map[string]int
	posts   int
	aborted chan struct{}
}

type receipt struct {
	sequence uint64
	ok       bool
	at       time.Time

	gapFrom    uint64 // it told of a gap that begins there
	redelivery bool
	parcel     int // the request
	with       int // events in it
	array      bool

	rewind  uint64 // a crash forgot the acknowledgements from here on
	dropped uint64 // the rows up to here were dropped
}

// mark puts something that happened to a stream into its record.
func (p *memPoster) mark(id engine.StreamID, r receipt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got[id] = append(p.got[id], r)
}

func newPoster(t *testing.T) *memPoster {
	return &memPoster{
		t: t, flying: map[engine.StreamID]bool{}, busy: map[string]int{}, busiest: map[string]int{},
		got: map[engine.StreamID][]receipt{}, bodies: map[string]string{}, tries: map[string]int{}, aborted: make(chan struct{}),
	}
}

func (p *memPoster) Aim(app string, r tenant.Receiver) (Target, error) {
	if strings.HasPrefix(r.URL, "bad:") {
		return nil, blocked("a bad URL")
	}
	return &memTarget{p, r.URL}, nil
}

type memTarget struct {
	p   *memPoster
	url string
}

func (t *memTarget) Close() {}
func (t *memTarget) Abort() {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	select {
	case <-t.p.aborted:
	default:
		close(t.p.aborted)
	}
}

func (t *memTarget) Post(parcel *Parcel) Outcome {
	p := t.p
	p.mu.Lock()
	out := p.begin(t.url, parcel)
	number := p.posts
	p.mu.Unlock()
	took := out.Took
	if p.lag != nil {
		took += p.lag()
	}
	if took > 0 {
		timer := time.NewTimer(took)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-p.aborted:
			out = Outcome{Class: Canceled}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range parcel.Events {
		id := n.Stream()
		p.got[id] = append(p.got[id], receipt{
			sequence: n.Sequence, ok: out.Class == Delivered, at: time.Now(),
			gapFrom: max(n.GapFrom, parcel.GapFrom), redelivery: parcel.Redelivery, parcel: number, with: len(parcel.Events), array: parcel.Batch,
		})
		p.flying[id] = false
	}
	p.busy[t.url]--
	return out
}

// begin checks a request and decides how it ends. The lock is held.
func (p *memPoster) begin(url string, parcel *Parcel) Outcome {
	p.posts++
	p.busy[url]++
	p.busiest[url] = max(p.busiest[url], p.busy[url])
	whole := ""
	last := map[engine.StreamID]uint64{}
	out := Outcome{Class: Delivered, Status: 200}
	for _, n := range parcel.Events {
		id := n.Stream()
		switch before, more := last[id]; {
		case !more && p.flying[id]:
			p.t.Errorf("two events of %v in flight", id)
		case more && n.Sequence <= before:
			p.t.Errorf("%v: %d behind %d in one batch", id, n.Sequence, before)
		}
		last[id], p.flying[id] = n.Sequence, true
		p.tries[n.EventID]++
		if p.answer != nil && out.Class == Delivered {
			out = p.answer(url, n, p.tries[n.EventID])
		}
		whole += string(n.Body)
	}
	if body, ok := p.bodies[parcel.ID]; ok && body != whole {
		p.t.Errorf("%s came with another body", parcel.ID)
	}
	p.bodies[parcel.ID] = whole
	if len(parcel.Events) > 1 && (!parcel.Batch || len(parcel.Events) > maxBatchEvents || len(whole) > maxBatchBytes) {
		p.t.Errorf("a batch of %d events, %d bytes", len(parcel.Events), len(whole))
	}
	return out
}

func (p *memPoster) total() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.posts
}

// most is how many requests a receiver ever had at a time.
func (p *memPoster) most(url string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.busiest[url]
}

// record is what arrived of a stream, in order.
func (p *memPoster) record(app, subscriber string, kind engine.StreamKind) []uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []uint64
	for _, r := range p.got[engine.StreamOf(app, subscriber, kind)] {
		out = append(out, r.sequence)
	}
	return out
}

func answer(status int) Outcome { return Outcome{Class: classOf(status), Status: status} }

func silence(c Class) Outcome { return Outcome{Class: c, Err: errors.New(string(c))} }
