package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/engine/tenant"
	"offhook/provider"
	"offhook/provider/broadworks"
	"offhook/provider/simulator"
	"offhook/store"
	"offhook/transport/eventlog"
	"offhook/transport/httpapi"
	"offhook/transport/webhook"
)

// platform is a simulated BroadWorks with its phones.
type platform struct {
	network string
	sim     *simulator.Simulator
	bases   []string
	wires   *wires // nil over real sockets
	targets []tenant.Target
}

// subscriber is what offhook calls a user of the platform: two platforms may
// have the same users.
func (p *platform) subscriber(user string) string { return p.network + "/" + user }

// world is one offhook between its platforms and its apps. Those outlive it.
type world struct {
	testing.TB
	seed      uint64
	platforms []*platform
	apps      []*side
	fs        *vfs.MemFS
	disk      vfs.FS       // what the store sees of it, in one life; nil for itself
	slow      *slowly      // nil for a disk that is as fast as memory
	usual     int64        // how long a sync of the log takes on a good day, in ns
	syncs     atomic.Int64 // how long a sync of the log takes, in ns
	random    *rand.Rand   // the driver's
	wires     *wires       // to offhook's listener and to the receivers of webhooks

	store      *store.Store
	directory  *actor.Directory
	dispatcher *webhook.Dispatcher
	streams    *eventlog.Hub
	api        *httpapi.Server
	providers  networks
	cancel     context.CancelFunc
	running    sync.WaitGroup
	failed     chan error
	real       bool // over sockets, in real time
	served     sync.WaitGroup

	audit     audit
	receivers []*receiver
	doors     []*door       // of the receivers
	calm      time.Duration // longer than anything takes to come right by itself
	asleep    atomic.Bool   // it is night
	bursts    int           // of a morning
	machine                 // whose clock may be set

	sites    chan string     // a maybe site at which the power is to go now
	place    string          // the one where it does; "" for any
	reserved map[string]bool // users that only the desks' clients meddle with
	order    order
	wishes   atomic.Int64

	mu     sync.Mutex
	began  time.Time
	faults []string       // broken promises
	dials  map[string]int // requests to dial a number that were not refused
}

// inVirtualTime runs a story under a clock of its own.
func inVirtualTime(t *testing.T, seed uint64, sims []simulator.Config, story func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed, quietApp())
		w.rise(sims)
		defer w.fall()
		story(w)
	})
}

func newWorld(t testing.TB, seed uint64, apps ...*side) *world {
	w := &world{TB: t, seed: seed, bursts: 3, apps: apps, random: rand.New(rand.NewPCG(seed, 1)), failed: make(chan error, 1), sites: make(chan string, 1), reserved: map[string]bool{}, dials: map[string]int{}}
	w.fs = vfs.NewCrashableMem()
	w.wires = lay(seed)
	for _, s := range apps {
		s.violate = w.violated
	}
	return w
}

// rise makes platforms, and begins the first life of offhook before them.
func (w *world) rise(sims []simulator.Config) {
	for i, cfg := range sims {
		p := w.raise(fmt.Sprintf("net%d", i+1), cfg)
		p.wires = lay(w.seed + uint64(i) + 1)
		p.wires.jitter = w.wires.jitter
		p.wires.reachable = p.reachable
		for i := range p.bases {
			d := p.wires.listen(fmt.Sprintf("xsp%d", i+1))
			p.wires.ended.Go(func() { _ = p.sim.ServeXSP(i, d) })
		}
	}
	w.began = time.Now()
	w.receive()
	w.start()
	w.provision()
}

// fall ends everything, and outlasts the goroutines that fasthttp keeps.
func (w *world) fall() {
	w.stop()
	for _, p := range w.platforms {
		require.NoError(w, p.sim.Close())
		p.wires.ended.Wait()
	}
	for _, d := range w.doors {
		_ = d.Close()
	}
	for _, r := range w.receivers {
		r.end()
	}
	w.wires.ended.Wait()
	time.Sleep(2 * idleWorker)
	synctest.Wait()
}

const apiHost = "offhook"

// idleWorker is how long the listener keeps a goroutine without a connection.
const idleWorker = 10 * time.Second

func (p *platform) reachable(xsp string) bool {
	var n int
	_, err := fmt.Sscanf(xsp, "xsp%d", &n)
	return err == nil && p.sim.Reachable(n-1)
}

