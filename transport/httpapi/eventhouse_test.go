package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/clock"
	"offhook/engine/tenant"
	"offhook/store"
	"offhook/transport/eventlog"
	"offhook/transport/eventlog/eventlogtest"
)

// eventHouse is a house with a real store behind its event log, and an owner
// of calls that does in the order of the real one what the log relies on:
// show, count, tell.
type eventHouse struct {
	*house
	store *store.Store
	hub   *eventlog.Hub
	clock atomic.Int64 // the store's, ms

	mu       sync.Mutex
	live     map[string]map[string]CallView // by app and subscriber; a subscriber has one call
	last     map[engine.StreamID]uint64
	released atomic.Uint64
}

const streamed = 20 * time.Second // for what must come

func newEventHouse(t *testing.T, limits eventlog.Config, change ...func(*Config)) *eventHouse {
	t.Helper()
	h := &eventHouse{live: map[string]map[string]CallView{}, last: map[engine.StreamID]uint64{}}
	h.clock.Store(1_000_000)
	var err error
	h.store, err = store.Open("data", store.Options{
		FS: vfs.NewMem(), SweepEvery: -1, CacheBytes: 1 << 20, MemTable: 8 << 20, Retention: time.Minute, Clock: clock.New(h.clock.Load, nil),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.store.Close()) })
	limits.Log, limits.Key, limits.Live, limits.Horizon = h.store, h.store.CursorKey(), h.views, h.released.Load
	h.hub = eventlog.New(limits)
	h.house = newHouse(t, append(change, func(c *Config) { c.Events, c.History = h.hub, h.store })...)
	h.tenants.subscribers = nil
	for i := range 8 {
		p := tommy
		p.ID = fmt.Sprintf("user%d@example.com", i)
		h.tenants.subscribers = append(h.tenants.subscribers, &tenant.SubscriberInfo{Profile: p, Apps: []string{appID}})
	}
	h.tenants.subscribers[7].Apps = []string{otherApp}
	return h
}

func (h *eventHouse) views(app string) (all []CallView) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range h.live[app] {
		all = append(all, v)
	}
	return all
}

// change is one step of one call on its way to the disk.
type change struct {
	h    *eventHouse
	app  string
	view CallView
	done chan struct{}
}

// Done is actor.Completion's.
func (c *change) Done(index uint64, err error) {
	if err == nil {
		c.h.mu.Lock()
		if c.h.live[c.app] == nil {
			c.h.live[c.app] = map[string]CallView{}
		}
		c.h.live[c.app][c.view.Profile.ID] = c.view
		c.h.mu.Unlock()
		c.h.released.Store(index)
		c.h.hub.Logged(c.app)
	}
	close(c.done)
}

// happens makes the next event of a subscriber. Its call carries the number as
// created_at, so that a snapshot says how far it goes.
func (h *eventHouse) happens(app, subscriber string, padding int) *change {
	h.mu.Lock()
	id := engine.StreamOf(app, subscriber, engine.StreamCalls)
	h.last[id]++
	n := h.last[id]
	h.mu.Unlock()
	p := tommy
	p.ID = subscriber
	c := &change{h: h, app: app, done: make(chan struct{})}
	c.view = CallView{Profile: &p, Call: engine.Call{ID: exampleID, State: engine.StateActive, Phase: engine.PhaseConnected, Direction: engine.Incoming, CreatedAt: int64(n)}}
	body := fmt.Appendf(nil, `{"app_id":%q,"subscriber_id":%q,"subscriber_number":"+15128675309","subscriber_name":"","subscriber_account_id":"",`+
		`"remote_number":"","remote_name":"%0*d","call_id":"callhalf-13467354071:0","sequence_number":"%d","direction":"incoming","state":"active",`+
		`"timestamp":1533331051226,"event_id":"evt_%d","type":"call.state","phase":"connected","cause":"","releasing_party":"","remote_held":false,`+
		`"synthetic":false,"provider_call_id":"","replaces":"","capabilities":["hold","end"],"session_id":"session-9f86d081884c7d65","client_ref":""}`, app, subscriber, padding, 0, n, n)
	h.store.Submit(0, 0, nil, []engine.Notification{{
		App: app, Subscriber: subscriber, Kind: engine.StreamCalls, Sequence: n, EventID: fmt.Sprintf("evt_%s_%d", subscriber, n),
		Call: exampleID, State: engine.StateActive, Time: h.clock.Load(), Body: body,
	}}, c)
	return c
}

