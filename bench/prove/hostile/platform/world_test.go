package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/engine/tenant"
	"offhook/provider"
	"offhook/provider/broadworks"
	"offhook/provider/simulator"
	"offhook/store"
)

const (
	app     = "app"
	network = "net1"
	people  = 6
)

// world is one offhook before one platform, which may turn.
type world struct {
	testing.TB
	sim  *simulator.Simulator
	wire *wire

	store     *store.Store
	directory *actor.Directory
	provider  *broadworks.Provider
	random    *rand.Rand

	index    uint64 // of the log, read so far
	numbers  map[string]uint64
	states   map[engine.CallID]engine.State
	releases map[engine.CallID]int
}

// inVirtualTime runs a story under a clock of its own.
func inVirtualTime(t *testing.T, tune func(*broadworks.Config), story func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			TB: t, sim: simulator.New(simulator.Config{Subscribers: people, Seed: 7, Bases: []string{"http://xsp1"}, Traffic: simulator.TrafficNone}),
			random: rand.New(rand.NewPCG(7, 1)), numbers: map[string]uint64{}, states: map[engine.CallID]engine.State{}, releases: map[engine.CallID]int{},
		}
		w.wire = newWire(w.sim)
		stop := w.start(tune)
		defer func() {
			stop()
			w.wire.turn(nil, everywhere)
			require.NoError(t, w.sim.Close())
			w.wire.door.Close()
			w.wire.ended.Wait()
			synctest.Wait()
		}()
		story(w)
	})
}

func (w *world) start(tune func(*broadworks.Config)) (stop func()) {
	var err error
	w.store, err = store.Open("data", store.Options{FS: vfs.NewCrashableMem(), SweepEvery: -1, CacheBytes: 1 << 20, MemTable: 1 << 20})
	require.NoError(w, err)
	require.NoError(w, w.store.PutApp(&tenant.App{ID: app, Name: "hostile"}))
	cfg := broadworks.Config{
		Network:   tenant.BroadWorks{XSPs: []string{"http://xsp1"}, Username: "admin@simulator.example", Password: "simulator", ApplicationID: "offhook-hostile"},
		NetworkID: network, CountryCode: "1", Memory: w.store.Memory(network), Sink: w, Random: w.random.Float64, Dial: w.wire.dial,
		// What takes a quarter of an hour in production takes a minute here.
		Probe: time.Minute, Duplicate: time.Minute, RefusedWait: time.Minute,
		Log: slog.New(slog.DiscardHandler),
	}
	tune(&cfg)
	w.provider, err = broadworks.New(cfg)
	require.NoError(w, err)
	w.directory = actor.New(actor.Config{Journal: w.store, Store: w.store, Networks: w, Outbox: nobody{}, Failed: func(err error) { w.Errorf("journal: %v", err) }})
	ctx, cancel := context.WithCancel(context.Background())
	require.NoError(w, w.directory.Start(ctx))
	var running sync.WaitGroup
	running.Go(func() { _ = w.provider.Run(ctx) })
	for _, ph := range w.sim.Phones() {
		id := network + "/" + ph.SubscriberID
		_, refused := w.directory.PutProfile(ctx, engine.Profile{ID: id, Number: ph.SubscriberNumber, Name: ph.SubscriberName, Network: network, ProviderUser: ph.SubscriberID})
		require.Nil(w, refused)
		require.Nil(w, w.directory.Link(ctx, app, id))
	}
	return func() {
		cancel()
		running.Wait()
		w.directory.Close()
		require.NoError(w, w.store.Close())
	}
}

// Ask, Follow and Unfollow make the world the owners' way to the provider;
// Deliver and Resync make it the provider's way to the owners.
func (w *world) Ask(ctx context.Context, _ string, ask engine.Ask) engine.Outcome {
	return w.provider.Ask(ctx, ask)
}
func (w *world) Platform(string) *engine.Platform { return w.provider.Platform() }
func (w *world) Follow(_, user string)            { w.provider.Follow(user) }
func (w *world) Unfollow(_, user string)          { w.provider.Unfollow(user) }
func (w *world) Deliver(user string, ev *engine.Event, r provider.Receipt) {
	w.directory.Deliver(network, user, ev, r)
}
func (w *world) Resync(user string) { w.directory.Resync(network, user) }

