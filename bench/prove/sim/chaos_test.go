package sim

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/provider/simulator"
)

// seedOf is the seed of this run, printed so that it can be replayed. A
// change's tests have always the same: a red one says something about the
// change. Others are for make chaos.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(1)
	if s := os.Getenv("OFFHOOK_CHAOS_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		require.NoError(t, err, "OFFHOOK_CHAOS_SEED")
		seed = n
	}
	t.Logf("make chaos SEED=%d", seed)
	return seed
}

// quietTime is longer than anything takes to come right by itself: every
// subscription is renewed meanwhile, which brings an exact snapshot.
const quietTime = 5 * time.Minute

func chaotic(seed uint64) simulator.Config {
	return simulator.Config{
		Subscribers: 40, Seed: seed | 1, XSPs: 2, CallDuration: 8 * time.Second,
		Chunks: simulator.ChunkAnyhow, GrantedExpires: 3 * time.Minute, GrantedSpread: 0.3,
		ResyncAfterLoss: seed%2 == 0, NewCallIDOnLift: seed%3 == 0,
		Treatment: time.Duration(seed%4) * 500 * time.Millisecond,
	}
}

// Ten minutes of traffic with faults of every kind over two XSPs; at quiet
// points and at the end offhook knows exactly the calls there are, every call
// it reported ended once, and every stream is whole. The second platform has
// the same users, and call ids like those of the first; its enterprise is
// followed as one. Now and then offhook itself crashes.
func TestTenMinutesOfEverythingGoingWrong(t *testing.T) {
	seed := seedOf(t)
	inVirtualTime(t, seed, []simulator.Config{chaotic(seed), chaotic(seed)}, func(w *world) {
		w.platforms[1].targets = []tenant.Target{{Enterprise: "demo-enterprise"}}
		w.crash() // from now on the second is followed as one
		w.after(time.Minute)
		w.compare("before anything happened")
		w.rounds(seed, 5, 2*time.Minute, simulator.FaultKinds(), quietTime)
		require.Greater(w, w.apps[0].met(), 300)
	})
}

// The same without events that vanish and leave no trace: what is lost with a
// channel is made up for when the link is well again, long before any
// subscription is renewed.
func TestWhatALinkLosesItMakesUpFor(t *testing.T) {
	seed := seedOf(t)
	cfg := chaotic(seed)
	cfg.GrantedExpires, cfg.ResyncAfterLoss = 12*time.Hour, false
	kinds := slices.DeleteFunc(simulator.FaultKinds(), func(k string) bool { return k == "drop_events" })
	inVirtualTime(t, seed, []simulator.Config{cfg}, func(w *world) {
		// A call that a platform says it dials and never does is looked for
		// after two minutes of silence, and gone when it was missed twice.
		w.rounds(seed, 3, 2*time.Minute, kinds, 4*time.Minute)
	})
}

// rounds are a while of traffic and faults each, and a quiet point behind it.
func (w *world) rounds(seed uint64, n int, storm time.Duration, kinds []string, quiet time.Duration) {
	for round := range n {
		for _, p := range w.platforms {
			p.traffic(w.Context(), 1.5)
		}
		w.storm(storm, kinds)
		for _, p := range w.platforms {
			p.traffic(w.Context(), 0)
			p.control(http.MethodDelete, "/faults", nil, nil)
		}
		w.after(quiet)
		w.compare(fmt.Sprintf("seed %d, quiet point %d", seed, round+1))
	}
	for _, p := range w.platforms {
		for _, c := range p.truth() {
			p.control(http.MethodPost, "/calls/"+c.ID+"/hangup", nil, nil)
		}
	}
	w.after(time.Minute)
	w.compare(fmt.Sprintf("seed %d, the end", seed))
	w.ended()
	st := w.platforms[0].sim.Stats()
	w.Logf("%d calls in %d events, %d of them synthetic; at the first platform %d events sent, %d resent, %d lost, %d dropped, %d delayed, %d reordered; channels ended by %v; faults %v",
		w.apps[0].met(), w.apps[0].events, w.apps[0].synthetic, st.EventsSent, st.EventsResent, st.EventsLost, st.EventsDropped,
		st.EventsDelayed, st.EventsReordered, st.ChannelsEndedBy, st.Faults)
}

// traffic sets the rate of random calls.
func (p *platform) traffic(ctx context.Context, rate float64) {
	sc, err := simulator.ParseScenario([]byte(fmt.Sprintf("0s traffic %g", rate)))
	if err == nil {
		_ = p.sim.Play(ctx, sc, nil)
	}
}

