package hookapi_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/store"
	"offhook/store/storetest"
	"offhook/transport/adminapi"
	"offhook/transport/eventlog"
	"offhook/transport/hookapi"
	"offhook/transport/httpapi"
	"offhook/transport/httpapi/web"
	"offhook/transport/openapitest"
	"offhook/transport/webhook"
)

const (
	token   = "the admin token"
	appID   = "app 1/a" // paths escape it
	other   = "other"
	escaped = "app%201%2Fa"
	hookURL = "https://crm.example.com/calls?token=hush"
)

// office is both listeners on one store. Alice may be followed by the app, Bob
// by the other app. Delivery and receivers are fakes.
type office struct {
	t          *testing.T
	store      *store.Store
	deliveries *fakeDeliveries
	prober     *fakeProber
	replays    *fakeReplays
	log        *paper
	clock      atomic.Int64
	client     *http.Client

	api, admin             string // addresses
	key, readKey, otherKey string
	keyID                  string
}

func newOffice(t *testing.T, change ...func(*hookapi.Config)) *office {
	t.Helper()
	o := &office{
		t: t, log: &paper{}, client: &http.Client{Transport: &http.Transport{}},
		deliveries: &fakeDeliveries{status: map[string]webhook.Status{}, waiting: map[string][]webhook.StreamStatus{}},
		prober:     &fakeProber{}, replays: &fakeReplays{},
	}
	o.clock.Store(1533331051226)
	var err error
	o.store, err = store.Open("data", store.Options{FS: vfs.NewMem(), SweepEvery: -1, CacheBytes: 1 << 20, MemTable: 4 << 20})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, o.store.Close())
		for _, secret := range []string{"whsec_", "whsk_", "hush"} {
			require.NotContains(t, o.log.String(), secret)
		}
	})
	makeKey := func(scopes ...tenant.Scope) (tenant.Key, string) {
		k, text, err := tenant.NewKey(rand.Reader, scopes, time.Now())
		require.NoError(t, err)
		return k, text
	}
	full, key := makeKey(tenant.ScopeRead, tenant.ScopeControl)
	read, readKey := makeKey(tenant.ScopeRead)
	theirs, otherKey := makeKey(tenant.ScopeRead, tenant.ScopeControl)
	o.key, o.readKey, o.otherKey, o.keyID = key, readKey, otherKey, full.ID
	require.NoError(t, o.store.PutApp(&tenant.App{ID: appID, Name: "CRM", Keys: []tenant.Key{full, read}}))
	require.NoError(t, o.store.PutApp(&tenant.App{ID: other, Keys: []tenant.Key{theirs}}))
	for id, app := range map[string]string{"Alice@example.com": appID, "bob@example.com": other} {
		sub := storetest.Subscriber(id)
		sub.Streams = []engine.Stream{{App: app, Linked: true}}
		storetest.Put(t, o.store, []engine.Record{{Kind: engine.RecordProfile, Subscriber: sub}, storetest.Of(sub)}, nil)
	}
	o.listen(change)
	return o
}

func (o *office) listen(change []func(*hookapi.Config)) {
	o.t.Helper()
	hub := eventlog.New(eventlog.Config{Log: o.store, Key: o.store.CursorKey()})
	log := slog.New(slog.NewTextHandler(o.log, nil))
	config := hookapi.Config{
		Tenants: o.store, Log: o.store, Deliveries: o.deliveries, Prober: o.prober, Replays: o.replays, Cursors: hub.Cursors,
		URLs: hookapi.URLs{Guard: &webhook.Guard{}}, Logger: log, Now: func() time.Time { return time.UnixMilli(o.clock.Load()) },
	}
	for _, c := range change {
		c(&config)
	}
	hooks := hookapi.New(config)
	api, err := httpapi.New(httpapi.Config{Tenants: o.store, Hooks: hooks, Keys: o.store, IdleWorker: 50 * time.Millisecond, Rest: time.Millisecond, BadKeys: web.Rate{PerSecond: -1}})
	require.NoError(o.t, err)
	admin, err := adminapi.New(adminapi.Config{
		Tenants: o.store, Token: token, URLs: config.URLs, Hooks: hooks, Keys: o.store, Log: log, IdleWorker: 50 * time.Millisecond, Rest: time.Millisecond, Guesses: adminapi.Guesses{Free: 1 << 20},
	})
	require.NoError(o.t, err)
	o.api, o.admin = o.serve(api), o.serve(admin)
	openapitest.Watch(o.t, o.client, map[string]*openapitest.Document{o.api: openapitest.Public(), o.admin: openapitest.Admin()})
}