// stored makes an event and waits until it is told.
func (h *eventHouse) stored(app, subscriber string) {
	h.t.Helper()
	select {
	case <-h.happens(app, subscriber, 1).done:
	case <-time.After(streamed):
		h.t.Fatal("an event was never stored")
	}
}

func user(i int) string { return fmt.Sprintf("user%d@example.com", i) }

// numbered is what every body says of its place.
type numbered struct {
	App        string `json:"app_id"`
	Subscriber string `json:"subscriber_id"`
	Sequence   string `json:"sequence_number"`
}

func (n numbered) number() uint64 {
	i, _ := strconv.ParseUint(n.Sequence, 10, 64)
	return i
}

// listener is a client with a stream open.
type listener struct {
	*eventlogtest.Reader
	t    *testing.T
	resp *http.Response
	hang context.CancelFunc
}

func (h *eventHouse) open(query, lastID string, header ...string) (*listener, *http.Response) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), streamed)
	h.t.Cleanup(cancel)
	req := h.newRequest("GET", "/apps/"+appID+"/events/stream"+query).WithContext(ctx)
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := h.client.Do(req)
	require.NoError(h.t, err)
	h.t.Cleanup(func() { resp.Body.Close() })
	return &listener{eventlogtest.NewReader(resp.Body, lastID), h.t, resp, cancel}, resp
}

func (h *eventHouse) stream(query, lastID string, header ...string) *listener {
	h.t.Helper()
	l, resp := h.open(query, lastID, header...)
	require.Equal(h.t, 200, resp.StatusCode)
	require.Equal(h.t, "text/event-stream", resp.Header.Get("Content-Type"))
	require.Equal(h.t, "no-store", resp.Header.Get("Cache-Control"))
	require.Equal(h.t, "no", resp.Header.Get("X-Accel-Buffering"))
	return l
}

func (l *listener) next() eventlogtest.Event {
	l.t.Helper()
	ev, err := l.Next()
	require.NoError(l.t, err)
	return ev
}

// event reads one that is of the log.
func (l *listener) event() numbered {
	l.t.Helper()
	ev := l.next()
	require.Equal(l.t, "call.state", ev.Type, ev.Data)
	return numberedOf(ev)
}

// numberedOf is zero for what is no event of the log.
func numberedOf(ev eventlogtest.Event) (n numbered) {
	_ = json.Unmarshal([]byte(ev.Data), &n)
	return n
}

// snapshot reads one and returns how far it goes for each subscriber.
func (l *listener) snapshot() map[string]uint64 {
	l.t.Helper()
	ev := l.next()
	require.Equal(l.t, "snapshot", ev.Type)
	return snapshotOf(ev)
}

func snapshotOf(ev eventlogtest.Event) map[string]uint64 {
	var s struct {
		Calls []struct {
			Subscriber string `json:"subscriber_id"`
			Number     uint64 `json:"created_at"`
		} `json:"calls"`
	}
	_ = json.Unmarshal([]byte(ev.Data), &s)
	all := map[string]uint64{}
	for _, c := range s.Calls {
		all[c.Subscriber] = c.Number
	}
	return all
}

func (l *listener) wantsEnd() {
	l.t.Helper()
	_, err := l.Next()
	require.ErrorIs(l.t, err, io.EOF)
}
