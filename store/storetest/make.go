package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// Subscriber makes a provisioned subscriber with nothing to do.
func Subscriber(id string) *engine.Subscriber {
	return &engine.Subscriber{Profile: engine.Profile{
		ID: id, Number: "+15125550100", Extension: "100", Name: "Tommy Tutone", AccountID: "acme",
		Network: "net", ProviderUser: id,
	}}
}

// Of is the record of a subscriber.
func Of(sub *engine.Subscriber) engine.Record {
	return engine.Record{Kind: engine.RecordSubscriber, Subscriber: sub}
}

// Told is an event of an app's calls webhook, to be delivered.
func Told(app string, sub *engine.Subscriber, sequence uint64) engine.Notification {
	return engine.Notification{
		App: app, Subscriber: sub.ID, Kind: engine.StreamCalls, Sequence: sequence, EventID: fmt.Sprintf("evt_%d", sequence),
		Call: callOf(sub.ID, sequence), State: engine.StateRinging, Time: int64(sequence), Queue: true, // #nosec G115 -- a test
		Body: fmt.Appendf(nil, `{"sequence_number":"%d"}`, sequence),
	}
}

// Stream is the stream Told belongs to.
func Stream(app string, sub *engine.Subscriber) engine.StreamID {
	return engine.StreamOf(app, sub.ID, engine.StreamCalls)
}

func callOf(subscriber string, n uint64) engine.CallID {
	return engine.CallID(n*engine.Slots + uint64(engine.SlotOf(subscriber)))
}

func ids(i int) string { return fmt.Sprintf("user%04d@example.com", i) }

// Done is a completion that can be waited for.
type Done struct {
	once  sync.Once
	done  chan struct{}
	index uint64
	err   error
}

// NewDone makes one.
func NewDone() *Done { return &Done{done: make(chan struct{})} }

// Done is actor.Completion's.
func (d *Done) Done(index uint64, err error) {
	first := false
	d.once.Do(func() { first = true })
	if !first {
		panic("completed twice")
	}
	d.index, d.err = index, err
	close(d.done)
}

// Err waits and returns how it ended.
func (d *Done) Err(t testing.TB) error {
	t.Helper()
	select {
	case <-d.done:
		return d.err
	case <-time.After(patience):
		require.FailNow(t, "a submission never completed")
		return nil
	}
}

// Wait waits for success and returns the index.
func (d *Done) Wait(t testing.TB) uint64 {
	t.Helper()
	require.NoError(t, d.Err(t))
	return d.index
}

// Pending reports whether it has not ended.
func (d *Done) Pending() bool {
	select {
	case <-d.done:
		return false
	default:
		return true
	}
}

// Put submits and waits.
func Put(t testing.TB, s Impl, put []engine.Record, emit []engine.Notification) uint64 {
	t.Helper()
	d := NewDone()
	s.Submit(0, 0, put, emit, d)
	return d.Wait(t)
}

// Order watches that completions come in the order of submission.
type Order struct {
	mu      sync.Mutex
	indexes []uint64
	wrong   []string
	want    int
	all     chan struct{}
}

type nth struct {
	o *Order
	n int
}

// Nth is the completion of the nth submission.
func (o *Order) Nth(n int) nth { return nth{o, n} }

// Told is how many completed so far.
func (o *Order) Told() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.indexes)
}

// Done is actor.Completion's.
func (c nth) Done(index uint64, err error) {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	if c.n != len(c.o.indexes) {
		c.o.wrong = append(c.o.wrong, fmt.Sprintf("completion %d came at place %d", c.n, len(c.o.indexes)))
	}
	if err != nil {
		c.o.wrong = append(c.o.wrong, fmt.Sprintf("completion %d: %v", c.n, err))
	}
	c.o.indexes = append(c.o.indexes, index)
	if c.o.all != nil && len(c.o.indexes) == c.o.want {
		close(c.o.all)
	}
}

// Wait waits for n completions.
func (o *Order) Wait(t testing.TB, n int) {
	t.Helper()
	o.mu.Lock()
	o.want, o.all = n, make(chan struct{})
	all := o.all
	if len(o.indexes) >= n {
		close(all)
		o.want = -1
	}
	o.mu.Unlock()
	select {
	case <-all:
	case <-time.After(patience):
		require.FailNow(t, "submissions never completed")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	require.Empty(t, o.wrong)
}

// Indexes are what the completions were told.
func (o *Order) Indexes() []uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.indexes
}
