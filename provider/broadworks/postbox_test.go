package broadworks

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
	"offhook/provider"
	"offhook/provider/providertest"
	"offhook/provider/simulator"
)

// postbox serves an HTTP contact on connections inside of the process.
type postbox struct {
	mu      sync.Mutex
	dials   chan net.Conn // nil while nobody listens
	in      Inbound
	cut     chan struct{}
	refuses bool // to be bound
}

var errCutOff = errors.New("cut off")

func (b *postbox) listen(ctx context.Context, in Inbound, bound func()) error {
	b.mu.Lock()
	if b.refuses {
		b.mu.Unlock()
		return errors.New("address already in use")
	}
	l := &scriptListener{dials: make(chan net.Conn), closed: make(chan struct{})}
	cut := make(chan struct{})
	b.dials, b.in, b.cut = l.dials, in, cut
	b.mu.Unlock()
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		switch {
		case err != nil:
		case !in.Knows([]byte(r.URL.EscapedPath())):
			w.WriteHeader(http.StatusNotFound)
		default:
			w.WriteHeader(in.Take(body))
		}
	})}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	bound()
	var err error
	select {
	case <-ctx.Done():
	case <-cut:
		err = errCutOff
	}
	b.mu.Lock()
	b.dials = nil
	b.mu.Unlock()
	_ = srv.Close()
	<-served
	return err
}

func (b *postbox) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	b.mu.Lock()
	dials := b.dials
	b.mu.Unlock()
	if dials == nil {
		return nil, errors.New("connection refused")
	}
	ours, theirs := net.Pipe()
	select {
	case dials <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// drop ends the listener; the provider binds it again.
func (b *postbox) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cut != nil {
		close(b.cut)
		b.cut = nil
	}
}

// refuse has the listener fail to bind, or no more.
func (b *postbox) refuse(yes bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuses = yes
}

func contactNetwork(n *tenant.BroadWorks) {
	n.Contact = tenant.Contact{Listen: "0.0.0.0:9443", PublicURL: "https://receiver.example.com/xsi"}
}

// overContact is BroadWorks over our own simulator, with events POSTed.
func overContact(change func(*simulator.Config, *Config), made ...func(*simulator.Simulator)) (providertest.Factory, *postbox) {
	box := &postbox{}
	inner := overSimulator(func(s *simulator.Config, c *Config) {
		contactNetwork(&c.Network)
		c.Network.Contact.PublicURL = "http://receiver.example.com/xsi" // no TLS in memory
		c.Listen = box.listen
		s.Contacts.Dial = box.dial
		if change != nil {
			change(s, c)
		}
	}, made...)
	return func(t *testing.T, sink provider.Sink) *providertest.System {
		sys := inner(t, sink)
		sys.Cut = box.drop
		return sys
	}, box
}

func TestItKeepsItOverAnHTTPContact(t *testing.T) {
	build, _ := overContact(nil)
	providertest.Run(t, build)
}

func TestItKeepsItForAWholeEnterpriseOverAnHTTPContact(t *testing.T) {
	build, _ := overContact(func(_ *simulator.Config, c *Config) {
		c.Network.Subscribe = subscribeEnterprise
		c.Network.Targets = []tenant.Target{{Enterprise: "demo-enterprise"}}
	})
	providertest.Run(t, build)
}

// Whether the platform POSTs several events of a subscription at a time is
// unknown (dossier §3.9).
func TestItKeepsItWhenEventsOvertakeEachOther(t *testing.T) {
	build, _ := overContact(func(s *simulator.Config, _ *Config) { s.Contacts.PerSubscription = 8 })
	providertest.Run(t, build)
}

func TestAContactIsCheckedBeforeAnythingIsSent(t *testing.T) {
	good := func() Config {
		c := Config{
			Network: tenant.BroadWorks{XSPs: []string{"http://xsp1"}, Username: "admin"}, Sink: &sink{}, Listen: (&postbox{}).listen,
		}
		contactNetwork(&c.Network)
		return c
	}
	_, err := New(good())
	require.NoError(t, err)
	for _, url := range []string{"", "receiver.example.com", "ftp://receiver.example.com", "https://", "https://u:p@receiver.example.com", "https://receiver.example.com/?a=b", "https://receiver.example.com/#a"} {
		c := good()
		c.Network.Contact.PublicURL = url
		_, err := New(c)
		require.ErrorContains(t, err, "public URL", url)
	}
	c := good()
	c.Listen = nil
	_, err = New(c)
	require.ErrorContains(t, err, "nobody listens")
}
