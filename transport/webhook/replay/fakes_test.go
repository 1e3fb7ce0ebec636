package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

// house is all that a Replayer talks to, in memory.
type house struct {
	t *testing.T

	mu      sync.Mutex
	log     []engine.StoredEvent
	numbers map[engine.StreamID]uint64
	apps    map[string]*tenant.App
	tasks   map[taskKey]Task // as reads show them
	disk    map[taskKey]Task // as a power cut leaves them
	pages   int              // reads of the log

	broken error // of the log and the tasks

	// answer says what comes of an attempt; nil means 200.
	answer   func(stream engine.StreamID, sequence uint64, try int) (engine.Attempt, error)
	sent     []sending
	tries    map[string]int
	flying   map[engine.StreamID]bool
	under    int // attempts under way
	mostFly  int // the most there were
	takes    time.Duration
	disorder []string
	rough    bool // several tasks send the same events: there is no order among them
	last     map[engine.StreamID]uint64
}

type sending struct {
	event string
	at    time.Time
}

func newHouse(t *testing.T) *house {
	h := &house{
		t: t, numbers: map[engine.StreamID]uint64{}, apps: map[string]*tenant.App{}, tasks: map[taskKey]Task{}, disk: map[taskKey]Task{},
		tries: map[string]int{}, flying: map[engine.StreamID]bool{}, last: map[engine.StreamID]uint64{}, takes: 10 * time.Millisecond,
	}
	for _, id := range []string{"app", "other"} {
		h.webhook(id, true)
	}
	return h
}

func (h *house) webhook(app string, set bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := tenant.Receiver{}
	if set {
		r.URL = "https://receiver.example/" + app
	}
	h.apps[app] = &tenant.App{ID: app, Calls: r}
}

// tell adds events of streams to the log, in turns.
func (h *house) tell(app string, each int, subscribers ...string) {
	for range each {
		for _, sub := range subscribers {
			h.one(engine.Notification{App: app, Subscriber: sub, Kind: engine.StreamCalls, Queue: true, Time: time.Now().UnixMilli()})
		}
	}
}

func (h *house) one(n engine.Notification) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.numbers[n.Stream()]++
	n.Sequence = h.numbers[n.Stream()]
	h.log = append(h.log, engine.StoredEvent{Index: uint64(len(h.log) + 1), Notification: n})
}

func (h *house) Events(app string, behind uint64, limit int, fn func(engine.StoredEvent) error) (uint64, error) {
	h.mu.Lock()
	log, err := h.log, h.broken
	h.pages++
	h.mu.Unlock()
	for _, ev := range log {
		if ev.App == app && ev.Index > behind && err == nil && limit > 0 {
			limit--
			err = fn(ev)
		}
	}
	return 1, err
}

func (h *house) Event(stream engine.StreamID, sequence uint64) (engine.StoredEvent, bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.log, func(ev engine.StoredEvent) bool { return ev.Stream() == stream && ev.Sequence == sequence })
	if i < 0 || h.broken != nil {
		return engine.StoredEvent{}, false, h.broken
	}
	return h.log[i], true, nil
}

func (h *house) Durable() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return uint64(len(h.log))
}

func (h *house) App(id string) (*tenant.App, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok := h.apps[id]
	return a, ok
}

func (h *house) PutTask(t *Task, durable bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.broken != nil {
		return h.broken
	}
	key := taskKey{t.Range.App, t.ID}
	h.tasks[key] = *t
	if durable {
		h.disk = maps.Clone(h.tasks) // a sync takes along what was written before
	}
	return nil
}

func (h *house) Task(app, id string) (Task, bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, ok := h.tasks[taskKey{app, id}]
	return t, ok, h.broken
}

func (h *house) Tasks(app string, fn func(Task) error) error {
	h.mu.Lock()
	all, err := maps.Clone(h.tasks), h.broken
	h.mu.Unlock()
	for key, t := range all {
		if (app == "" || key.app == app) && err == nil {
			err = fn(t)
		}
	}
	return err
}

func (h *house) DeleteTask(app, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.tasks, taskKey{app, id})
	return h.broken
}

// Redeliver books an attempt, and complains of all that must never be.
func (h *house) Redeliver(ctx context.Context, stream engine.StreamID, sequence uint64) (engine.Attempt, error) {
	event := fmt.Sprintf("%s/%s/%d", stream.App, stream.Subscriber, sequence)
	h.mu.Lock()
	if h.flying[stream] && !h.rough {
		h.disorder = append(h.disorder, event+" left while another of its stream was on its way")
	}
	h.flying[stream] = true
	h.under++
	h.mostFly = max(h.mostFly, h.under)
	h.tries[event]++
	try, answer, takes := h.tries[event], h.answer, h.takes
	h.sent = append(h.sent, sending{event, time.Now()})
	if sequence < h.last[stream] && !h.rough {
		h.disorder = append(h.disorder, fmt.Sprintf("%s left after %d", event, h.last[stream]))
	}
	h.last[stream] = sequence
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.under--
		delete(h.flying, stream)
	}()
	time.Sleep(takes)
	if answer == nil {
		return engine.Attempt{Status: 200}, nil
	}
	return answer(stream, sequence, try)
}

// events are the attempts made so far.
func (h *house) events() (all []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sent {
		all = append(all, s.event)
	}
	return all
}

// onDisk is a task as a power cut would leave it.
func (h *house) onDisk(t Task) Task {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.disk[taskKey{t.Range.App, t.ID}]
}

func (h *house) is(answer func(stream engine.StreamID, sequence uint64, try int) (engine.Attempt, error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = answer
}

func status(code int) (engine.Attempt, error) { return engine.Attempt{Status: code}, nil }

// open runs a Replayer on the house.
func (h *house) open(change ...func(*Config)) *Replayer {
	cfg := Config{Log: h, Tasks: h, Tenants: h, Lanes: h}
	for _, f := range change {
		f(&cfg)
	}
	r := New(cfg)
	require.NoError(h.t, r.Run())
	return r
}

func (h *house) close(r *Replayer) {
	require.NoError(h.t, r.Stop(context.Background()))
	require.Empty(h.t, h.disorder)
}

func (h *house) start(r *Replayer, of Range) Task {
	h.t.Helper()
	h.anew()
	t, err := r.Start(of)
	require.NoError(h.t, err)
	require.Equal(h.t, Running, t.State)
	return t
}

// anew says that numbers may begin again: with another task, or a restart.
func (h *house) anew() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.last)
}

// ends waits until a task is over.
func (h *house) ends(r *Replayer, task Task) Task {
	h.t.Helper()
	for range 1_000_000 {
		t, ok := r.Task(task.Range.App, task.ID)
		require.True(h.t, ok)
		if t.State != Running {
			synctest.Wait()
			return t
		}
		time.Sleep(100 * time.Millisecond)
	}
	require.FailNow(h.t, "the task does not end")
	return Task{}
}

var calls = Range{App: "app", Kind: engine.StreamCalls}

var errDisk = errors.New("the disk is gone")
