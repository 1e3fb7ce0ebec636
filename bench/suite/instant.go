package suite

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"offhook/bench/busy"
	"offhook/engine"
	"offhook/engine/actor"
)

// instant is a journal that is done at once, and keeps nothing. It is a store
// too: every subscriber who is asked for is provisioned and linked to the first
// app, and has no call.
type instant struct {
	mu     sync.Mutex
	queue  []actor.Completion
	wake   chan struct{} // one in it while there may be something in queue
	stop   chan struct{}
	ended  chan struct{}
	events atomic.Int64 // that were submitted
}

func newInstant() *instant {
	j := &instant{wake: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{})}
	go j.run()
	return j
}

func (j *instant) close() {
	close(j.stop)
	<-j.ended
}

// run completes on a goroutine of its own: whoever submits may hold what the
// completion wants.
func (j *instant) run() {
	defer close(j.ended)
	var spare []actor.Completion
	for {
		select {
		case <-j.wake:
		case <-j.stop:
			return
		}
		j.mu.Lock()
		queue := j.queue
		j.queue = spare[:0]
		j.mu.Unlock()
		for _, done := range queue {
			done.Done(0, nil)
		}
		clear(queue)
		spare = queue
	}
}

func (j *instant) push(done actor.Completion) {
	j.mu.Lock()
	j.queue = append(j.queue, done)
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// Submit implements actor.Journal.
func (j *instant) Submit(_ uint32, _ uint64, _ []engine.Record, emit []engine.Notification, done actor.Completion) {
	j.events.Add(int64(len(emit)))
	j.push(done)
}

// Mark implements actor.Journal.
func (j *instant) Mark(_ uint32, _ uint64, _ string, done actor.Completion) { j.push(done) }

// Load implements actor.Store.
func (j *instant) Load(id string) (*engine.Subscriber, error) {
	n, err := busy.Number(id)
	if err != nil {
		return nil, err
	}
	return &engine.Subscriber{Profile: busy.Profile(n), Streams: []engine.Stream{{App: busy.App(0), Linked: true}}}, nil
}

// UserOf implements actor.Store.
func (j *instant) UserOf(_, providerUser string) (string, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(providerUser, "u"))
	return busy.ID(n), err
}

// Owner and the rest of actor.Store: there is nothing.
func (j *instant) Owner(engine.CallID) (string, error)       { return "", nil }
func (j *instant) Ended(engine.CallID) (*engine.Call, error) { return nil, nil }
func (j *instant) Conference(engine.ConferenceID) (string, *engine.Conference, error) {
	return "", nil, nil
}
func (j *instant) Intent(string, string, string) (*engine.Intent, error) { return nil, nil }
func (j *instant) Unsettled(func(string, bool) error) error              { return nil }
