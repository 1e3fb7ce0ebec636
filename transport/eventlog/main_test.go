package eventlog

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/store"
	"offhook/transport/eventlog/eventlogtest"
)

var _ Log = (*store.Store)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// notebook is a log in memory that can be swept and can break.
type notebook struct {
	mu      sync.Mutex
	events  []engine.StoredEvent
	durable uint64
	trimmed uint64
	broken  error
	reads   int
	padding int // bytes more for each body
	most    int // events handed out by one read

	erasMu sync.Mutex // not mu: cursors are made while the log is read
	eras   []era
}

// era begins with an index. The log begins with the era 0.
type era struct{ first, name uint64 }

// putBack is what an earlier copy of the log, started again, is.
func (n *notebook) putBack(last, name uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.erasMu.Lock()
	defer n.erasMu.Unlock()
	n.events = slices.DeleteFunc(n.events, func(ev engine.StoredEvent) bool { return ev.Index > last })
	n.eras = slices.DeleteFunc(n.eras, func(e era) bool { return e.first > last })
	n.durable, n.eras = last, append(n.eras, era{last + 1, name})
}

func (n *notebook) Era(index uint64) (name uint64) {
	n.erasMu.Lock()
	defer n.erasMu.Unlock()
	for _, e := range n.eras {
		if e.first <= index {
			name = e.name
		}
	}
	return name
}

func (n *notebook) EraEnd(name uint64) (last uint64, known bool) {
	last, known = n.Durable(), name == 0
	n.erasMu.Lock()
	defer n.erasMu.Unlock()
	for _, e := range n.eras {
		switch {
		case known:
			return e.first - 1, true
		case e.name == name:
			known = true
		}
	}
	return last, known
}

// log appends the next event of a subscriber.
func (n *notebook) log(app, subscriber string) engine.StoredEvent {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.durable++
	ev := engine.StoredEvent{Index: n.durable, Notification: engine.Notification{App: app, Subscriber: subscriber}}
	ev.Body = fmt.Appendf(nil, `{"subscriber_id":%q,"n":%d,"padding":"%0*d","type":"call.state"}`, subscriber, n.durable, n.padding, 0)
	n.events = append(n.events, ev)
	return ev
}

// sweep takes out what is up to an index.
func (n *notebook) sweep(index uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = slices.DeleteFunc(n.events, func(ev engine.StoredEvent) bool { return ev.Index <= index })
	n.trimmed = index
}

func (n *notebook) fail(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.broken = err
}

func (n *notebook) Durable() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.durable
}

func (n *notebook) Events(app string, behind uint64, limit int, fn func(engine.StoredEvent) error) (uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.broken != nil {
		return 0, n.broken
	}
	n.reads++
	given := 0
	for _, ev := range n.events {
		if ev.App != app || ev.Index <= behind {
			continue
		}
		if given == limit {
			break
		}
		if err := fn(ev); err != nil {
			return 0, err
		}
		given++
	}
	n.most = max(n.most, given)
	return n.trimmed + 1, nil
}

// desk is a hub on a notebook, with some live calls.
type desk struct {
	*Hub
	book *notebook
	live []actor.CallView
}

func newDesk(change ...func(*Config)) *desk {
	d := &desk{book: &notebook{}}
	config := Config{
		Log: d.book, Key: [KeyLen]byte{1, 2, 3}, Horizon: d.book.Durable,
		Live: func(string) []actor.CallView { return slices.Clone(d.live) },
	}
	for _, c := range change {
		c(&config)
	}
	d.Hub = New(config)
	return d
}

// happens logs an event and tells the hub.
func (d *desk) happens(app, subscriber string) engine.StoredEvent {
	ev := d.book.log(app, subscriber)
	d.Logged(app)
	return ev
}

// client reads a stream in its own goroutine.
type client struct {
	t      *testing.T
	stream *Stream
	reader *eventlogtest.Reader
}

func always() bool { return true }

func (d *desk) listen(t *testing.T, ask Ask) *client {
	t.Helper()
	if ask.Alive == nil {
		ask.Alive = always
	}
	if ask.Extend == nil {
		ask.Extend = func() {}
	}
	s, err := d.Open(ask)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.CloseWithError(nil)) })
	return &client{t, s, eventlogtest.NewReader(s, "")}
}

func (c *client) next() eventlogtest.Event {
	c.t.Helper()
	ev, err := c.reader.Next()
	require.NoError(c.t, err)
	return ev
}

// wants reads an event and checks that it is one of the log.
func (c *client) wants(ev engine.StoredEvent) {
	c.t.Helper()
	got := c.next()
	require.Equal(c.t, eventlogtest.Event{Type: "call.state", Data: string(ev.Body), ID: c.reader.LastID}, got)
	place, ok := c.stream.cursors.Parse(got.ID)
	require.True(c.t, ok)
	require.Equal(c.t, Place{Behind: ev.Index}, place)
}

func (c *client) wantsSnapshot(calls int) {
	c.t.Helper()
	ev := c.next()
	require.Equal(c.t, "snapshot", ev.Type)
	require.Len(c.t, snapshotCalls(c.t, ev.Data), calls)
}

func (c *client) wantsEnd() {
	c.t.Helper()
	_, err := c.reader.Next()
	require.ErrorIs(c.t, err, io.EOF)
}

var errDisk = errors.New("input/output error")

// measured is what a counter or a gauge says.
func measured(t *testing.T, reg *prometheus.Registry, name string, labels ...string) float64 {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var have []string
			for _, l := range m.GetLabel() {
				have = append(have, l.GetValue())
			}
			if f.GetName() == name && slices.Equal(have, labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("nothing measured as %s %v", name, labels)
	return 0
}
