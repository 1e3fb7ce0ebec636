package actor

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"offhook/engine"
	"offhook/engine/clock"
	"offhook/engine/trace"
)

// Config is what a Directory is built from. Ports are required; the rest has
// useful zeroes.
type Config struct {
	Journal  Journal
	Store    Store
	Networks Networks
	Outbox   Outbox

	Rules     engine.Config
	Commands  int           // commands that may wait for one subscriber; zero means 32
	Facts     int           // facts that may wait for one subscriber; zero means 256
	Unsynced  int           // steps of one subscriber that may wait for the disk; zero means 256
	Kept      int           // subscribers that stay in memory without a live call, of those that were busy last; zero means 8,192, less than zero none
	InFlight  int           // steps of all subscribers that may wait for the disk before commands are refused; zero means 65,536
	FactWait  time.Duration // how long a fact may wait undecided; zero means 1 s
	AskTime   time.Duration // how long a request to the provider may take; zero means 10 s
	Snapshots int           // snapshots read at the same time, of all subscribers; zero means 16
	Clock     *clock.Clock  // nil means the system's
	Entropy   func() uint64 // nil means the runtime's generator
	Log       *slog.Logger
	Metrics   *Metrics
	Room      func() Room   // how much may be stored; nil means enough
	Tracer    *trace.Tracer // of requests to the provider; nil exports nothing
	Traces    *trace.Memory // learns what events came of traced requests; nil forgets it
	// Changed is called when what Board shows of a subscriber, by his folded id,
	// is another; nil for nobody who watches. Locks are held: it asks nothing
	// and does not wait.
	Changed func(subscriber string)
	// Failed is called once when the journal fails: the outcome of what was
	// submitted is unknown, and this process may no longer own anything.
	Failed func(error)
}

const (
	shards       = 256 // of the directory; a divisor of engine.Slots
	janitorEvery = 250 * time.Millisecond
)

// Directory finds the owner of a subscriber: it wakes, parks and drains.
type Directory struct {
	cfg    Config
	shards [shards]shard

	born     time.Time
	unsynced atomic.Int64  // steps waiting for the disk
	released atomic.Uint64 // index of the last event whose effects are out
	failed   atomic.Bool
	draining atomic.Bool
	owed     atomic.Int64 // receipts of facts there was no room for; see miss

	users   userIndex
	askers  askers
	claims  [64]sync.Mutex // serialise claims on provider users
	inboxes sync.Pool
	answers sync.Pool    // reply channels, empty
	resting chan *entry  // what owners without a subscriber wait at
	rests   atomic.Int64 // how many do
	wants   func(app string) *engine.Wants

	mostKept int // in each shard

	stop chan struct{}
	wg   sync.WaitGroup // the janitor, owners and asks
}

// shard holds the entries of four slots, and what of them is durable.
type shard struct {
	mu      sync.Mutex
	closed  bool              // no owner is started any more
	carried int               // subscribers that are owned by whoever brought an input
	back    sync.Cond         // none is
	entries map[string]*entry // by folded subscriber id
	calls   map[engine.CallID]*entry

	conferences map[engine.ConferenceID]*entry
	apps        map[string]map[*entry]struct{} // subscribers with live calls, by linked app
	watched     []*entry                       // whom the janitor looks after
	owed        map[*entry][]Receipt           // of facts that there was no room for, not even for a mark
	dozing      dozing
	deadlines   deadlines
	names       map[string]string // see same
}

