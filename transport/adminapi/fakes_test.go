package adminapi

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/engine/tenant"
	"offhook/transport/openapitest"
)

var _ Calls = (*actor.Directory)(nil)

func TestMain(m *testing.M) {
	// fasthttp keeps the Date header with one goroutine for the whole process.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

const (
	token     = "the admin token"
	networkID = "7fa63706-39c8-44c8-bf1b-f0749dda9110"
	fileNet   = "0c8a7a0e-3f5e-4f0a-9d6b-5b1b8c1f6a10"
)

// fakeStore is the tenants and the directory in one: a small installation in memory.
type fakeStore struct {
	mu          sync.Mutex
	apps        map[string]*tenant.App
	networks    map[string]*tenant.Network
	subscribers map[string]*tenant.SubscriberInfo // by folded id
	log         []string                          // what was asked, in order
	refuse      *engine.Error                     // what every change is refused with
	panics      string                            // a subscriber that makes it panic
	broken      error
}

func (f *fakeStore) note(words ...string) { f.log = append(f.log, strings.Join(words, " ")) }

func (f *fakeStore) notes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log)
}

func (f *fakeStore) App(id string) (*tenant.App, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, ok := f.apps[id]
	return a, ok
}

func (f *fakeStore) Apps() []*tenant.App {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []*tenant.App
	for _, a := range f.apps {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b *tenant.App) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return all
}

func (f *fakeStore) PutApp(a *tenant.App) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return f.broken
	}
	f.note("put app", a.ID)
	f.apps[a.ID] = a
	return nil
}

func (f *fakeStore) ChangeApp(id string, fn func(*tenant.App) (*tenant.App, error)) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	was, ok := f.apps[id]
	if !ok {
		return false, nil
	}
	a, err := fn(was)
	if err == nil {
		err = f.broken
	}
	if err == nil {
		f.note("change app", id)
		f.apps[id] = a
	}
	return true, err
}

func (f *fakeStore) DeleteApp(id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note("delete app", id)
	delete(f.apps, id)
	return nil
}

func (f *fakeStore) Network(id string) (*tenant.Network, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, ok := f.networks[id]
	return n, ok
}

func (f *fakeStore) Networks() []*tenant.Network {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []*tenant.Network
	for _, n := range f.networks {
		all = append(all, n)
	}
	return all
}

func (f *fakeStore) PutNetwork(n *tenant.Network) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.networks[n.ID] = n
	return f.broken
}

func (f *fakeStore) DeleteNetwork(id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.networks, id)
	return f.broken
}

func (f *fakeStore) Subscriber(id string) (*tenant.SubscriberInfo, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.subscribers[engine.Fold(id)]
	return s, ok, f.broken
}

func (f *fakeStore) Subscribers(after string, limit int, fn func(*tenant.SubscriberInfo) error) error {
	return f.Linked("", after, limit, fn)
}

func (f *fakeStore) Linked(app, after string, limit int, fn func(*tenant.SubscriberInfo) error) error {
	f.mu.Lock()
	var some []*tenant.SubscriberInfo
	for id, s := range f.subscribers {
		if id > after && (app == "" || slices.Contains(s.Apps, app)) {
			some = append(some, s)
		}
	}
	err := f.broken
	f.mu.Unlock()
	slices.SortFunc(some, func(a, b *tenant.SubscriberInfo) int {
		return cmp.Compare(engine.Fold(a.Profile.ID), engine.Fold(b.Profile.ID))
	})
	for _, s := range some[:min(limit, len(some))] {
		if err := fn(s); err != nil {
			return err
		}
	}
	return err
}

func (f *fakeStore) PutProfile(_ context.Context, p engine.Profile) (bool, *engine.Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.ID == f.panics && f.panics != "" {
		panic("fake")
	}
	if f.refuse != nil {
		return false, f.refuse
	}
	f.note("put", p.ID)
	was, there := f.subscribers[engine.Fold(p.ID)]
	info := &tenant.SubscriberInfo{Profile: p}
	if there {
		info.Profile.ID, info.Apps = was.Profile.ID, was.Apps
	}
	f.subscribers[engine.Fold(p.ID)] = info
	return !there, nil
}

