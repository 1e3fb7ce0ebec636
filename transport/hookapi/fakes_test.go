package hookapi_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/hookapi"
	"offhook/transport/webhook"
	"offhook/transport/webhook/replay"
)

var (
	_ hookapi.Deliveries = (*webhook.Dispatcher)(nil)
	_ hookapi.Prober     = (*webhook.Prober)(nil)
	_ hookapi.Replays    = (*replay.Replayer)(nil)
	_ hookapi.Guard      = (*webhook.Guard)(nil)
)

// fakeDeliveries answers as it is told and remembers what it was asked.
type fakeDeliveries struct {
	mu        sync.Mutex
	asked     []string
	status    map[string]webhook.Status // by app/kind
	waiting   map[string][]webhook.StreamStatus
	redeliver func(ctx context.Context, stream engine.StreamID, sequence uint64) (engine.Attempt, error)
}

func (f *fakeDeliveries) note(words ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, fmt.Sprint(words...))
}

func (f *fakeDeliveries) notes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := f.asked
	f.asked = nil
	return asked
}

func (f *fakeDeliveries) StatusOf(app string, kind engine.StreamKind) (webhook.Status, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.status[app+"/"+kind.String()]
	return s, ok
}

func (f *fakeDeliveries) Streams(app string, kind engine.StreamKind, behind string, limit int, fn func(webhook.StreamStatus) error) error {
	all := f.waiting[app+"/"+kind.String()]
	i := slices.IndexFunc(all, func(s webhook.StreamStatus) bool { return s.Subscriber == behind })
	for _, s := range all[i+1:] {
		if limit--; limit < 0 {
			return nil
		}
		if err := fn(s); err != nil {
			return err
		}
	}
	return nil
}

func (f *fakeDeliveries) Resume(app string, kind engine.StreamKind) {
	f.note("resume ", app, " ", kind)
}

func (f *fakeDeliveries) ResumeStream(app, subscriber string, kind engine.StreamKind) {
	f.note("resume ", app, " ", kind, " ", subscriber)
}

func (f *fakeDeliveries) Redeliver(ctx context.Context, stream engine.StreamID, sequence uint64) (engine.Attempt, error) {
	f.note("redeliver ", stream.App, " ", stream.Kind, " ", stream.Subscriber, " ", sequence)
	return f.redeliver(ctx, stream, sequence)
}

// fakeProber is every receiver at once.
type fakeProber struct {
	mu         sync.Mutex
	challenged []tenant.Receiver
	challenge  func(ctx context.Context) error
	test       func(ctx context.Context, app string, kind engine.StreamKind, r tenant.Receiver) (webhook.Outcome, string, error)
}

func (f *fakeProber) Challenge(ctx context.Context, _ string, r tenant.Receiver) error {
	f.mu.Lock()
	f.challenged = append(f.challenged, r)
	f.mu.Unlock()
	return f.challenge(ctx)
}

func (f *fakeProber) Test(ctx context.Context, app string, kind engine.StreamKind, r tenant.Receiver) (webhook.Outcome, string, error) {
	return f.test(ctx, app, kind, r)
}

// fakeReplays keeps tasks that never do anything.
type fakeReplays struct {
	mu     sync.Mutex
	tasks  []replay.Task
	refuse error
}

func (f *fakeReplays) Start(of replay.Range) (replay.Task, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		return replay.Task{}, f.refuse
	}
	t := replay.Task{ID: fmt.Sprintf("rpl_%d", len(f.tasks)+1), Range: of, State: replay.Running, Total: 7, CreatedAt: 5, UpdatedAt: 6}
	f.tasks = append(f.tasks, t)
	return t, nil
}

func (f *fakeReplays) Task(app, id string) (replay.Task, bool) {
	for _, t := range f.Tasks(app) {
		if t.ID == id {
			return t, true
		}
	}
	return replay.Task{}, false
}

func (f *fakeReplays) Tasks(app string) []replay.Task {
	f.mu.Lock()
	defer f.mu.Unlock()
	var some []replay.Task
	for _, t := range f.tasks {
		if t.Range.App == app {
			some = append(some, t)
		}
	}
	return some
}

func (f *fakeReplays) Cancel(app, id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.tasks {
		if t := &f.tasks[i]; t.ID == id && t.Range.App == app && t.State == replay.Running {
			t.State = replay.Canceled
			return true
		}
	}
	return false
}

// paper is a log that several write.
type paper struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *paper) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *paper) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}
