package httpapi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
	"offhook/transport/eventlog"
	"offhook/transport/eventlog/eventlogtest"
)

// busily writes events of some subscribers, each by a goroutine of its own,
// as the owners do. It returns when all are stored.
func (h *eventHouse) busily(subscribers, each int) (wait func()) {
	var writers sync.WaitGroup
	for i := range subscribers {
		writers.Go(func() {
			for range each {
				<-h.happens(appID, user(i), 1).done
			}
		})
	}
	return writers.Wait
}

// What a snapshot shows and the changes behind it are one story without a
// hole, whenever the reader comes.
func TestASnapshotAndTheChangesBehindItHaveNoHole(t *testing.T) {
	h := newEventHouse(t, eventlog.Config{})
	h.unwatched() // thousands of events are read as they come
	const subscribers, each = 4, 300
	wait := h.busily(subscribers, each)
	var readers sync.WaitGroup
	for reader := range 6 {
		h.stored(appID, user(5)) // some time passes
		l := h.stream("", "")
		readers.Go(func() {
			ev, err := l.Next()
			if err != nil || ev.Type != "snapshot" {
				t.Errorf("reader %d: %v, not a snapshot: %v", reader, ev, err)
				return
			}
			shown := snapshotOf(ev)
			next := map[string]uint64{}
			done := map[string]bool{}
			for sub, last := range shown {
				if last == each { // the snapshot has seen it all
					done[sub] = true
				}
			}
			for len(done) < subscribers {
				ev, err := l.Next()
				if err != nil {
					t.Errorf("reader %d: %v", reader, err)
					return
				}
				n := numberedOf(ev)
				switch want, seen := next[n.Subscriber]; {
				case !seen && n.number() > shown[n.Subscriber]+1:
					t.Errorf("reader %d: %s: the snapshot goes up to %d, the first event is %d", reader, n.Subscriber, shown[n.Subscriber], n.number())
				case seen && n.number() != want:
					t.Errorf("reader %d: %s: %d instead of %d", reader, n.Subscriber, n.number(), want)
				}
				next[n.Subscriber] = n.number() + 1
				if n.number() == each {
					done[n.Subscriber] = true
				}
			}
		})
	}
	readers.Wait()
	wait()
}

// A reader that is cut off again and again, at any moment, gets every event
// once and in order.
func TestComingBackWithTheLastIDSeesEveryLaterEventOnce(t *testing.T) {
	h := newEventHouse(t, eventlog.Config{})
	random := rand.New(rand.NewPCG(5, 7))
	const subscribers, each = 4, 200
	l := h.stream("", "")
	require.Empty(t, l.snapshot())
	wait := h.busily(subscribers, each)
	next := map[string]uint64{}
	cuts := 0
	for total := 0; total < subscribers*each; {
		for range random.IntN(40) {
			if total == subscribers*each {
				break
			}
			n := l.event()
			next[n.Subscriber]++
			require.Equal(t, next[n.Subscriber], n.number(), n.Subscriber)
			total++
		}
		l.hang()
		cuts++
		if cuts%2 == 0 {
			l = h.stream("", l.LastID)
		} else {
			l = h.stream("?after="+l.LastID, "")
		}
	}
	wait()
	require.Greater(t, cuts, 10)

	// The header is newer than the parameter an EventSource was made with.
	h.stored(appID, user(0))
	again := h.stream("?after="+string(h.hub.Cursors(appID).Append(nil, 0)), l.LastID)
	require.EqualValues(t, each+1, again.event().number())

	// Where a page ends, a stream goes on.
	page := h.get(eventsPath + "?limit=1000")
	h.stored(appID, user(0))
	require.EqualValues(t, each+2, h.stream("?after="+page.Header.Get("Events-Cursor"), "").event().number())
}

func TestAStreamOfOneSubscriber(t *testing.T) {
	h := newEventHouse(t, eventlog.Config{})
	h.stored(appID, user(0))
	h.stored(appID, user(1))
	l := h.stream("?subscriber_id="+user(1), "")
	require.Equal(t, map[string]uint64{user(1): 1}, l.snapshot())
	h.stored(appID, user(0))
	h.stored(appID, user(1))
	require.Equal(t, numbered{appID, user(1), "2"}, l.event())
}

func TestPastRetentionAStreamSaysGapAndBeginsAgain(t *testing.T) {
	h := newEventHouse(t, eventlog.Config{})
	h.stored(appID, user(0))
	l := h.stream("", "")
	l.snapshot()
	l.hang()
	for range 3 {
		h.stored(appID, user(0))
	}
	h.clock.Add(time.Hour.Milliseconds())
	require.NoError(t, h.store.Sweep())
	l = h.stream("", l.LastID)
	ev := l.next()
	require.Equal(t, "gap", ev.Type)
	require.JSONEq(t, `{"type":"gap","reason":"retention"}`, ev.Data)
	require.Equal(t, map[string]uint64{user(0): 4}, l.snapshot())
	h.stored(appID, user(0))
	require.EqualValues(t, 5, l.event().number())
}

// An app sees its own events, however many others there are between.
func TestAStreamIsForItsAppAlone(t *testing.T) {
	h := newEventHouse(t, eventlog.Config{})
	l := h.stream("", "")
	require.Empty(t, l.snapshot())
	for range 50 {
		h.happens(otherApp, user(7), 1)
		h.stored(appID, user(0))
	}
	for n := range uint64(50) {
		require.Equal(t, numbered{appID, user(0), fmt.Sprint(n + 1)}, l.event())
	}
}

