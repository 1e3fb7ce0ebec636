package httpapi

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/openapitest"
)

var _ Calls = (*actor.Directory)(nil)

func TestMain(m *testing.M) {
	// fasthttp keeps the Date header with one goroutine for the whole process.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

const (
	appID     = "e1c1eef6-8c12-4031-8cc9-ae667c839476"
	otherApp  = "0b8e8a3c-0f3d-4f6e-9d6c-2f1f8f2d7b11"
	networkID = "7fa63706-39c8-44c8-bf1b-f0749dda9110"
)

var tommy = engine.Profile{
	ID: "someSubscriberId@example-telco.com", Number: "+15128675309", Name: "Tommy Tutone",
	AccountID: "someCustomerIdOrSiteOrName", Network: networkID, ProviderUser: "tommy@example-telco.com",
}

// callOf is the call of the specification's example.
func callOf(id engine.CallID) engine.Call {
	return engine.Call{
		ID: id, State: engine.StateRinging, Phase: engine.PhaseAlertingSelf, Direction: engine.Outgoing,
		RemoteNumber: "+15129104114", RemoteName: "Zilkr LLC", CreatedAt: 1533331051226,
	}
}

const conferenceID engine.ConferenceID = 4231

// conferenceOf is one with the example's call and another.
func conferenceOf(id engine.ConferenceID) engine.ConferenceView {
	first, second := callOf(exampleID), callOf(exampleID+1)
	for _, c := range []*engine.Call{&first, &second} {
		c.State, c.Phase, c.Can = engine.StateActive, engine.PhaseConnected, engine.Verbs(engine.VerbMute)
	}
	return engine.ConferenceView{
		Conference: engine.Conference{ID: id, ClientRef: "board", CreatedAt: 1533331051226},
		Profile:    &tommy, Can: engine.Verbs(engine.VerbEndConference), Calls: []engine.Call{first, second},
	}
}

const exampleID engine.CallID = 13467354071

// fakeCalls answers as it is told and remembers what it was asked.
type fakeCalls struct {
	answer func(ctx context.Context, cmd engine.Command) engine.Reply
	views  map[string][]CallView               // by app
	live   map[string][]*engine.ConferenceView // by app
	lifted chan engine.CallID

	mu    sync.Mutex
	asked []engine.Command
	to    []string // subscribers
}

func (f *fakeCalls) Do(ctx context.Context, subscriber string, cmd engine.Command) engine.Reply {
	f.mu.Lock()
	f.asked, f.to = append(f.asked, cmd), append(f.to, subscriber)
	f.mu.Unlock()
	return f.answer(ctx, cmd)
}

func (f *fakeCalls) DoCall(ctx context.Context, cmd engine.Command) engine.Reply {
	return f.Do(ctx, "", cmd)
}

// DoConference answers like Do, and with the example's conference.
func (f *fakeCalls) DoConference(ctx context.Context, cmd engine.Command) engine.Reply {
	r := f.Do(ctx, "", cmd)
	if r.Err == nil {
		view := conferenceOf(conferenceID)
		r.Conference = &view
	}
	return r
}

func (f *fakeCalls) Conferences(app string) []*engine.ConferenceView {
	return slices.Clone(f.live[app])
}

func (f *fakeCalls) Live(app string) []CallView { return slices.Clone(f.views[app]) }

func (f *fakeCalls) SubscriberCalls(_ context.Context, app, subscriber string) ([]CallView, *engine.Error) {
	var some []CallView
	for _, v := range f.views[app] {
		if v.Profile.ID == subscriber {
			some = append(some, v)
		}
	}
	if some == nil {
		return nil, &engine.Error{Code: engine.CodeNotFound, Message: "no such subscriber"}
	}
	return some, nil
}

func (f *fakeCalls) Whose(app string, call engine.CallID) (string, bool) {
	for _, v := range f.views[app] {
		if v.Call.ID == call {
			return v.Profile.ID, true
		}
	}
	return "", false
}

func (f *fakeCalls) Lift(call engine.CallID) { f.lifted <- call }

func (f *fakeCalls) commands() []engine.Command {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.asked)
}

type fakeTenants struct {
	apps        map[string]*tenant.App
	networks    map[string]*tenant.Network
	subscribers []*tenant.SubscriberInfo // by folded id
	broken      error
	brokenAfter int // subscribers listed until the store fails; 0 for never
	listed      int
}

func (f *fakeTenants) Key(id string) (*tenant.App, tenant.Key, bool) {
	for _, a := range f.apps {
		for _, k := range a.Keys {
			if k.ID == id {
				return a, k, true
			}
		}
	}
	return nil, tenant.Key{}, false
}

func (f *fakeTenants) Network(id string) (*tenant.Network, bool) {
	n, ok := f.networks[id]
	return n, ok
}

func (f *fakeTenants) Subscriber(id string) (*tenant.SubscriberInfo, bool, error) {
	for _, s := range f.subscribers {
		if engine.Fold(s.Profile.ID) == engine.Fold(id) {
			return s, true, f.broken
		}
	}
	return nil, false, f.broken
}

func (f *fakeTenants) Linked(app, after string, limit int, fn func(*tenant.SubscriberInfo) error) error {
	for _, s := range f.subscribers {
		if limit > 0 && engine.Fold(s.Profile.ID) > after && slices.Contains(s.Apps, app) {
			limit--
			if f.listed++; f.brokenAfter > 0 && f.listed > f.brokenAfter {
				return errors.New("iterator: input/output error")
			}
			if err := fn(s); err != nil {
				return err
			}
		}
	}
	return f.broken
}

