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
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/engine/tenant"
	"offhook/provider"
	"offhook/provider/broadworks"
	"offhook/provider/simulator"
	"offhook/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const app = "app"

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

// world is one offhook before its platforms.
type world struct {
	testing.TB
	platforms []*platform
	fs        *vfs.MemFS
	random    *rand.Rand

	store     *store.Store
	directory *actor.Directory
	providers map[string]*broadworks.Provider
	cancel    context.CancelFunc
	running   sync.WaitGroup
	failed    chan error
	real      bool // over sockets, in real time
	served    sync.WaitGroup

	audit audit
}

// inVirtualTime runs a story under a clock of its own.
func inVirtualTime(t *testing.T, seed uint64, sims []simulator.Config, story func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed)
		for i, cfg := range sims {
			p := w.raise(fmt.Sprintf("net%d", i+1), cfg)
			p.wires = lay(p.sim, len(p.bases))
		}
		w.start()
		w.provision()
		defer func() {
			w.stop()
			for _, p := range w.platforms {
				require.NoError(t, p.sim.Close())
				if p.wires != nil {
					p.wires.ended.Wait()
				}
			}
			synctest.Wait()
		}()
		story(w)
	})
}

func newWorld(t testing.TB, seed uint64) *world {
	return &world{TB: t, fs: vfs.NewCrashableMem(), random: rand.New(rand.NewPCG(seed, 1)), failed: make(chan error, 1)}
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
	w.store, err = store.Open("data", store.Options{FS: w.fs, SweepEvery: -1, CacheBytes: 1 << 20, MemTable: 4 << 20})
	require.NoError(w, err)
	if _, made := w.store.App(app); !made {
		require.NoError(w, w.store.PutApp(&tenant.App{ID: app, Name: "chaos"}))
	}
	w.providers = map[string]*broadworks.Provider{}
	w.directory = actor.New(actor.Config{
		Journal: w.store, Store: w.store, Networks: w, Outbox: nobody{}, Failed: func(err error) {
			select {
			case w.failed <- err:
			default:
			}
		},
	})
	for _, p := range w.platforms {
		w.providers[p.network] = w.provider(p)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	require.NoError(w, w.directory.Start(ctx))
	for _, p := range w.providers {
		w.running.Go(func() { _ = p.Run(ctx) })
	}
	require.NoError(w, w.store.Subscribers("", 0, func(s *tenant.SubscriberInfo) error {
		w.Follow(s.Profile.Network, s.Profile.ProviderUser)
		return nil
	}))
}

func (w *world) provider(p *platform) *broadworks.Provider {
	jitter := rand.New(rand.NewPCG(w.random.Uint64(), 2))
	cfg := broadworks.Config{
		Network: tenant.BroadWorks{
			XSPs: p.bases, Username: "admin@simulator.example", Password: "simulator", ApplicationID: "offhook-chaos", Targets: p.targets,
		},
		NetworkID: p.network, CountryCode: "1", Memory: w.store.Memory(p.network), Sink: told{w, p.network}, Random: jitter.Float64,
		// What takes a quarter of an hour in production takes a minute here.
		Probe: time.Minute, Duplicate: time.Minute, RefusedWait: time.Minute,
		Log: slog.New(slog.DiscardHandler),
	}
	if len(p.targets) > 0 {
		cfg.Network.Subscribe = "enterprise"
	}
	if p.wires != nil {
		cfg.Dial = p.wires.dial
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
			require.Nil(w, w.directory.Link(ctx, app, id))
		}
	}
}

// stop ends a life of offhook in good order.
func (w *world) stop() {
	w.Helper()
	w.cancel()
	w.running.Wait()
	w.directory.Close()
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
	for _, p := range w.platforms {
		p.wires.sever()
	}
	left := w.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 0})
	w.stop()
	w.fs = left
	for _, p := range w.platforms {
		p.wires.mend()
	}
	w.start()
}

// Ask, Follow and Unfollow make the world the owners' way to the providers.
func (w *world) Ask(ctx context.Context, network string, ask engine.Ask) engine.Outcome {
	return w.providers[network].Ask(ctx, ask)
}

func (w *world) Follow(network, user string) { w.providers[network].Follow(user) }

func (w *world) Unfollow(network, user string) { w.providers[network].Unfollow(user) }

// told hands what one platform tells to the owners.
type told struct {
	w       *world
	network string
}

func (s told) Deliver(user string, ev *engine.Event, r provider.Receipt) {
	s.w.audit.heard(ev)
	s.w.directory.Deliver(s.network, user, ev, r)
}

func (s told) Resync(user string) { s.w.directory.Resync(s.network, user) }

// nobody has a webhook: events are logged.
type nobody struct{}

func (nobody) Wanted(string, engine.StreamKind) bool            { return false }
func (nobody) Wants(string) *engine.Wants                       { return nil }
func (nobody) Logged(string)                                    {}
func (nobody) Ready(_, _ string, _ engine.StreamKind, _ uint64) {}

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