// narrow makes the socket's buffers small, so that a reader that does not
// read is noticed before megabytes were written to it.
type narrow struct{ net.Listener }

func (n narrow) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		err = tcp.SetWriteBuffer(8 << 10)
	}
	return c, err
}

func TestASlowReaderIsCutAndTheOthersAreNotDelayed(t *testing.T) {
	reg := prometheus.NewRegistry()
	h := newEventHouse(t, eventlog.Config{Metrics: eventlog.NewMetrics(reg)}, func(c *Config) { c.WriteTimeout = 500 * time.Millisecond })
	server, err := New(h.server.config)
	require.NoError(t, err)
	h.server = server
	h.serve(narrow{listen(t)})

	slow := h.raw()
	require.NoError(t, slow.(*net.TCPConn).SetReadBuffer(8<<10))
	_, err = fmt.Fprintf(slow, "GET %s/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", eventsPath, h.key)
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReaderSize(slow, 64), nil)
	require.NoError(t, err)
	sleepy := eventlogtest.NewReader(resp.Body, "")
	ev, err := sleepy.Next()
	require.NoError(t, err)
	require.Equal(t, "snapshot", ev.Type)

	h.unwatched() // who reads quickly does nothing else
	quick := h.stream("", "")
	quick.snapshot()
	const events = 800 // of 4 KB: more than any socket takes
	for n := range uint64(events) {
		h.happens(appID, user(0), 4<<10)
		require.Equal(t, n+1, quick.event().number())
	}
	require.Eventually(t, func() bool { return measured(t, reg, "slow") == 1 }, streamed, 5*time.Millisecond)

	// What got through is whole events, and a piece that is dropped; behind the
	// last of them it goes on.
	var last uint64
	for {
		ev, err := sleepy.Next()
		if err != nil {
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, "cut off, not ended")
			break
		}
		n := numberedOf(ev)
		require.Equal(t, last+1, n.number())
		last = n.number()
	}
	require.Less(t, last, uint64(events))
	back := h.stream("", sleepy.LastID)
	require.Equal(t, last+1, back.event().number())
}

// measured is how many streams ended for a reason.
func measured(t *testing.T, reg *prometheus.Registry, reason string) float64 {
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == "offhook_event_streams_ended_total" && l.GetValue() == reason {
					return m.GetCounter().GetValue()
				}
			}
		}
	}
	return 0
}

func TestDrainingEndsStreamsAtOnce(t *testing.T) {
	h := newEventHouse(t, eventlog.Config{})
	var all []*listener
	for range 5 {
		l := h.stream("", "")
		l.snapshot()
		all = append(all, l)
	}
	h.stored(appID, user(0))
	for _, l := range all {
		l.event()
	}
	ctx, cancel := context.WithTimeout(context.Background(), streamed)
	defer cancel()
	require.NoError(t, h.server.Shutdown(ctx), "streams do not keep it waiting")
	for _, l := range all {
		l.wantsEnd()
		require.Equal(t, 1, l.Comments, "it says why")
	}
}

func TestStreamsAreBounded(t *testing.T) {
	h := newEventHouse(t, eventlog.Config{PerApp: 2, InAll: 3, Heartbeat: 5 * time.Millisecond})
	first := h.stream("", "")
	h.stream("", "")
	_, resp := h.open("", "")
	require.Equal(t, 429, resp.StatusCode)
	require.Equal(t, "10", resp.Header.Get("Retry-After"))
	theirs := func() *http.Response {
		req := h.newRequest("GET", "/apps/"+otherApp+"/events/stream")
		req.Header.Set("Authorization", "Bearer "+h.otherKey)
		resp, err := h.client.Do(req)
		require.NoError(t, err)
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	require.Equal(t, 200, theirs().StatusCode)
	full := theirs()
	require.Equal(t, 503, full.StatusCode)
	require.Equal(t, "10", full.Header.Get("Retry-After"))

	// The place of one that left is free again with the next heartbeat.
	first.hang()
	require.Eventually(t, func() bool {
		_, resp := h.open("", "")
		defer resp.Body.Close()
		return resp.StatusCode == 200
	}, streamed, 5*time.Millisecond)
}

// changing lets keys be taken away while they are asked for.
type changing struct {
	*fakeTenants
	mu      sync.Mutex
	revoked map[string]bool
}

func (c *changing) Key(id string) (*tenant.App, tenant.Key, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.revoked[id] {
		return nil, tenant.Key{}, false
	}
	return c.fakeTenants.Key(id)
}

func TestARevokedKeyEndsItsStreams(t *testing.T) {
	keys := &changing{revoked: map[string]bool{}}
	h := newEventHouse(t, eventlog.Config{Heartbeat: 10 * time.Millisecond}, func(c *Config) {
		keys.fakeTenants = c.Tenants.(*fakeTenants)
		c.Tenants = keys
	})
	ours := h.stream("", "")
	ours.snapshot()
	other := h.stream("", "", "Authorization", "Bearer "+h.readKey)
	other.snapshot()
	id, _, _ := tenant.ParseKey(h.key)
	keys.mu.Lock()
	keys.revoked[id] = true
	keys.mu.Unlock()
	ours.wantsEnd()
	h.stored(appID, user(0))
	other.event()
}
