package webhook

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/store"
	"offhook/store/storetest"
)

// ledger is a receiver that keeps the contract's books: per stream it expects
// 1, 2, 3, … and repeats only after a power cut.
type ledger struct {
	mu      sync.Mutex
	last    map[string]int // acknowledged, by stream
	repeats int
	wrong   []string
	reached chan struct{} // closed when goal events were acknowledged
	goal    int
	acked   int
}

func newLedger(goal int) *ledger {
	return &ledger{last: map[string]int{}, goal: goal, reached: make(chan struct{})}
}

// take books one event of a stream and reports whether it came in order.
func (l *ledger) take(stream string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch have := l.last[stream]; {
	case n == have+1:
		l.last[stream] = n
		l.acked++
		if l.acked == l.goal {
			close(l.reached)
		}
	case n <= have:
		l.repeats++
	default:
		l.wrong = append(l.wrong, fmt.Sprintf("%s: %d after %d", stream, n, have))
	}
}

// next waits for more events.
func (l *ledger) next(goal int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.goal, l.reached = goal, make(chan struct{})
	if l.acked >= goal {
		close(l.reached)
	}
}

// verifying is an HTTP receiver for a ledger that checks each signature.
func verifying(t *testing.T, l *ledger) http.HandlerFunc {
	verify, err := standardwebhooks.NewWebhook(testSecret)
	require.NoError(t, err)
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = verify.Verify(body, r.Header)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		stream, number, _ := cutLast(r.Header.Get("webhook-id"))
		l.take(stream, number)
	}
}

// cutLast splits the ids of these tests: stream_number.
func cutLast(id string) (stream string, n int, err error) {
	for i := len(id) - 1; i >= 0; i-- {
		if id[i] == '_' {
			n, err = strconv.Atoi(id[i+1:])
			return id[:i], n, err
		}
	}
	return id, 0, strconv.ErrSyntax
}

func emitTo(app, subscriber string, from, to int) []engine.Notification {
	var out []engine.Notification
	for n := from; n <= to; n++ {
		out = append(out, engine.Notification{
			App: app, Subscriber: subscriber, Kind: engine.StreamCalls, Sequence: uint64(n), EventID: fmt.Sprintf("%s_%d", subscriber, n),
			Call: engine.CallID(1), State: engine.StateRinging, Time: time.Now().UnixMilli(), Queue: true,
			Body: fmt.Appendf(nil, `{"subscriber_id":%q,"sequence_number":"%d"}`, subscriber, n),
		})
	}
	return out
}

func openOn(t testing.TB, fs vfs.FS) *store.Store {
	s, err := store.Open("data", store.Options{FS: fs, SweepEvery: -1, CacheBytes: 1 << 20, MemTable: 4 << 20, Exit: func(int) {}})
	require.NoError(t, err)
	return s
}

func stop(t testing.TB, d *Dispatcher) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	require.NoError(t, d.Stop(ctx))
}

func wait(t testing.TB, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		require.FailNow(t, "never happened: "+what)
	}
}

func TestOverTheRealStoreAPowerCutLosesNothing(t *testing.T) {
	const streams, events = 20, 30
	mem := vfs.NewCrashableMem()
	s := openOn(t, mem)
	l := newLedger(streams * events / 2)
	srv := serve(t, verifying(t, l))
	require.NoError(t, s.PutApp(&tenant.App{ID: "app", Calls: tenant.Receiver{URL: srv.URL, Secrets: []string{testSecret}}}))
	for i := range streams {
		sub := storetest.Subscriber(fmt.Sprintf("s%d", i))
		storetest.Put(t, s, []engine.Record{storetest.Of(sub)}, emitTo("app", sub.ID, 1, events))
	}
	poster := NewClient(ampleTimes())
	d := New(Config{Outbox: s, Tenants: s, Poster: poster})
	d.Start()
	wait(t, l.reached, "half of the events")
	after := mem.CrashClone(vfs.CrashCloneCfg{}) // the power goes here
	stop(t, d)
	require.NoError(t, s.Close())

	s = openOn(t, after)
	l.mu.Lock()
	l.last, l.acked = maps.Clone(l.last), 0
	for _, n := range l.last {
		l.acked += n
	}
	l.mu.Unlock()
	l.next(streams * (events + 1))
	d = New(Config{Outbox: s, Tenants: s, Poster: poster})
	d.Start()
	for i := range streams { // new events join while the old ones leave
		sub := storetest.Subscriber(fmt.Sprintf("s%d", i))
		storetest.Put(t, s, []engine.Record{storetest.Of(sub)}, emitTo("app", sub.ID, events+1, events+1))
		d.Ready("app", sub.ID, engine.StreamCalls, events+1)
	}
	wait(t, l.reached, "all of the events")
	stop(t, d)
	require.Empty(t, l.wrong)
	left := 0
	require.NoError(t, s.Waiting(engine.StreamID{}, 0, func(engine.Waiting) error { left++; return nil }))
	require.Zero(t, left)
	attempts, err := s.Attempts(engine.StreamOf("app", "s0", engine.StreamCalls), events+1)
	require.NoError(t, err)
	require.Len(t, attempts, 1)
	require.Equal(t, 200, attempts[0].Status)
	require.NoError(t, s.Close())
}

func TestAHostileReceiverDoesNotDisturbAnother(t *testing.T) {
	const events = 200
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o, tenants := newOutbox(), newTenants(0)
			l := newLedger(events)
			tenants.set("hostile", tenant.Receiver{URL: raw(t, tt.do), Secrets: []string{testSecret}})
			tenants.set("fine", tenant.Receiver{URL: serve(t, verifying(t, l)).URL, Secrets: []string{testSecret}})
			d := New(Config{Outbox: o, Tenants: tenants, Poster: NewClient(ampleTimes()), Slots: 32})
			d.Start()
			for i := range events {
				for _, app := range []string{"hostile", "fine"} {
					sub := fmt.Sprintf("s%d", i%20)
					d.Ready(app, sub, engine.StreamCalls, o.add(app, sub, engine.StreamCalls, time.Now()))
				}
			}
			wait(t, l.reached, "the events of the other receiver")
			ctx, cancel := context.WithCancel(context.Background())
			cancel() // nobody waits for the hostile one
			d.Stop(ctx)
			require.Empty(t, l.wrong) // what the machine made late is there twice
		})
	}
}