func (f *fakeStore) change(id string, fn func(*tenant.SubscriberInfo)) *engine.Error {
	if f.refuse != nil {
		return f.refuse
	}
	was, there := f.subscribers[engine.Fold(id)]
	if !there {
		return &engine.Error{Code: engine.CodeNotFound, Message: "no such subscriber"}
	}
	info := &tenant.SubscriberInfo{Profile: was.Profile, Apps: slices.Clone(was.Apps)}
	fn(info)
	f.subscribers[engine.Fold(id)] = info
	return nil
}

func (f *fakeStore) Link(_ context.Context, app, subscriber string) *engine.Error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note("link", app, subscriber)
	return f.change(subscriber, func(s *tenant.SubscriberInfo) {
		if !slices.Contains(s.Apps, app) {
			s.Apps = append(s.Apps, app)
		}
	})
}

func (f *fakeStore) Unlink(_ context.Context, app, subscriber string) *engine.Error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note("unlink", app, subscriber)
	return f.change(subscriber, func(s *tenant.SubscriberInfo) {
		s.Apps = slices.DeleteFunc(s.Apps, func(a string) bool { return a == app })
	})
}

func (f *fakeStore) Delete(_ context.Context, subscriber string) *engine.Error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		return f.refuse
	}
	f.note("delete", subscriber)
	delete(f.subscribers, engine.Fold(subscriber))
	return nil
}

// office is a running admin listener.
type office struct {
	t      *testing.T
	store  *fakeStore
	server *Server
	addr   string
	client *http.Client
}

func newOffice(t *testing.T, change ...func(*Config)) *office {
	t.Helper()
	o := &office{t: t, client: &http.Client{Transport: &http.Transport{ExpectContinueTimeout: 20 * time.Second}}}
	openapitest.Watch(t, o.client, map[string]*openapitest.Document{"": openapitest.Admin()})
	o.store = &fakeStore{
		apps: map[string]*tenant.App{},
		networks: map[string]*tenant.Network{
			networkID: {ID: networkID, Provider: "broadworks", Dialing: engine.Dialing{CountryCode: "1"},
				BroadWorks: tenant.BroadWorks{XSPs: []string{"https://xsp1.example.com"}, Username: "admin@example.com", Password: "hunter2", Subscribe: "user"}},
			fileNet: {ID: fileNet, Provider: "broadworks", FromFile: true,
				BroadWorks: tenant.BroadWorks{SRV: "example.com", Username: "admin@example.com", Password: "hunter3", Subscribe: "user"}},
		},
		subscribers: map[string]*tenant.SubscriberInfo{},
	}
	now := time.UnixMilli(1533331051226)
	config := Config{
		Calls: o.store, Tenants: o.store, Token: token, IdleWorker: 50 * time.Millisecond, Rest: time.Millisecond, Guesses: Guesses{Free: 1 << 20},
		Now: func() time.Time { now = now.Add(time.Second); return now },
	}
	for _, c := range change {
		c(&config)
	}
	var err error
	o.server, err = New(config)
	require.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	o.addr = ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- o.server.Serve(ln) }()
	t.Cleanup(func() {
		o.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(t, o.server.Shutdown(ctx))
		require.NoError(t, <-served)
	})
	return o
}

type answer struct {
	*http.Response
	body string
}

func (o *office) send(method, path string, body io.Reader, header ...string) answer {
	o.t.Helper()
	req, err := http.NewRequest(method, "http://"+o.addr, body)
	require.NoError(o.t, err)
	req.URL.Opaque = "//" + o.addr + path
	req.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := o.client.Do(req)
	require.NoError(o.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(o.t, err)
	return answer{resp, string(b)}
}

func (o *office) do(method, path, body string) answer {
	o.t.Helper()
	if body == "" {
		return o.send(method, path, nil)
	}
	return o.send(method, path, strings.NewReader(body), "Content-Type", "application/json")
}

func (a answer) want(t *testing.T, status int, body string) {
	t.Helper()
	require.Equal(t, status, a.StatusCode, a.body)
	require.Equal(t, body, a.body)
}

func (a answer) wantProblem(t *testing.T, status int, code string, field ...string) {
	t.Helper()
	require.Equal(t, status, a.StatusCode, a.body)
	require.Equal(t, "application/problem+json", a.Header.Get("Content-Type"))
	require.Contains(t, a.body, `"code":"`+code+`"`)
	if len(field) > 0 {
		require.Contains(t, a.body, `"field":"`+field[0]+`"`)
	}
}

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.body), &m), a.body)
	return m
}