func (f *fakeTenants) Reached(app string) (networks []string, err error) {
	for _, s := range f.subscribers {
		if slices.Contains(s.Apps, app) && !slices.Contains(networks, s.Profile.Network) {
			networks = append(networks, s.Profile.Network)
		}
	}
	slices.Sort(networks)
	return networks, f.broken
}

// fakePlatforms are what networks can do.
type fakePlatforms map[string]*engine.Platform

func (f fakePlatforms) Platform(network string) *engine.Platform { return f[network] }

// house is a running listener with two apps. Tommy is linked to the first.
type house struct {
	t       *testing.T
	calls   *fakeCalls
	tenants *fakeTenants
	server  *Server
	addr    string
	client  *http.Client

	key, readKey, otherKey string
}

func newHouse(t *testing.T, change ...func(*Config)) *house {
	t.Helper()
	h := &house{t: t, client: &http.Client{Transport: &http.Transport{}}}
	openapitest.Watch(t, h.client, map[string]*openapitest.Document{"": openapitest.Public()})
	makeKey := func(scopes ...tenant.Scope) (tenant.Key, string) {
		k, text, err := tenant.NewKey(rand.Reader, scopes, time.Now())
		require.NoError(t, err)
		return k, text
	}
	full, key := makeKey(tenant.ScopeRead, tenant.ScopeControl)
	read, readKey := makeKey(tenant.ScopeRead)
	other, otherKey := makeKey(tenant.ScopeRead, tenant.ScopeControl)
	h.key, h.readKey, h.otherKey = key, readKey, otherKey
	h.tenants = &fakeTenants{
		apps: map[string]*tenant.App{
			appID:    {ID: appID, Keys: []tenant.Key{full, read}},
			otherApp: {ID: otherApp, Keys: []tenant.Key{other}},
		},
		networks:    map[string]*tenant.Network{networkID: {ID: networkID, Provider: "broadworks", Dialing: engine.Dialing{CountryCode: "1"}}},
		subscribers: []*tenant.SubscriberInfo{{Profile: tommy, Apps: []string{appID}}},
	}
	example := conferenceOf(conferenceID)
	h.calls = &fakeCalls{
		lifted: make(chan engine.CallID, 64),
		views:  map[string][]CallView{appID: {{Profile: &tommy, Call: callOf(exampleID)}}},
		live:   map[string][]*engine.ConferenceView{appID: {&example}},
		answer: func(_ context.Context, cmd engine.Command) engine.Reply {
			return engine.Reply{Profile: &tommy, Call: callOf(exampleID)}
		},
	}
	config := Config{Calls: h.calls, Tenants: h.tenants, IdleWorker: 50 * time.Millisecond, Rest: time.Millisecond, BadKeys: web.Rate{PerSecond: -1}, Commands: web.Rate{PerSecond: -1}}
	for _, c := range change {
		c(&config)
	}
	var err error
	h.server, err = New(config)
	require.NoError(t, err)
	h.serve(listen(t))
	return h
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return ln
}

func (h *house) serve(ln net.Listener) {
	h.addr = ln.Addr().String()
	server := h.server
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	h.t.Cleanup(func() {
		h.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = server.Shutdown(ctx)
		require.NoError(h.t, <-served)
	})
}

// unwatched has nothing held against the document any more: the core refuses
// what it is told to, whether or not it ever would so.
func (h *house) unwatched() { h.client = &http.Client{Transport: &http.Transport{}} }

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

func (h *house) request(method, path, body string, header ...string) answer {
	h.t.Helper()
	req := h.newRequest(method, path)
	if body != "" {
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := h.client.Do(req)
	require.NoError(h.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(h.t, err)
	return answer{resp, string(b)}
}

// newRequest makes a request whose path is sent to the letter.
func (h *house) newRequest(method, path string) *http.Request {
	h.t.Helper()
	req, err := http.NewRequest(method, "http://"+h.addr, nil)
	require.NoError(h.t, err)
	req.URL.Opaque = "//" + h.addr + path
	req.Header.Set("Authorization", "Bearer "+h.key)
	return req
}

func (h *house) get(path string) answer { h.t.Helper(); return h.request("GET", path, "") }

// wantProblem checks a problem document and its status.
func (a answer) wantProblem(t *testing.T, status int, code string) {
	t.Helper()
	require.Equal(t, status, a.StatusCode, a.body)
	require.Equal(t, "application/problem+json", a.Header.Get("Content-Type"))
	require.Contains(t, a.body, `"code":"`+code+`"`)
}

const good = `{
	"subscriber_id": "someSubscriberId@example-telco.com",
	"subscriber_number": "+15128675309",
	"remote_number": "+15129104114",
	"subscriber_name": "Tommy Tutone",
	"remote_name": "Zilkr LLC"
}`

// raw opens a connection to speak HTTP by hand.
func (h *house) raw() net.Conn {
	h.t.Helper()
	c, err := net.Dial("tcp", h.addr)
	require.NoError(h.t, err)
	h.t.Cleanup(func() { c.Close() })
	require.NoError(h.t, c.SetDeadline(time.Now().Add(20*time.Second)))
	return c
}

func (h *house) post(body string) []byte {
	var b bytes.Buffer
	b.WriteString("POST /apps/" + appID + "/calls HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + h.key + "\r\nContent-Type: application/json\r\n")
	b.WriteString("Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	return b.Bytes()
}