// storm is people, far ends, apps and faults doing what they like for a while.
func (w *world) storm(d time.Duration, kinds []string) {
	var asks sync.WaitGroup
	until := time.Now().Add(d)
	for time.Now().Before(until) {
		w.after(time.Duration(w.random.IntN(600)) * time.Millisecond)
		p := w.platforms[w.random.IntN(len(w.platforms))]
		switch n := w.random.IntN(100); {
		case n < 45:
			w.meddle(p)
		case n < 62:
			w.gossip(p)
		case n < 90:
			w.command(p, &asks)
		case n < 98:
			w.breaks(p, kinds)
		case w.random.IntN(4) == 0:
			asks.Wait()
			w.crash()
		}
	}
	asks.Wait()
}

var verbs = []string{
	"hangup", "hold", "resume", "answer", "remote-answer", "remote-hangup", "remote-hold", "remote-resume", "remote-transfer", "forward", "pickup",
}

// meddle has somebody do something to one of the calls.
func (w *world) meddle(p *platform) {
	all := p.truth()
	if len(all) == 0 {
		return
	}
	c, verb := all[w.random.IntN(len(all))], verbs[w.random.IntN(len(verbs))]
	if w.reserved[c.Subscriber] && verb != "hangup" && verb != "remote-answer" && verb != "remote-hangup" {
		return
	}
	p.control(http.MethodPost, "/calls/"+c.ID+"/"+verb, nil, nil)
}

// gossip is colleagues calling and transferring each other, which changes
// tracking ids.
func (w *world) gossip(p *platform) {
	n := len(w.reserved)
	user := func() string { return p.sim.Phones()[n+w.random.IntN(6)].SubscriberID }
	extension := func() int { return 1001 + n + w.random.IntN(6) }
	story := fmt.Sprintf("0s ?ring %s from %d as a\n+20ms ?answer a\n+100ms ?dial %s to %d as b\n", user(), extension(), user(), extension())
	switch w.random.IntN(3) {
	case 0:
		story += "+100ms ?consult a b\n+0s ?consult b a"
	case 1:
		story += fmt.Sprintf("+100ms ?pickup b\n+50ms ?transfer a to %d", 1003+n)
	default:
		story += fmt.Sprintf("+100ms ?transfer a to %d\n+50ms ?voicemail b", 1004+n)
	}
	sc, err := simulator.ParseScenario([]byte(story))
	require.NoError(w, err)
	_ = p.sim.Play(w.Context(), sc, nil) // what cannot be done is not
}

// command is an app asking for something: mostly what fits, sometimes not.
func (w *world) command(p *platform, asks *sync.WaitGroup) {
	live := w.directory.Live(w.apps[0].id)
	if len(live) == 0 || w.random.IntN(3) == 0 {
		ph := p.sim.Phones()[w.random.IntN(len(p.sim.Phones()))]
		cmd := engine.Command{Verb: engine.VerbOriginate, App: w.apps[0].id, Originate: &engine.Originate{
			SubscriberNumber: ph.SubscriberNumber, RemoteNumber: fmt.Sprintf("+1512555%04d", w.random.IntN(10000)),
		}}
		d := w.directory
		asks.Go(func() {
			if r := d.Do(w.Context(), p.subscriber(ph.SubscriberID), cmd); r.Err == nil {
				d.Lift(r.Call.ID)
			}
		})
		return
	}
	c := live[w.random.IntN(len(live))].Call
	verb := []engine.Verb{engine.VerbAnswer, engine.VerbHold, engine.VerbResume, engine.VerbEnd}[w.random.IntN(4)]
	d := w.directory
	asks.Go(func() { d.DoCall(w.Context(), engine.Command{Verb: verb, App: w.apps[0].id, Call: c.ID}) })
}

// breaks lets one thing go wrong for a while, somewhere or everywhere.
func (w *world) breaks(p *platform, kinds []string) {
	f := map[string]any{
		"kind": kinds[w.random.IntN(len(kinds))], "probability": []float64{0.2, 0.5, 1}[w.random.IntN(3)],
		"duration_ms": 200 + w.random.IntN(15_000), "delay_ms": 50 + w.random.IntN(2000),
	}
	switch w.random.IntN(5) {
	case 0, 1, 2:
		f["xsp"] = fmt.Sprintf("xsp%d", 1+w.random.IntN(2))
	case 3:
		f["subscriber_id"] = p.sim.Phones()[w.random.IntN(len(p.sim.Phones()))].SubscriberID
	}
	if f["kind"] == "end_channel" {
		f["reason"] = []string{"Expired", "NonResponsiveChannel", "ExplicitDelete", "UnknownChannel", "UserDeleted", "DuplicateChannelSet"}[w.random.IntN(6)]
		f["duration_ms"] = 0
	}
	require.True(w, p.fault(f), "%v", f)
}
