package operations

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/openapitest"
	"offhook/transport/webhook"
)

// office is all that a Sender talks to, in memory.
type office struct {
	t *testing.T

	mu     sync.Mutex
	apps   map[string]*tenant.App
	change []func()
	status map[endpoint]webhook.Condition

	answer func(url string, m message) webhook.Outcome // nil means 200
	took   []post                                      // what was answered with 2xx
	tries  []post                                      // everything
	flying map[string]int                              // POSTs under way, by URL
	most   int
	all    int
	takes  time.Duration
}

type post struct {
	url, id string
	at      time.Time
	message
	fields map[string]any
}

const (
	appURL      = "https://app.example/operations"
	operatorURL = "https://operator.example/"
)

func newOffice(t *testing.T) *office {
	o := &office{
		t: t, apps: map[string]*tenant.App{}, status: map[endpoint]webhook.Condition{}, flying: map[string]int{},
		takes: 10 * time.Millisecond,
	}
	o.app("app", func(a *tenant.App) { a.Name, a.Operations.URL = "Dialler", appURL })
	return o
}

// app changes an app, and tells so.
func (o *office) app(id string, change func(*tenant.App)) {
	o.mu.Lock()
	a := &tenant.App{ID: id, Calls: tenant.Receiver{URL: "https://" + id + ".example/calls?token=x"}}
	if have := o.apps[id]; have != nil {
		*a = *have
	}
	change(a)
	o.apps[id] = a
	told := slices.Clone(o.change)
	o.mu.Unlock()
	for _, f := range told {
		f()
	}
}

func (o *office) App(id string) (*tenant.App, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a, ok := o.apps[id]
	return a, ok
}

func (o *office) Apps() []*tenant.App {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Collect(maps.Values(o.apps))
}

func (o *office) OnChange(fn func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.change = append(o.change, fn)
}

// Status knows what was set; nothing was: it goes by what it was told.
func (o *office) Status(app string, kind engine.StreamKind) (webhook.Status, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c, ok := o.status[endpoint{app, kind}]
	return webhook.Status{App: app, Kind: kind, Condition: c}, ok
}

func (o *office) is(c webhook.Condition) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.status[calls] = c
}

func (o *office) answers(f func(url string, m message) webhook.Outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = f
}

func (o *office) Aim(_ string, r tenant.Receiver) (webhook.Target, error) {
	if r.URL == "https://10.0.0.1/" {
		return nil, errors.New("destination not allowed")
	}
	return &target{o: o, url: r.URL, aborted: make(chan struct{})}, nil
}

type target struct {
	o       *office
	url     string
	once    sync.Once
	aborted chan struct{}
}

func (t *target) Close() {}
func (t *target) Abort() { t.once.Do(func() { close(t.aborted) }) }

func (t *target) Post(p *webhook.Parcel) webhook.Outcome {
	o := t.o
	got := post{url: t.url, id: p.ID, at: time.Now()}
	require.NoError(o.t, json.Unmarshal(p.Events[0].Body, &got.message))
	require.NoError(o.t, json.Unmarshal(p.Events[0].Body, &got.fields))
	require.NoError(o.t, openapitest.Public().Judge("OperationsEvent", p.Events[0].Body))
	require.Equal(o.t, p.ID, got.EventID)
	o.mu.Lock()
	o.flying[t.url]++
	o.all++
	require.Equal(o.t, 1, o.flying[t.url], "one POST at a time for one receiver")
	o.most = max(o.most, o.all)
	o.tries = append(o.tries, got)
	answer := o.answer
	o.mu.Unlock()
	out := webhook.Outcome{Class: webhook.Delivered, Status: 200}
	select {
	case <-time.After(o.takes):
		if answer != nil {
			out = answer(t.url, got.message)
		}
	case <-t.aborted:
		out = webhook.Outcome{Class: webhook.Canceled}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flying[t.url]--
	o.all--
	if out.Class == webhook.Delivered {
		o.took = append(o.took, got)
	}
	return out
}

// told is what receivers of a URL took, in order.
func (o *office) told(url string) (all []webhook.What) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.took {
		if p.url == url {
			all = append(all, p.Type)
		}
	}
	return all
}

// tried is how often somebody was told, or not.
func (o *office) tried() []post {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.tries)
}

// taken is what was answered with 2xx, by whomever.
func (o *office) taken() []post {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.took)
}

// remembers is of how many endpoints and receivers a sender knows anything.
func remembers(s *Sender) (endpoints, desks int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conditions), len(s.desks)
}

func forgotten(t *testing.T, s *Sender) {
	t.Helper()
	endpoints, _ := remembers(s)
	require.Zero(t, endpoints)
}

func (o *office) open(change ...func(*Config)) *Sender {
	cfg := Config{Tenants: o, Poster: o, OperatorPoster: o, Status: o.Status, Operator: tenant.Receiver{URL: operatorURL}}
	for _, f := range change {
		f(&cfg)
	}
	s := New(cfg)
	s.Start()
	return s
}

func (o *office) close(s *Sender) { require.NoError(o.t, s.Stop(context.Background())) }

var calls = endpoint{"app", engine.StreamCalls}

// notice is one about the calls webhook of the app.
func notice(what webhook.What) webhook.Notice {
	n := webhook.Notice{App: "app", Kind: engine.StreamCalls, What: what, At: time.Now().UnixMilli()}
	if what != webhook.EndpointRecovered {
		n.Reason = "no answer in time"
	}
	return n
}

func types(what ...webhook.What) []webhook.What { return what }

const (
	failing   = webhook.EndpointFailing
	disabled  = webhook.EndpointDisabled
	recovered = webhook.EndpointRecovered
	parks     = webhook.StreamParked
)

func refused(code int) webhook.Outcome {
	return webhook.Outcome{Class: webhook.Failed5xx, Status: code}
}

var silence = webhook.Outcome{Class: webhook.Timeout}
