package broadworks

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/provider"
	"offhook/provider/simulator"
)

// crowd is a provider that follows everybody at a simulator of two XSPs.
type crowd struct {
	*testing.T
	sim  *simulator.Simulator
	p    *Provider
	sink *asking
}

// asking asks for a snapshot of whoever is to be compared, as an owner does.
type asking struct {
	sink
	ask  func(user string)
	lean bool // keeps nothing
}

func (k *asking) Deliver(user string, ev *engine.Event, r provider.Receipt) {
	if k.lean {
		r.Settle()
		return
	}
	k.sink.Deliver(user, ev, r)
}

func (k *asking) Resync(user string) { k.ask(user) }

func inCrowd(t *testing.T, sim simulator.Config, change func(*Config), fn func(*crowd)) {
	synctest.Test(t, func(t *testing.T) {
		sim.XSPs, sim.Bases = 2, []string{"http://xsp1", "http://xsp2"}
		c := &crowd{T: t, sim: simulator.New(sim), sink: &asking{lean: true}}
		wires := newXSPNet(c.sim, 2)
		jitter := rand.New(rand.NewPCG(sim.Seed, 9))
		cfg := Config{
			Network: tenant.BroadWorks{XSPs: sim.Bases, Username: "admin@simulator.example", Password: "simulator", ApplicationID: "offhook-test"},
			Sink:    c.sink, Dial: wires.dial, Random: jitter.Float64,
		}
		change(&cfg)
		p, err := New(cfg)
		require.NoError(t, err)
		c.p = p
		ctx, cancel := context.WithCancel(t.Context())
		var asks sync.WaitGroup
		turns := make(chan struct{}, 16)
		c.sink.ask = func(user string) {
			asks.Go(func() {
				turns <- struct{}{}
				defer func() { <-turns }()
				ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
				defer cancel()
				p.Ask(ctx, engine.Ask{Verb: engine.VerbSnapshot, User: user})
			})
		}
		for _, ph := range c.sim.Phones() {
			p.Follow(ph.SubscriberID)
		}
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		defer func() {
			cancel()
			require.NoError(t, <-done)
			asks.Wait()
			require.NoError(t, c.sim.Close())
			wires.close()
		}()
		fn(c)
	})
}

func (c *crowd) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// Ten thousand subscribers over a set whose channels are dropped again and
// again are no storm: no XSP sees more requests in any second than the cap.
func TestTenThousandSubscribersAreNoStorm(t *testing.T) {
	const subscribers, rate, perXSP = 10_000, 400, 250
	inCrowd(t, simulator.Config{Subscribers: subscribers, Seed: 1, GrantedExpires: 4 * time.Hour}, func(c *Config) {
		c.Rate, c.XSPRate, c.Subscribers = rate, perXSP, 8
	}, func(c *crowd) {
		// The snapshots that each renewal brings are not the story, and half of
		// the work: they get lost.
		control(c.T, c.sim, "POST", "/simulator/faults", map[string]any{"kind": "drop_events"}, http.StatusCreated)
		c.after(subscribers/rate*time.Second + 10*time.Second)
		require.Equal(c, subscribers, c.p.Status().Subscribed)
		before := c.sim.Stats()
		for range 2 {
			control(c.T, c.sim, "POST", "/simulator/faults", map[string]any{"kind": "drop_channel"}, http.StatusCreated)
			c.after(5 * time.Second)
		}
		c.after(subscribers/rate*time.Second + 10*time.Second)
		st := c.sim.Stats()
		c.Logf("requests in the busiest second: %d at xsp1, %d at xsp2; %d renewals in all", st.XSPs["xsp1"].Peak, st.XSPs["xsp2"].Peak, st.Renewed-before.Renewed)
		for name, x := range st.XSPs {
			require.LessOrEqual(c, x.Peak, int64(perXSP), name)
		}
		require.GreaterOrEqual(c, st.Renewed-before.Renewed, int64(subscribers), "everybody was compared")
		require.Equal(c, before.Subscribed, st.Subscribed, "and nobody subscribed again")
		require.LessOrEqual(c, st.XSPs["xsp1"].Channels+st.XSPs["xsp2"].Channels, int64(6), "two channels, dropped twice")
		require.Equal(c, provider.LinkUp, c.p.Status().Link)
		require.Zero(c, st.Live.Waiting)
	})
}