// raise makes a platform.
func (w *world) raise(network string, cfg simulator.Config) *platform {
	p := &platform{network: network, bases: cfg.Bases}
	for i := len(p.bases); i < max(cfg.XSPs, 1); i++ {
		p.bases = append(p.bases, fmt.Sprintf("http://xsp%d", i+1))
	}
	cfg.Bases = p.bases
	p.sim = simulator.New(cfg)
	w.platforms = append(w.platforms, p)
	return p
}

// start begins a life of offhook on what is on the disk.
func (w *world) start() {
	w.Helper()
	var err error
	w.boot()
	opts := store.Options{FS: w.fs, SweepEvery: time.Hour, CacheBytes: 1 << 20, MemTable: 256 << 10, Clock: w.watch, Ahead: []int{0, 1, 2 << 10}[w.seed%3]}
	if w.disk != nil {
		opts.FS = w.disk
		opts.MemTable = 8 << 20 // a log that is full and cannot be synced is waited for with locks held
	}
	w.store, err = store.Open("data", opts)
	require.NoError(w, err)
	for _, a := range w.apps {
		if _, made := w.store.App(a.id); !made {
			require.NoError(w, w.store.PutApp(a.app()))
		}
	}
	w.build()
	for _, p := range w.platforms {
		w.providers[p.network] = w.provider(p)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	require.NoError(w, w.directory.Start(ctx))
	w.dispatcher.Start()
	api, door := w.api, w.wires.listen(apiHost)
	door.tap = w.answered
	w.running.Go(func() { assert.NoError(w, api.Serve(door)) })
	for _, p := range w.providers {
		w.running.Go(func() { _ = p.Run(ctx) })
	}
	require.NoError(w, w.store.Subscribers("", 0, func(s *tenant.SubscriberInfo) error {
		w.providers.Follow(s.Profile.Network, s.Profile.ProviderUser)
		return nil
	}))
}

// build puts the parts together as cmd/offhook does.
func (w *world) build() {
	var err error
	w.providers = networks{}
	journal := actor.Journal(w.store)
	if w.slow = nil; w.usual > 0 {
		w.slow = newSlowly(w.store, &w.syncs)
		journal = w.slow
	}
	w.dispatcher = webhook.New(webhook.Config{
		Outbox: w.store, Tenants: w.store, Clock: w.watch,
		Poster: webhook.NewClient(webhook.ClientConfig{Guard: webhook.Guard{AllowHTTP: true, AllowPrivate: true}, Dial: w.leave, Now: w.wall}),
	})
	durable := w.store.Durable()
	// Not w's: those of an earlier life may still be asked.
	var directory *actor.Directory
	w.streams = eventlog.New(eventlog.Config{
		Log: w.store, Key: w.store.CursorKey(),
		Live:    func(app string) []actor.CallView { return directory.Live(app) },
		Horizon: func() uint64 { return max(directory.Released(), durable) },
	})
	directory = actor.New(actor.Config{
		Journal: journal, Store: w.store, Networks: w.providers, Outbox: outbox{w.dispatcher, w.streams}, Clock: w.watch,
		Kept: []int{-1, 256, 0}[w.random.IntN(3)], // who is forgotten comes from the store
		Failed: func(err error) {
			select {
			case w.failed <- err:
			default:
			}
		},
	})
	w.directory = directory
	w.api, err = httpapi.New(httpapi.Config{Calls: directory, Tenants: w.store, Events: w.streams, History: w.store, IdleWorker: idleWorker})
	require.NoError(w, err)
}

// outbox is everybody who waits for events.
type outbox struct {
	*webhook.Dispatcher
	streams *eventlog.Hub
}

func (o outbox) Logged(app string) { o.streams.Logged(app) }

func (w *world) provider(p *platform) *broadworks.Provider {
	jitter := rand.New(rand.NewPCG(w.random.Uint64(), 2))
	cfg := broadworks.Config{
		Network: tenant.BroadWorks{
			XSPs: p.bases, Username: "admin@simulator.example", Password: "simulator", ApplicationID: "offhook-chaos", Targets: p.targets,
		},
		NetworkID: p.network, CountryCode: "1", Memory: w.store.Memory(p.network), Sink: sink{w, p.network}, Random: jitter.Float64,
		// What takes a quarter of an hour in production takes a minute here.
		Probe: time.Minute, Duplicate: time.Minute, RefusedWait: time.Minute,
		Log: slog.New(slog.DiscardHandler),
	}
	if len(p.targets) > 0 {
		cfg.Network.Subscribe = "enterprise"
	}
	if p.wires != nil {
		cfg.Dial = w.watched(p)
	} else {
		cfg.Dial = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	}
	made, err := broadworks.New(cfg)
	require.NoError(w, err)
	return made
}

// provision makes every phone a subscriber that the app follows.
func (w *world) provision() {
	w.Helper()
	ctx := context.Background()
	for _, p := range w.platforms {
		for _, ph := range p.sim.Phones() {
			id := p.subscriber(ph.SubscriberID)
			_, refused := w.directory.PutProfile(ctx, engine.Profile{
				ID: id, Number: ph.SubscriberNumber, Name: ph.SubscriberName, Network: p.network, ProviderUser: ph.SubscriberID,
			})
			require.Nil(w, refused)
			for _, a := range w.apps {
				if a.follows(id) {
					require.Nil(w, w.directory.Link(ctx, a.id, id))
				}
			}
		}
	}
}

// stop ends a life of offhook in good order.
func (w *world) stop() {
	w.Helper()
	w.cancel()
	soon, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = w.api.Shutdown(soon) // who does not end in time is cut off
	w.running.Wait()
	w.directory.Close()
	_ = w.dispatcher.Stop(soon)
	if w.slow != nil {
		w.slow.end()
	}
	require.NoError(w, w.store.Close())
	select {
	case err := <-w.failed:
		require.NoError(w, err)
	default:
	}
}

// crash ends it in no order at all: what was not synced is gone. No connection
// outlives the moment, so nothing is acknowledged that the disk has not.
func (w *world) crash() {
	w.Helper()
	w.forgot.Store(w.stepped.Load())
	w.wires.sever()
	for _, p := range w.platforms {
		p.wires.sever()
	}
	left := w.fs.CrashClone(vfs.CrashCloneCfg{
		UnsyncedDataPercent: []int{0, 50, 100}[w.random.IntN(3)], RNG: rand.New(rand.NewPCG(w.random.Uint64(), 4)),
	})
	w.stop()
	w.fs = left
	w.wires.mend()
	for _, p := range w.platforms {
		p.wires.mend()
	}
	w.start()
}

// networks are the owners' way to the providers of one life.
type networks map[string]*broadworks.Provider

func (n networks) Ask(ctx context.Context, network string, ask engine.Ask) engine.Outcome {
	return n[network].Ask(ctx, ask)
}

func (n networks) Platform(network string) *engine.Platform { return n[network].Platform() }
func (n networks) Follow(network, user string)              { n[network].Follow(user) }
func (n networks) Unfollow(network, user string)            { n[network].Unfollow(user) }

// sink hands what one platform tells to the owners.
type sink struct {
	w       *world
	network string
}

func (s sink) Deliver(user string, ev *engine.Event, r provider.Receipt) {
	s.w.audit.heard(ev)
	s.w.directory.Deliver(s.network, user, ev, r)
}

func (s sink) Resync(user string) { s.w.directory.Resync(s.network, user) }

// after lets time pass.
func (w *world) after(d time.Duration) {
	if w.real {
		<-time.After(d)
		return
	}
	time.Sleep(d)
	synctest.Wait()
}

// control drives a platform from its other side; what it refuses is refused.
func (p *platform) control(method, path string, body, into any) int {
	var b bytes.Buffer
	if body != nil {
		_ = json.NewEncoder(&b).Encode(body)
	}
	rec := httptest.NewRecorder()
	p.sim.Handler().ServeHTTP(rec, httptest.NewRequest(method, "/simulator"+path, &b))
	if into != nil {
		_ = json.Unmarshal(rec.Body.Bytes(), into)
	}
	return rec.Code
}

func (p *platform) fault(f map[string]any) bool {
	return p.control(http.MethodPost, "/faults", f, nil) == http.StatusCreated
}

// call is one of the platform's own truth.
type call struct {
	ID         string `json:"call_id"`
	Subscriber string `json:"subscriber_id"`
	State      string `json:"state"`
	Direction  string `json:"direction"`
}

func (p *platform) truth() (calls []call) {
	p.control(http.MethodGet, "/calls", nil, &calls)
	return calls
}