// New returns a Directory. Start must be called before anything else.
func New(cfg Config) *Directory {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&cfg.Commands, 32)
	def(&cfg.Facts, 256)
	def(&cfg.Unsynced, 256)
	def(&cfg.InFlight, 65536)
	def(&cfg.Snapshots, 16)
	def(&cfg.Kept, 8192)
	cfg.Rules = cfg.Rules.Filled() // and so shared by all subscribers
	if cfg.FactWait == 0 {
		cfg.FactWait = time.Second
	}
	if cfg.AskTime == 0 {
		cfg.AskTime = 10 * time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.New(nil, nil)
	}
	if cfg.Entropy == nil {
		cfg.Entropy = rand.Uint64
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	d := &Directory{cfg: cfg, born: time.Now(), stop: make(chan struct{}), resting: make(chan *entry)}
	for i := range d.shards {
		d.shards[i] = shard{
			entries: map[string]*entry{},
			calls:   map[engine.CallID]*entry{},

			conferences: map[engine.ConferenceID]*entry{},
			apps:        map[string]map[*entry]struct{}{},
			owed:        map[*entry][]Receipt{},
			names:       map[string]string{},
		}
		d.shards[i].back.L = &d.shards[i].mu
	}
	d.users.init()
	d.wants = cfg.Outbox.Wants
	d.mostKept = (max(cfg.Kept, 0) + shards - 1) / shards
	d.askers.limit = cfg.Snapshots
	d.askers.ctx, d.askers.cancel = context.WithCancel(context.Background())
	d.answers.New = func() any { return make(chan engine.Reply, 1) }
	d.inboxes.New = func() any { return newInbox(cfg.Commands, cfg.Facts) }
	return d
}

// Start brings back the subscribers that had live calls, open intents or marks
// when the process ended, and returns when all of them are in place.
func (d *Directory) Start(ctx context.Context) error {
	d.wg.Go(d.janitor)
	var loading sync.WaitGroup
	err := d.cfg.Store.Unsettled(func(subscriber string, marked bool) error {
		loading.Add(1)
		d.control(subscriber, control{in: engine.Input{Restart: true}, done: loading.Done})
		if marked {
			e := d.lock(subscriber)
			e.compare(true)
			e.shard.mu.Unlock()
		}
		return ctx.Err()
	})
	loading.Wait()
	return err
}

// Drain refuses new commands and returns when nothing is open any more, or
// with the context's error.
func (d *Directory) Drain(ctx context.Context) error {
	d.draining.Store(true)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for d.busy() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

func (d *Directory) busy() bool {
	for i := range d.shards {
		s := &d.shards[i]
		s.mu.Lock()
		for _, e := range s.entries {
			if e.running || e.unsynced > 0 || e.waiting > 0 {
				s.mu.Unlock()
				return true
			}
		}
		s.mu.Unlock()
	}
	return false
}

// Close ends every goroutine of the directory. What is queued stays undone;
// Drain first for an orderly end. Asks under way are cancelled.
func (d *Directory) Close() {
	d.draining.Store(true)
	d.failed.Store(true)
	close(d.stop)
	for i := range d.shards {
		s := &d.shards[i]
		s.mu.Lock()
		s.closed = true
		for s.carried > 0 {
			s.back.Wait()
		}
		s.mu.Unlock()
	}
	close(d.resting) // nobody is woken any more
	d.askers.close()
	d.wg.Wait()
	for i := range d.shards {
		d.shards[i].disarm()
	}
}

// disarm stops the timer: until it goes off it keeps all of the directory in
// memory.
func (s *shard) disarm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.deadlines.timer; t != nil {
		t.Stop()
	}
}

// fail is called when the journal cannot promise anything any more.
func (d *Directory) fail(err error) {
	if d.failed.CompareAndSwap(false, true) && d.cfg.Failed != nil {
		d.cfg.Failed(err)
	}
}

func (d *Directory) shard(subscriber string) (*shard, string) {
	key := engine.Fold(subscriber)
	return &d.shards[engine.SlotOf(key)%shards], key
}

// lock locks the shard of a subscriber, and returns its entry.
func (d *Directory) lock(subscriber string) *entry {
	s, key := d.shard(subscriber)
	s.mu.Lock()
	return d.entry(s, key)
}

// entry returns the entry of a subscriber, made when there is none.
// s.mu is held.
func (d *Directory) entry(s *shard, key string) *entry {
	e := s.entries[key]
	if e == nil {
		e = &entry{dir: d, shard: s, key: key}
		s.entries[key] = e
	}
	return e
}

func (d *Directory) entropy() [2]uint64 { return [2]uint64{d.cfg.Entropy(), d.cfg.Entropy()} }
