package xsicontact_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/provider"
	"offhook/provider/broadworks"
	"offhook/transport/xsicontact"
)

// inMemory settles what it is told at once.
type inMemory struct{ told atomic.Int64 }

func (k *inMemory) Deliver(_ string, _ *engine.Event, r provider.Receipt) {
	k.told.Add(1)
	r.Settle()
}

func (*inMemory) Resync(string) {}

const posted = `<?xml version="1.0" encoding="UTF-8"?><xsi:Event xmlns:xsi="http://schema.broadsoft.com/xsi" xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance" xsi1:type="xsi:SubscriptionEvent"><xsi:eventID>%s</xsi:eventID><xsi:sequenceNumber>%d</xsi:sequenceNumber><xsi:userId>administrator@example.com</xsi:userId><xsi:externalApplicationId>offhook-3f1c9f5e</xsi:externalApplicationId><xsi:subscriptionId>%s</xsi:subscriptionId><xsi:httpContact><xsi:uri>https://receiver.example.com/xsi</xsi:uri></xsi:httpContact><xsi:targetId>%s</xsi:targetId><xsi:eventData xsi1:type="xsi:CallUpdatedEvent"><xsi:call><xsi:callId>callhalf-1013467354071:0</xsi:callId><xsi:extTrackingId>5701687:1</xsi:extTrackingId><xsi:networkCallId>BW1200000000000000000000@192.0.2.1</xsi:networkCallId><xsi:personality>Terminator</xsi:personality><xsi:state>Active</xsi:state><xsi:remoteParty><xsi:name>Smith</xsi:name><xsi:address countryCode="1">tel:+15555550123</xsi:address><xsi:callType>Network</xsi:callType></xsi:remoteParty><xsi:endpoint xsi1:type="xsi:AccessEndpoint"><xsi:addressOfRecord>bob_lp1@example.com</xsi:addressOfRecord></xsi:endpoint><xsi:appearance>1</xsi:appearance><xsi:startTime>1700000000000</xsi:startTime><xsi:answerTime>1700000004000</xsi:answerTime></xsi:call></xsi:eventData></xsi:Event>`

// platform is as much of a BroadWorks as is needed to be subscribed to: the
// subscription of a user has the user's name.
type platform struct {
	*httptest.Server
	contact atomic.Pointer[string]
}

var uri = regexp.MustCompile(`<uri>([^<]*)</uri>`)

func newPlatform(tb testing.TB) *platform {
	p := &platform{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if m := uri.FindSubmatch(body); m != nil {
			at := string(m[1])
			p.contact.Store(&at)
		}
		_, _ = fmt.Fprintf(w, `<Subscription xmlns="http://schema.broadsoft.com/xsi"><subscriptionId>%s</subscriptionId><expires>3600</expires></Subscription>`,
			r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
	}))
	tb.Cleanup(p.Close)
	return p
}

// begin runs a provider with a listener on a loopback address, which follows
// so many users, and returns the address and the secret path.
func begin(tb testing.TB, sink provider.Sink, users int) (addr, path string) {
	bw := newPlatform(tb)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	listener := xsicontact.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, IdleWorker: 50 * time.Millisecond}
	p, err := broadworks.New(broadworks.Config{
		Network: tenant.BroadWorks{
			XSPs: []string{bw.URL}, Username: "admin", Contact: tenant.Contact{Listen: ln.Addr().String(), PublicURL: "http://" + ln.Addr().String() + "/xsi"},
		},
		Sink: sink, Rate: 1e6, XSPRate: 1e6,
		Listen: func(ctx context.Context, in broadworks.Inbound, bound func()) error {
			return listener.ServeOn(ctx, ln, in, bound)
		},
	})
	require.NoError(tb, err)
	for i := range users {
		p.Follow(user(i))
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	tb.Cleanup(func() {
		stop()
		require.NoError(tb, <-ended)
	})
	require.Eventually(tb, func() bool { return p.Status().Subscribed == users }, time.Minute, time.Millisecond)
	at := *bw.contact.Load()
	return ln.Addr().String(), at[strings.Index(at, "/xsi"):]
}

func user(i int) string { return fmt.Sprintf("user%d@example.com", i) }

// connection is one of the platform's, kept open.
type connection struct {
	net.Conn
	in  *bufio.Reader
	out []byte
}

func connect(tb testing.TB, addr string) *connection {
	c, err := net.Dial("tcp", addr)
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = c.Close() })
	return &connection{Conn: c, in: bufio.NewReader(c)}
}

// post POSTs one event and returns the status of the answer.
func (c *connection) post(path, doc string) (int, error) {
	c.out = fmt.Appendf(c.out[:0], "POST %s HTTP/1.1\r\nHost: receiver.example.com\r\nContent-Type: application/xml; charset=UTF-8\r\nContent-Length: %d\r\n\r\n%s", path, len(doc), doc)
	if _, err := c.Write(c.out); err != nil {
		return 0, err
	}
	status := 0
	for first := true; ; first = false {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if first {
			_, err = fmt.Sscanf(string(line), "HTTP/1.1 %d", &status)
			if err != nil {
				return 0, err
			}
		}
		if len(line) == 2 {
			return status, nil // there are no bodies
		}
	}
}

// Events POSTed over loopback, as a platform would, until the 200 that says
// that the receipt was settled.
func TestPostedEventsAreSettledAndAnswered(t *testing.T) {
	k := &inMemory{}
	addr, path := begin(t, k, 4)
	c := connect(t, addr)
	for n := 1; n <= 5; n++ {
		for u := range 4 {
			status, err := c.post(path, fmt.Sprintf(posted, fmt.Sprintf("e%d-%d", u, n), n, user(u), user(u)))
			require.NoError(t, err)
			require.Equal(t, 200, status)
		}
	}
	require.EqualValues(t, 20, k.told.Load())
	status, err := c.post("/xsi/guess", fmt.Sprintf(posted, "x", 6, user(0), user(0)))
	require.NoError(t, err)
	require.Equal(t, 404, status)
}

// BenchmarkPosted is an event from its POST until its 200, with a sink that
// settles at once; the client runs on the same machine.
func BenchmarkPosted(b *testing.B) {
	for _, conns := range []int{1, 32, 128} {
		b.Run(fmt.Sprintf("connections=%d", conns), func(b *testing.B) {
			k := &inMemory{}
			addr, path := begin(b, k, conns)
			all := make([]*connection, conns)
			for i := range all {
				all[i] = connect(b, addr)
			}
			took := make([][]time.Duration, conns)
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for i, c := range all {
				wg.Go(func() {
					for n := 1; next.Add(1) <= int64(b.N); n++ {
						doc := fmt.Sprintf(posted, fmt.Sprintf("957d0482-%d-%d", i, n), n, user(i), user(i))
						began := time.Now()
						status, err := c.post(path, doc)
						if err != nil || status != 200 {
							b.Errorf("%d: %v", status, err)
							return
						}
						took[i] = append(took[i], time.Since(began))
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			flat := slices.Concat(took...)
			slices.Sort(flat)
			b.ReportMetric(float64(len(flat))/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(flat[len(flat)/2].Microseconds()), "p50-us")
			b.ReportMetric(float64(flat[len(flat)*99/100].Microseconds()), "p99-us")
			require.EqualValues(b, len(flat), k.told.Load())
		})
	}
}
