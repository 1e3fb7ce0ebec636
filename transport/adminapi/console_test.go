package adminapi

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/engine/tenant"
	"offhook/transport/console"
	"offhook/transport/httpapi"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// callers are who has calls.
type callers struct {
	mu sync.Mutex
	of map[string]actor.Shown
}

func (c *callers) Board(part int) (all []actor.Shown) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.of {
		if int(s.Calls[0].ID)%actor.BoardParts == part {
			all = append(all, s)
		}
	}
	return all
}

func (c *callers) ShownOf(id string) (actor.Shown, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.of[id]
	return s, ok
}

func (c *callers) call(id string, call engine.CallID, apps ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[id] = actor.Shown{
		Profile: &engine.Profile{ID: id, Number: "+15125550100", Network: networkID}, Apps: apps,
		Calls: []engine.Call{{ID: call, State: engine.StateActive, Direction: engine.Incoming, RemoteNumber: "+15129104114"}},
	}
}

// withConsole is an office with a console, and nobody calling.
func withConsole(t *testing.T, change ...func(*Config)) (*office, *callers, *console.Board) {
	c := &callers{of: map[string]actor.Shown{}}
	pages, err := console.NewPages()
	require.NoError(t, err)
	board := console.NewBoard(console.Config{Calls: c, Readers: 2})
	all := append([]func(*Config){func(config *Config) {
		config.Console = &Console{Pages: pages, Board: board, Calls: c, Version: "v1"}
	}}, change...)
	return newOffice(t, all...), c, board
}

func TestPagesAreForEverybodyAndWhatTheyShowIsNot(t *testing.T) {
	o, c, _ := withConsole(t)
	c.call("alice", 1024, "app")
	page := o.send("GET", "/console", nil, "Authorization", "")
	require.Equal(t, 200, page.StatusCode)
	require.Contains(t, page.body, "<title>offhook console</title>")
	require.Contains(t, page.Header.Get("Content-Security-Policy"), "script-src 'self';")
	require.Equal(t, 200, o.send("GET", "/console/main.mjs", nil, "Authorization", "").StatusCode)
	for _, path := range []string{"/console/none.mjs", "/console/../admin/apps", "/console/static/main.mjs"} {
		require.Equal(t, 404, o.send("GET", path, nil, "Authorization", "").StatusCode, path)
	}
	o.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for path, to := range map[string]string{"/": "console", "/console/": "../console"} {
		a := o.send("GET", path, nil, "Authorization", "")
		require.Equal(t, 308, a.StatusCode, path)
		require.Equal(t, to, a.Header.Get("Location"))
	}
	for _, path := range []string{"/admin/about", "/admin/calls", "/admin/calls/stream"} {
		o.send("GET", path, nil, "Authorization", "").wantProblem(t, 401, "unauthorized")
		o.send("GET", path, nil, "Authorization", "Bearer "+token+"x").wantProblem(t, 401, "unauthorized")
	}
	require.JSONEq(t, `{"version":"v1","simulator":false,"now":1533331052226}`, o.do("GET", "/admin/about", "").body)
	o.do("GET", "/admin/simulator/phones", "").wantProblem(t, 404, "not_found")
}

func TestTheCallsOfAllAppsAndOfNone(t *testing.T) {
	o, c, _ := withConsole(t)
	o.do("GET", "/admin/calls", "").want(t, 200, "[]")
	for i := range 7 {
		c.call(fmt.Sprintf("user%d", i), engine.CallID((i+1)<<10|i), "app-1", "app-2")
	}
	c.call("alone", 9999)
	whole := o.do("GET", "/admin/calls", "").body
	require.Equal(t, 8, strings.Count(whole, `"call_id"`))
	require.Contains(t, whole, `"network_id":"`+networkID+`","apps":["app-1","app-2"]}`)
	require.Contains(t, whole, `"apps":[]}`)

	var pages []string
	for path := "/admin/calls?limit=3"; path != ""; {
		a := o.do("GET", path, "")
		require.Equal(t, 200, a.StatusCode, a.body)
		pages = append(pages, strings.Trim(a.body, "[]"))
		path, _, _ = strings.Cut(strings.TrimPrefix(a.Header.Get("Link"), "<"), ">")
	}
	require.Len(t, pages, 3)
	require.Equal(t, strings.Trim(whole, "[]"), strings.Join(pages, ","), "each call once")
}

func TestTheBoardIsAStreamThatIsBoundedAndEndsWithTheListener(t *testing.T) {
	o, c, board := withConsole(t)
	c.call("alice", 1024, "app")
	open := func() *http.Response {
		req, err := http.NewRequest("GET", "http://"+o.addr+"/admin/calls/stream", nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := o.client.Do(req)
		require.NoError(t, err)
		return resp
	}
	first, second := open(), open()
	defer second.Body.Close()
	require.Equal(t, "text/event-stream", first.Header.Get("Content-Type"))
	third := open()
	require.Equal(t, 429, third.StatusCode)
	require.NoError(t, third.Body.Close())

	lines := bufio.NewScanner(first.Body)
	until := func(text string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return
			}
		}
		t.Fatalf("the stream ended without %q", text)
	}
	until(`"key":"alice"`)
	until("event: complete")
	c.call("bob", 2048)
	board.Changed("bob")
	until(`"key":"bob"`)
	require.NoError(t, first.Body.Close())
}