func (o *office) serve(s interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
}) string {
	o.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(o.t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	o.t.Cleanup(func() {
		o.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(o.t, s.Shutdown(ctx))
		require.NoError(o.t, <-served)
	})
	return ln.Addr().String()
}

// receiver is a webhook as it is stored.
func (o *office) receiver(kind string) tenant.Receiver {
	o.t.Helper()
	a, ok := o.store.App(appID)
	require.True(o.t, ok)
	switch kind {
	case "calls":
		return a.Calls
	case "subscriber":
		return a.Subscriber
	}
	return a.Operations
}

// clerk is somebody at one of the listeners, about one app.
type clerk struct {
	*office
	addr, base, bearer string
	name               string // in the log
}

func (o *office) app() clerk {
	return clerk{o, o.api, "/apps/" + escaped, o.key, `"key ` + o.keyID + `"`}
}
func (o *office) operator() clerk { return clerk{o, o.admin, "/admin/apps/" + escaped, token, "admin"} }

// both runs a story at either listener.
func both(t *testing.T, story func(t *testing.T, c clerk), change ...func(*hookapi.Config)) {
	t.Run("by the app", func(t *testing.T) { story(t, newOffice(t, change...).app()) })
	t.Run("by the operator", func(t *testing.T) { story(t, newOffice(t, change...).operator()) })
}

type answer struct {
	t *testing.T
	*http.Response
	body string
}

func (c clerk) do(method, path, body string, header ...string) answer {
	c.t.Helper()
	a, err := c.try(method, path, body, header...)
	require.NoError(c.t, err)
	return a
}

func (c clerk) try(method, path, body string, header ...string) (answer, error) {
	req, err := http.NewRequest(method, "http://"+c.addr, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.URL.Opaque = "//" + c.addr + c.base + path // to the letter
	req.Header.Set("Authorization", "Bearer "+c.bearer)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{c.t, resp, string(b)}, err
}

// set sets the calls webhook, or another.
func (c clerk) set(kind, body string) map[string]any {
	c.t.Helper()
	a := c.do("PUT", "/webhooks/"+kind, body)
	a.wants(201)
	return a.json()
}

func (a answer) wants(status int) {
	a.t.Helper()
	require.Equal(a.t, status, a.StatusCode, a.body)
}

func (a answer) wantsBody(status int, body string) {
	a.t.Helper()
	a.wants(status)
	require.Equal(a.t, body, a.body)
}

func (a answer) wantsProblem(status int, code string, field ...string) {
	a.t.Helper()
	a.wants(status)
	require.Equal(a.t, "application/problem+json", a.Header.Get("Content-Type"))
	require.Contains(a.t, a.body, `"code":"`+code+`"`)
	if len(field) > 0 {
		require.Contains(a.t, a.body, `"field":"`+field[0]+`"`)
	}
	if status == 429 || status == 503 {
		require.NotEmpty(a.t, a.Header.Get("Retry-After"))
	}
}

func (a answer) json() map[string]any {
	a.t.Helper()
	var m map[string]any
	require.NoError(a.t, json.Unmarshal([]byte(a.body), &m), a.body)
	return m
}

// next is the path of the next page, behind the app's; "" for none.
func (a answer) next(c clerk) string {
	a.t.Helper()
	link := a.Header.Get("Link")
	if link == "" {
		return ""
	}
	path, ok := strings.CutPrefix(link, "<"+c.base)
	require.True(a.t, ok, link)
	path, ok = strings.CutSuffix(path, `>; rel="next"`)
	require.True(a.t, ok, link)
	return path
}