// nobody has a webhook: events are logged.
type nobody struct{}

func (nobody) Wanted(string, engine.StreamKind) bool            { return false }
func (nobody) Wants(string) *engine.Wants                       { return nil }
func (nobody) Logged(string)                                    {}
func (nobody) Ready(_, _ string, _ engine.StreamKind, _ uint64) {}

// after lets time pass.
func (w *world) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// control drives the good platform from its other side.
func (w *world) control(method, path string, body, into any) {
	var b bytes.Buffer
	if body != nil {
		require.NoError(w, json.NewEncoder(&b).Encode(body))
	}
	rec := httptest.NewRecorder()
	w.sim.Handler().ServeHTTP(rec, httptest.NewRequest(method, "/simulator"+path, &b))
	require.Less(w, rec.Code, 300, "%s %s: %s", method, path, rec.Body)
	if into != nil {
		require.NoError(w, json.Unmarshal(rec.Body.Bytes(), into))
	}
}

// call is one of the platform's own truth.
type call struct {
	ID         string `json:"call_id"`
	Subscriber string `json:"subscriber_id"`
	State      string `json:"state"`
}

func (w *world) truth() (live []call) {
	var all []call
	w.control(http.MethodGet, "/calls", nil, &all)
	for _, c := range all {
		if c.State != "released" {
			live = append(live, c)
		}
	}
	return live
}

// ring lets a phone ring, and be answered.
func (w *world) ring(n int) {
	var c call
	w.control(http.MethodPost, "/calls", map[string]any{"subscriber_id": w.sim.Phones()[n].SubscriberID, "remote_number": "+15125550100"}, &c)
	w.control(http.MethodPost, "/calls/"+c.ID+"/answer", nil, nil)
}

func (w *world) hangUp(c call) { w.control(http.MethodPost, "/calls/"+c.ID+"/hangup", nil, nil) }

// agree reports whether offhook knows the platform's calls, and no other.
func (w *world) agree() (ours, theirs map[string]string, ok bool) {
	ours, theirs = map[string]string{}, map[string]string{}
	for _, c := range w.directory.Live(app) {
		ours[c.Profile.ID+" "+c.Call.ProviderID] = c.Call.State.String()
	}
	for _, c := range w.truth() {
		theirs[network+"/"+c.Subscriber+" "+c.ID] = c.State
	}
	ok = len(ours) == len(theirs)
	for id, state := range theirs {
		ok = ok && ours[id] == state
	}
	return ours, theirs, ok
}

// settles waits until offhook and the platform agree, and holds the log of
// the app against the promises.
func (w *world) settles(limit time.Duration, when string) (took time.Duration) {
	w.Helper()
	for ; took < limit; took += time.Second {
		if _, _, ok := w.agree(); ok && w.provider.Status().Link == provider.LinkUp {
			break
		}
		w.after(time.Second)
	}
	ours, theirs, _ := w.agree()
	require.Equal(w, theirs, ours, when)
	require.Equal(w, provider.LinkUp, w.provider.Status().Link, "%s: %s", when, w.provider.Status().Detail)
	w.read()
	return took
}

// read takes in the app's log: numbers without a gap, and no call ends twice.
func (w *world) read() {
	w.Helper()
	_, err := w.store.Events(app, w.index, 0, func(ev engine.StoredEvent) error {
		w.index = ev.Index
		if ev.Kind != engine.StreamCalls {
			return nil
		}
		w.numbers[ev.Subscriber]++
		require.Equal(w, w.numbers[ev.Subscriber], ev.Sequence, "the stream of %s is whole", ev.Subscriber)
		require.NotEqual(w, engine.StateReleased, w.states[ev.Call], "%s of %s, which is over", ev.State, ev.Call)
		w.states[ev.Call] = ev.State
		if ev.State == engine.StateReleased {
			w.releases[ev.Call]++
		}
		return nil
	})
	require.NoError(w, err)
}

// everybodyEnds fails unless each call that the app was told of ended, once.
func (w *world) everybodyEnds() {
	w.Helper()
	for id := range w.states {
		require.Equal(w, 1, w.releases[id], "%s ends once", id)
	}
}

// heap is what is in use after a collection.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc) // #nosec G115 -- a heap is no exabyte
}