// An XSP that says 503 is asked less and less, and more again when it is well.
func TestAStormOf503SlowsUsDown(t *testing.T) {
	inCrowd(t, simulator.Config{Subscribers: 500, Seed: 2, GrantedExpires: 4 * time.Hour}, func(c *Config) {
		c.Rate, c.XSPRate = 100, 60
	}, func(c *crowd) {
		control(c.T, c.sim, "POST", "/simulator/faults", map[string]any{"kind": "drop_events"}, http.StatusCreated)
		c.after(30 * time.Second)
		before := c.sim.Stats()
		control(c.T, c.sim, "POST", "/simulator/faults", map[string]any{"kind": "overload", "xsp": "xsp1", "probability": 0.9, "duration_ms": 60_000}, http.StatusCreated)
		control(c.T, c.sim, "POST", "/simulator/faults", map[string]any{"kind": "drop_channel", "xsp": "xsp2"}, http.StatusCreated)
		c.after(60 * time.Second)
		st := c.sim.Stats()
		one := st.XSPs["xsp1"].Requests - before.XSPs["xsp1"].Requests
		two := st.XSPs["xsp2"].Requests - before.XSPs["xsp2"].Requests
		c.Logf("while xsp1 is overloaded: %d requests there, %d at xsp2", one, two)
		require.Less(c, one, two)
		c.after(3 * time.Minute)
		st = c.sim.Stats()
		require.GreaterOrEqual(c, st.Renewed-before.Renewed, int64(500), "all were compared in the end")
		require.Equal(c, 2, c.p.Status().Channels)
	})
}

// A group's users are compared by reading their calls, within a rate (dossier
// §3.6): at the start, when the link was lost, and each time the subscription
// is renewed.
func TestAGroupsUsersArePolledWithinARate(t *testing.T) {
	const subscribers, polls = 600, 25
	inCrowd(t, simulator.Config{Subscribers: subscribers, Seed: 3, GrantedExpires: 4 * time.Minute}, func(c *Config) {
		c.Network.Subscribe, c.PollRate = subscribeEnterprise, polls
		c.Network.Targets = []tenant.Target{{Enterprise: "demo-enterprise"}}
	}, func(c *crowd) {
		for i := range 30 {
			control(c.T, c.sim, "POST", "/simulator/calls", map[string]any{
				"subscriber_id": c.sim.Phones()[3*i].SubscriberID, "remote_number": "+442079460001"}, 0)
		}
		lists := func() (n int64) { st := c.sim.Stats(); return st.XSPs["xsp1"].Requests + st.XSPs["xsp2"].Requests }
		c.after(subscribers/polls*time.Second + 10*time.Second)
		n := lists()
		require.GreaterOrEqual(c, n, int64(subscribers), "everybody's calls were read")
		most := max(c.sim.Stats().XSPs["xsp1"].Peak, c.sim.Stats().XSPs["xsp2"].Peak)
		require.LessOrEqual(c, most, int64(polls+8), "but heartbeats and the like, none beyond the rate")
		require.Equal(c, 1, c.sim.Stats().Live.Subscriptions)
		c.after(5 * time.Minute)
		require.GreaterOrEqual(c, lists()-n, int64(subscribers), "and again when it was renewed")
	})
}

// xspNet leads to the XSPs of a simulator, in memory: whoever is down refuses.
type xspNet struct {
	sim   *simulator.Simulator
	doors []*scriptListener
	ended sync.WaitGroup
}

func newXSPNet(sim *simulator.Simulator, n int) *xspNet {
	w := &xspNet{sim: sim}
	for i := range n {
		l := &scriptListener{dials: make(chan net.Conn), closed: make(chan struct{})}
		w.doors = append(w.doors, l)
		w.ended.Go(func() { _ = sim.ServeXSP(i, l) })
	}
	return w
}

func (w *xspNet) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var i int
	if _, err := fmt.Sscanf(strings.TrimPrefix(address, "xsp"), "%d", &i); err != nil || i < 1 || i > len(w.doors) {
		return nil, fmt.Errorf("dial: no such host")
	}
	if !w.sim.Reachable(i - 1) {
		return nil, fmt.Errorf("dial: connection refused")
	}
	pipes := &script{dials: w.doors[i-1].dials}
	return pipes.dial(ctx, network, address)
}

func (w *xspNet) close() { w.ended.Wait() }
