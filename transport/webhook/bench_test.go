package webhook

import (
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/store/storetest"
)

// sink is a receiver that says 200 as fast as it can.
func sink(b *testing.B) (url string, got *atomic.Int64) {
	got = new(atomic.Int64)
	srv := &fasthttp.Server{Handler: func(*fasthttp.RequestCtx) { got.Add(1) }, NoDefaultServerHeader: true}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	done := make(chan struct{})
	go func() { srv.Serve(l); close(done) }()
	b.Cleanup(func() { srv.Shutdown(); <-done })
	return "http://" + l.Addr().String() + "/hook", got
}

// tape is an outbox that makes its events up and forgets them.
type tape struct {
	Outbox  // nothing else of one is used
	body    []byte
	streams map[string]*reel
	left    atomic.Int64
	done    chan struct{}
}

type reel struct{ acked, top atomic.Uint64 }

func newTape(streams, events int) *tape {
	t := &tape{body: appendExample(nil, &example), streams: map[string]*reel{}, done: make(chan struct{})}
	for i := range streams {
		t.streams[fmt.Sprintf("s%d", i)] = new(reel)
	}
	t.left.Store(int64(events))
	return t
}

func (t *tape) Durable() uint64 { return 0 }

func (t *tape) Waiting(engine.StreamID, int, func(engine.Waiting) error) error { return nil }

func (t *tape) Next(id engine.StreamID, after uint64) (ev engine.StoredEvent, ok bool, err error) {
	if r := t.streams[id.Subscriber]; after < r.top.Load() {
		ev.Index = after + 1 // behind the webhook, which was set at 0
		ev.Notification = engine.Notification{
			App: id.App, Subscriber: id.Subscriber, Kind: id.Kind, Sequence: after + 1, Time: time.Now().UnixMilli(),
			EventID: "evt_" + id.Subscriber + strconv.FormatUint(after+1, 10), Body: t.body,
		}
		return ev, true, nil
	}
	return ev, false, nil
}

func (t *tape) Delivered(id engine.StreamID, sequence uint64) {
	if r := t.streams[id.Subscriber]; !r.acked.CompareAndSwap(sequence-1, sequence) {
		panic("out of order")
	}
	if t.left.Add(-1) == 0 {
		close(t.done)
	}
}

func (t *tape) Attempt(engine.Attempt) {}

// BenchmarkDelivery counts events delivered per second to one receiver over
// loopback, beside what fasthttp's client reaches with as many connections.
func BenchmarkDelivery(b *testing.B) {
	client := func() *Client { return NewClient(ClientConfig{Guard: Guard{AllowHTTP: true, AllowPrivate: true}}) }
	b.Run("bare-fasthttp", func(b *testing.B) {
		url, _ := sink(b)
		host, _, _ := net.SplitHostPort(url[len("http://") : len(url)-len("/hook")])
		hc := &fasthttp.HostClient{Addr: url[len("http://") : len(url)-len("/hook")], MaxConns: windowMax}
		body := appendExample(nil, &example)
		var left atomic.Int64
		left.Store(int64(b.N))
		var wg sync.WaitGroup
		b.ResetTimer()
		for range windowMax {
			wg.Go(func() {
				var req fasthttp.Request
				var resp fasthttp.Response
				for left.Add(-1) >= 0 {
					req.Reset()
					req.SetRequestURI(url)
					req.Header.SetHost(host)
					req.Header.SetMethod(fasthttp.MethodPost)
					req.Header.SetContentType("application/json")
					req.Header.Set("webhook-id", "evt_1")
					req.Header.Set("webhook-timestamp", "1700000000")
					req.Header.Set("webhook-signature", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=")
					req.SetBodyRaw(body)
					if err := hc.Do(&req, &resp); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		rate(b)
	})
	for _, streams := range []int{100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("dispatcher/streams=%d", streams), func(b *testing.B) {
			url, got := sink(b)
			tenants := newTenants(0)
			tenants.set("app", tenant.Receiver{URL: url, Secrets: []string{testSecret}})
			t := newTape(streams, b.N)
			d := New(Config{Outbox: t, Tenants: tenants, Poster: client()})
			d.Start()
			b.ResetTimer()
			for i := range b.N {
				sub := "s" + strconv.Itoa(i%streams)
				d.Ready("app", sub, engine.StreamCalls, t.streams[sub].top.Add(1))
			}
			<-t.done
			rate(b)
			stop(b, d)
			require.EqualValues(b, b.N, got.Load(), "each event once")
		})
	}
	b.Run("dispatcher+store/streams=1000", func(b *testing.B) {
		url, got := sink(b)
		s := openOn(b, vfs.NewMem())
		require.NoError(b, s.PutApp(&tenant.App{ID: "app", Calls: tenant.Receiver{URL: url, Secrets: []string{testSecret}}}))
		for i := range 1000 {
			sub := storetest.Subscriber(fmt.Sprintf("s%d", i))
			events := b.N / 1000
			if i < b.N%1000 {
				events++
			}
			storetest.Put(b, s, []engine.Record{storetest.Of(sub)}, emitTo("app", sub.ID, 1, events))
		}
		d := New(Config{Outbox: s, Tenants: s, Poster: client()})
		b.ResetTimer()
		d.Start()
		for got.Load() < int64(b.N) {
			time.Sleep(100 * time.Microsecond)
		}
		rate(b)
		stop(b, d)
		require.NoError(b, s.Close())
	})
}

func rate(b *testing.B) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkReady is what the journal's goroutine pays for one event.
func BenchmarkReady(b *testing.B) {
	tenants := newTenants(1)
	d := New(Config{Outbox: newTape(0, 1), Tenants: tenants, Poster: newPoster(nil)})
	subs := make([]string, 1000)
	for i := range subs {
		subs[i] = fmt.Sprintf("s%d@example.com", i)
	}
	b.ReportAllocs()
	n := uint64(0)
	for b.Loop() {
		n++
		d.Ready("a0", subs[n%1000], engine.StreamCalls, n)
	}
}
