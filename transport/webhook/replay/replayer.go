package replay

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"offhook/engine"
	"offhook/engine/clock"
)

// Replayer runs tasks. Make it with New, begin with Run, end with Stop. Its
// methods may be called from any goroutine.
type Replayer struct {
	cfg   Config
	log   *slog.Logger
	slots chan struct{} // one in it for each attempt under way

	ctx  context.Context
	end  context.CancelFunc
	work sync.WaitGroup

	mu      sync.Mutex
	running bool
	tasks   map[taskKey]*run
	shares  map[string]*share // of apps with tasks
}

type taskKey struct{ app, id string }

// New makes a Replayer without tasks.
func New(cfg Config) *Replayer {
	def(&cfg.PerApp, 4)
	def(&cfg.InAll, 64)
	def(&cfg.Streams, 4)
	def(&cfg.Attempts, 12)
	def(&cfg.Keep, 100)
	def(&cfg.KeepFor, 7*24*time.Hour)
	def(&cfg.Count, 100_000)
	if cfg.Clock == nil {
		cfg.Clock = clock.New(nil, nil)
	}
	if cfg.Random == nil {
		cfg.Random = rand.Uint64
	}
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &Replayer{
		cfg: cfg, log: log, slots: make(chan struct{}, cfg.Attempts),
		tasks: map[taskKey]*run{}, shares: map[string]*share{},
	}
	r.ctx, r.end = context.WithCancel(context.Background())
	return r
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Run goes on with the tasks a restart interrupted, and takes new ones.
func (r *Replayer) Run() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running || r.ctx.Err() != nil {
		return ErrStopped
	}
	var open []Task
	err := r.cfg.Tasks.Tasks("", func(t Task) error {
		if t.State == Running {
			open = append(open, t)
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.running = true
	for _, t := range open {
		go r.admit(t).loop()
	}
	r.work.Add(1)
	go r.sweeper()
	return nil
}

// Stop interrupts all tasks. It returns when the attempts under way have
// ended, or with ctx; the tasks go on when there is another Replayer.
func (r *Replayer) Stop(ctx context.Context) error {
	r.mu.Lock()
	r.running = false
	r.end()
	r.mu.Unlock()
	done := make(chan struct{})
	go func() { r.work.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Start begins a task over the events of a range that are durable now. It is
// on disk when Start returns.
//
// Errors: ErrRange, ErrNoWebhook, ErrBusy, ErrStopped, or the store's.
func (r *Replayer) Start(of Range) (Task, error) {
	if err := check(&of); err != nil {
		return Task{}, err
	}
	if !wanted(r.cfg.Tenants, &of) {
		return Task{}, ErrNoWebhook
	}
	now := r.now()
	t := Task{ID: r.newID(), Range: of, State: Running, CreatedAt: now, UpdatedAt: now, End: r.cfg.Log.Durable()}
	r.mu.Lock()
	s := r.shares[of.App]
	switch {
	case !r.running:
		r.mu.Unlock()
		return Task{}, ErrStopped
	case len(r.tasks) >= r.cfg.InAll, s != nil && s.tasks >= r.cfg.PerApp:
		r.mu.Unlock()
		return Task{}, ErrBusy
	}
	w := r.admit(t)
	w.mu.Lock() // nobody sees it before it is on disk
	r.mu.Unlock()
	err := r.cfg.Tasks.PutTask(&t, true)
	w.mu.Unlock()
	if err != nil {
		w.cancel()
		r.ended(w)
		return Task{}, err
	}
	go w.loop()
	return t, nil
}

// admit makes room for a task; mu is held. ended takes it back.
func (r *Replayer) admit(t Task) *run {
	s := r.shares[t.Range.App]
	if s == nil {
		s = &share{slots: make(chan struct{}, r.cfg.Streams), probe: make(chan struct{}, 1)}
		r.shares[t.Range.App] = s
	}
	s.tasks++
	w := r.newRun(t, s)
	r.tasks[taskKey{t.Range.App, t.ID}] = w
	r.work.Add(1)
	r.cfg.Metrics.began()
	return w
}

// ended takes back what admit gave. What is finished is read from disk from
// then on.
func (r *Replayer) ended(w *run) {
	defer r.work.Done()
	w.cancel()
	r.cfg.Metrics.ended()
	r.mu.Lock()
	app := w.task.Range.App
	delete(r.tasks, taskKey{app, w.task.ID})
	if w.share.tasks--; w.share.tasks == 0 {
		delete(r.shares, app)
	}
	r.mu.Unlock()
	r.prune(app)
}

// Task is a task of an app, running or finished.
func (r *Replayer) Task(app, id string) (Task, bool) {
	if w := r.find(app, id); w != nil {
		return w.view(), true
	}
	t, ok, err := r.cfg.Tasks.Task(app, id)
	if err != nil {
		r.log.Error("redelivery task cannot be read", "app", app, "task", id, "error", err)
	}
	return t, ok && err == nil
}

func (r *Replayer) find(app, id string) *run {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tasks[taskKey{app, id}]
}

// Tasks are the tasks of an app, the oldest first.
func (r *Replayer) Tasks(app string) []Task {
	all := r.kept(app)
	for i := range all {
		if all[i].State != Running {
			continue
		}
		if t, ok := r.Task(app, all[i].ID); ok {
			all[i] = t
		}
	}
	return all
}

// kept are the tasks of an app as they are stored, the oldest first.
func (r *Replayer) kept(app string) (all []Task) {
	if app == "" {
		return nil
	}
	err := r.cfg.Tasks.Tasks(app, func(t Task) error {
		all = append(all, t)
		return nil
	})
	if err != nil && r.ctx.Err() == nil {
		r.log.Error("redelivery tasks cannot be read", "app", app, "error", err)
	}
	slices.SortFunc(all, func(a, b Task) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	return all
}

// Cancel ends a running task of an app; false if there is none with that id.
// An attempt under way ends by itself.
func (r *Replayer) Cancel(app, id string) bool {
	w := r.find(app, id)
	return w != nil && w.quit(reasonPerson)
}

func (r *Replayer) now() int64 { return r.cfg.Clock.Now() }

const idPrefix = "rpl_"

func (r *Replayer) newID() string {
	_, digits, _ := strings.Cut(engine.NewEventID(r.cfg.Random(), r.cfg.Random()), "_")
	return idPrefix + digits
}