func TestEverythingButThePagesNeedsTheToken(t *testing.T) {
	public, err := httpapi.New(httpapi.Config{Tenants: noKeys{}})
	require.NoError(t, err)
	o, _, _ := withConsole(t, func(c *Config) { c.AsApp, c.Console.Simulator = public.ForOperator(), "127.0.0.1:1" })
	own := len(newOffice(t).server.Routes())
	seen := 0
	for _, r := range o.server.Routes() {
		method, path, _ := strings.Cut(r, " ")
		if !strings.HasPrefix(path, "/admin/") {
			continue
		}
		seen++
		path = strings.NewReplacer("{", "", "}", "").Replace(path)
		for _, header := range []string{"", "Bearer " + token + "x"} {
			o.send(method, path, nil, "Authorization", header).wantProblem(t, 401, "unauthorized")
		}
	}
	require.Greater(t, seen, own, "the routes of an app are there, too")
}

// desk answers what an app's handlers would.
func desk(handler func(ctx *fasthttp.RequestCtx) error) func(*Config) {
	return func(c *Config) {
		c.AsApp = []web.Row{{Method: "POST", Pattern: "/apps/{app_id}/calls", Handler: handler}, {Method: "GET", Pattern: "/apps/{app_id}/calls", Handler: handler}}
	}
}

func TestTheOperatorActsAsAnApp(t *testing.T) {
	var got string
	o := newOffice(t, desk(func(ctx *fasthttp.RequestCtx) error {
		if ctx.IsGet() {
			ctx.Response.Header.Set("Link", `</apps/x/calls?limit=1&after=y>; rel="next"`)
			return writeJSON(ctx, 200, []any{})
		}
		got = string(ctx.PostBody())
		if strings.Contains(got, "bob") {
			return problem.New(engine.CodeNotSupported, "not there")
		}
		ctx.Response.Header.Set("Location", "/apps/x/calls/1")
		alice := &engine.Profile{ID: "alice", Number: "+15125550100"}
		return writeJSON(ctx, 201, json.RawMessage(engine.AppendCall(nil, alice, &engine.Call{ID: 1024, State: engine.StateRinging, Direction: engine.Outgoing})))
	}))
	o.store.apps["x"] = &tenant.App{ID: "x"}
	ask := `{"subscriber_id":"alice","subscriber_number":"+15125550100","remote_number":"+15129104114"}`
	a := o.do("POST", "/admin/apps/x/calls", ask)
	require.Equal(t, 201, a.StatusCode, a.body)
	require.Equal(t, ask, got)
	require.Equal(t, "/admin/apps/x/calls/1", a.Header.Get("Location"))
	a = o.do("GET", "/admin/apps/x/calls?limit=1", "")
	require.Equal(t, `</admin/apps/x/calls?limit=1&after=y>; rel="next"`, a.Header.Get("Link"))
	o.do("POST", "/admin/apps/x/calls", `{"subscriber_id":"bob"}`).wantProblem(t, 409, "not_supported")

	got = ""
	o.do("POST", "/admin/apps/y/calls", `{}`).wantProblem(t, 404, "not_found")
	o.send("POST", "/admin/apps/x/calls", strings.NewReader("{}"), "Authorization", "Bearer x").wantProblem(t, 401, "unauthorized")
	o.send("POST", "/admin/apps/x/calls", strings.NewReader(strings.Repeat(" ", maxBody+1))).wantProblem(t, 413, "too_large")
	require.Empty(t, got, "nobody was asked")
}

// The public listener takes no word of an operator: the mark is no header, and
// what it is hung on begins empty with each request.
func TestTheRowsOfThePublicListenerAreForKeysAlone(t *testing.T) {
	public, err := httpapi.New(httpapi.Config{Tenants: noKeys{}})
	require.NoError(t, err)
	rows := public.ForOperator()
	require.NotEmpty(t, rows)
	for _, r := range rows {
		ctx := &fasthttp.RequestCtx{}
		ctx.SetUserValue("app_id", "x")
		ctx.SetUserValue("operated", &tenant.App{ID: "x"})
		err := r.Handler(ctx)
		require.Equal(t, problem.CodeUnauthorized, problem.From(err).Code, r.Pattern)
		require.NotContains(t, r.Pattern, "stream")
	}
}

type noKeys struct{ httpapi.Tenants }

func TestASearchFindsByEveryWordAndGoesOn(t *testing.T) {
	o := newOffice(t)
	for i, name := range []string{"Ann Archer", "Bob Baker", "Ann Baker", "Carl Müller"} {
		o.do("PUT", fmt.Sprintf("/admin/subscribers/user%d@example.com", i), fmt.Sprintf(`{"subscriber_number":"+1512867530%d","subscriber_name":%q,"network_id":%q}`, i, name, networkID))
	}
	found := func(path string) (n int, next string) {
		a := o.do("GET", path, "")
		require.Equal(t, 200, a.StatusCode, a.body)
		next, _, _ = strings.Cut(strings.TrimPrefix(a.Header.Get("Link"), "<"), ">")
		return strings.Count(a.body, `"subscriber_id"`), next
	}
	for q, want := range map[string]int{"ann": 2, "ANN+baker": 1, "8675303": 1, "m%C3%BCller": 1, "nobody": 0, "": 4, "+": 4, "example.com": 4} {
		n, next := found("/admin/subscribers?q=" + q)
		require.Equal(t, want, n, q)
		require.Empty(t, next)
	}
	n, next := found("/admin/subscribers?q=ann&limit=1")
	require.Equal(t, 1, n)
	require.Contains(t, next, "?q=ann&limit=1&after=")
	n, next = found(next)
	require.Equal(t, 1, n)
	require.Empty(t, next)
	o.do("GET", "/admin/subscribers?q="+strings.Repeat("x", 300), "").wantProblem(t, 422, "invalid_field", "q")
}
