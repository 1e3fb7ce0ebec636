package httpapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
)

// everyRoute is each route with ids that exist for the first app.
var everyRoute = []struct{ method, path string }{
	{"POST", "/calls"},
	{"GET", "/calls"},
	{"GET", "/calls/callhalf-13467354071:0"},
	{"GET", "/subscribers/someSubscriberId@example-telco.com/calls"},
	{"PUT", "/calls/callhalf-13467354071:0/answer"},
	{"PUT", "/calls/callhalf-13467354071:0/hold"},
	{"PUT", "/calls/callhalf-13467354071:0/resume"},
	{"PUT", "/calls/callhalf-13467354071:0/decline"},
	{"PUT", "/calls/callhalf-13467354071:0/divert"},
	{"PUT", "/calls/callhalf-13467354071:0/transfer"},
	{"PUT", "/calls/callhalf-13467354071:0/mute-transfer"},
	{"PUT", "/calls/callhalf-13467354071:0/consult-transfer"},
	{"PUT", "/calls/callhalf-13467354071:0/reconnect"},
	{"PUT", "/calls/callhalf-13467354071:0/park"},
	{"PUT", "/calls/callhalf-13467354071:0/dtmf"},
	{"PUT", "/calls/callhalf-13467354071:0/recording/start"},
	{"PUT", "/calls/callhalf-13467354071:0/recording/pause"},
	{"PUT", "/calls/callhalf-13467354071:0/recording/resume"},
	{"PUT", "/calls/callhalf-13467354071:0/recording/stop"},
	{"POST", "/calls/retrieve"},
	{"DELETE", "/calls/callhalf-13467354071:0"},
	{"POST", "/conferences"},
	{"GET", "/conferences"},
	{"GET", "/conferences/conference-4231"},
	{"DELETE", "/conferences/conference-4231"},
	{"PUT", "/conferences/conference-4231/participants/callhalf-13467354071:0/mute"},
	{"PUT", "/conferences/conference-4231/participants/callhalf-13467354071:0/unmute"},
	{"PUT", "/conferences/conference-4231/participants/callhalf-13467354071:0/deaf"},
	{"PUT", "/conferences/conference-4231/participants/callhalf-13467354071:0/undeaf"},
	{"GET", "/networks"},
	{"GET", "/networks/7fa63706-39c8-44c8-bf1b-f0749dda9110"},
	{"GET", "/subscribers"},
	{"GET", "/subscribers/someSubscriberId@example-telco.com"},
}

func bodyFor(method string) string {
	if method == "POST" {
		return good
	}
	return ""
}

func TestEveryRouteIsInTheTable(t *testing.T) {
	h := newHouse(t)
	require.Len(t, h.server.routes.List(), len(everyRoute)+len(forAnyone))
}

// forAnyone wants no key.
var forAnyone = []string{"/openapi.yaml", "/reference"}

func TestTheDocumentIsForAnyoneButNotWithoutEnd(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.PerAddress = web.Rate{PerSecond: 1e-3, Burst: 4} })
	for _, path := range forAnyone {
		a := h.request("GET", path, "", "Authorization", "")
		require.Equal(t, 200, a.StatusCode)
		require.Equal(t, "no-cache", a.Header.Get("Cache-Control"))
		require.Equal(t, 304, h.request("GET", path, "", "Authorization", "", "If-None-Match", a.Header.Get("ETag")).StatusCode)
	}
	h.get("/reference").wantProblem(t, 429, "rate_limited")
}

func TestWithoutAGoodKeyNothingIsSaid(t *testing.T) {
	h := newHouse(t)
	typo := h.key[:len(h.key)-1] + "-"
	_, revoked, err := tenant.NewKey(strings.NewReader(strings.Repeat("revoked!", 8)), []tenant.Scope{tenant.ScopeRead}, time.Now())
	require.NoError(t, err)
	other := []byte(h.key) // the id of a key that exists, the secret of none
	copy(other[19:62], revoked[19:62])
	for name, header := range map[string]string{
		"none": "", "no scheme": h.key, "basic": "Basic " + h.key, "empty": "Bearer ", "mistyped": "Bearer " + typo, "revoked": "Bearer " + revoked,
		"wrong secret": "Bearer " + string(other), "two": "Bearer " + h.key + ", Bearer " + h.key, "long": "Bearer " + strings.Repeat("x", 4000),
	} {
		for _, r := range everyRoute {
			for _, app := range []string{appID, otherApp, "nobody"} {
				a := h.request(r.method, "/apps/"+app+r.path, bodyFor(r.method), "Authorization", header)
				a.wantProblem(t, 401, "unauthorized")
				require.True(t, strings.HasPrefix(a.Header.Get("WWW-Authenticate"), `Bearer realm="offhook"`), name)
			}
		}
	}
	require.Empty(t, h.calls.commands())
	require.Equal(t, 200, h.request("GET", "/apps/"+appID+"/calls", "", "Authorization", "bearer  "+h.key).StatusCode)
}

// Another app's things and things that do not exist look the same to the byte.
func TestAnAppSeesNothingOfAnother(t *testing.T) {
	h := newHouse(t)
	for _, r := range everyRoute {
		foreign := h.request(r.method, "/apps/"+appID+r.path, bodyFor(r.method), "Authorization", "Bearer "+h.otherKey)
		nothing := h.request(r.method, "/apps/nobody"+r.path, bodyFor(r.method), "Authorization", "Bearer "+h.otherKey)
		foreign.wantProblem(t, 404, "not_found")
		require.Equal(t, nothing.body, foreign.body)
		require.Equal(t, keysOf(nothing.Header), keysOf(foreign.Header))
	}
	// A subscriber that is not linked, and one that is not there.
	linked := h.request("POST", "/apps/"+otherApp+"/calls", good, "Authorization", "Bearer "+h.otherKey)
	gone := h.request("POST", "/apps/"+otherApp+"/calls", with("subscriber_id", "nobody"), "Authorization", "Bearer "+h.otherKey)
	linked.wantProblem(t, 404, "not_found")
	require.Equal(t, gone.body, linked.body)
	require.Equal(t, "[]", h.request("GET", "/apps/"+otherApp+"/subscribers", "", "Authorization", "Bearer "+h.otherKey).body)
	require.Equal(t, "[]", h.request("GET", "/apps/"+otherApp+"/calls", "", "Authorization", "Bearer "+h.otherKey).body)
	require.Empty(t, h.calls.commands())
}

func keysOf(h http.Header) map[string]bool {
	keys := map[string]bool{}
	for k := range h {
		keys[k] = true
	}
	return keys
}

func TestAReadKeyOnlyReads(t *testing.T) {
	h := newHouse(t)
	for _, r := range everyRoute {
		a := h.request(r.method, "/apps/"+appID+r.path, bodyFor(r.method), "Authorization", "Bearer "+h.readKey)
		if r.method == "GET" {
			require.Equal(t, 200, a.StatusCode)
			continue
		}
		a.wantProblem(t, 403, "scope")
		require.Contains(t, a.Header.Get("WWW-Authenticate"), `scope="calls:control"`)
	}
}

func TestRoutesThatAreNone(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{
		"/", "/apps", "/apps/" + appID, "/apps/" + appID + "/calls/", "/apps/" + appID + "/calls/callhalf-5:0/", "/apps/" + appID + "/calls/callhalf-5:0/mute",
		"//apps/" + appID + "/calls", "/Apps/" + appID + "/calls", "/apps/" + appID + "/../" + appID + "/calls", "/metrics", "/admin/apps", "/debug/pprof/",
	} {
		h.get(path).wantProblem(t, 404, "not_found")
	}
	for path, allow := range map[string]string{
		"/apps/" + appID + "/calls":                     "GET, HEAD, OPTIONS, POST",
		"/apps/" + appID + "/calls/callhalf-5:0":        "DELETE, GET, HEAD, OPTIONS",
		"/apps/" + appID + "/calls/callhalf-5:0/answer": "OPTIONS, PUT",
		"/apps/" + appID + "/subscribers/tommy/calls":   "GET, HEAD, OPTIONS",
	} {
		for _, method := range []string{"PATCH", "PROPFIND"} {
			a := h.request(method, path, "")
			a.wantProblem(t, 405, "method_not_allowed")
			require.Equal(t, allow, a.Header.Get("Allow"), path)
		}
		a := h.request("OPTIONS", path, "")
		require.Equal(t, 204, a.StatusCode)
		require.Equal(t, allow, a.Header.Get("Allow"))
	}
}

func TestIdsWithOddCharacters(t *testing.T) {
	ids := map[string]string{ // as sent: as meant
		"a@b:c":              "a@b:c",
		"a%40b%3Ac":          "a@b:c",
		"plus+plus":          "plus+plus",
		"plus%2Bplus":        "plus+plus",
		"space%20here":       "space here",
		"slash%2Fslash":      "slash/slash",
		"percent%25":         "percent%",
		"twice%252F":         "twice%2F",
		"%E9%9B%BB%E8%A9%B1": "電話",
		"電話":                 "電話",
		"..%2f..":            "../..",
		"a;b,c=d&e":          "a;b,c=d&e",
		"%c3%a9":             "é",
	}
	h := newHouse(t)
	for sent, meant := range ids {
		p := engine.Profile{ID: meant, Number: "+15125550100", Network: networkID}
		h.tenants.subscribers = []*tenant.SubscriberInfo{{Profile: p, Apps: []string{appID}}}
		a := h.get("/apps/" + appID + "/subscribers/" + sent)
		require.Equal(t, 200, a.StatusCode, sent)
		require.Contains(t, a.body, `{"subscriber_id":"`+meant+`",`)
	}
	for _, sent := range []string{"%", "%4", "%zz", "%ff", "%00", "%0a", "%c2%85", strings.Repeat("x", 257), "%EF%BF%BD"} {
		h.get("/apps/"+appID+"/subscribers/"+sent).wantProblem(t, 404, "not_found")
	}
	// A call has one name: what only looks like one is none.
	for _, id := range []string{"callhalf-0:0", "callhalf-013467354071:0", "callhalf-13467354071", "callhalf-13467354071:1", "callhalf-99999999999999999999:0"} {
		h.get("/apps/"+appID+"/calls/"+id).wantProblem(t, 404, "not_found")
	}
	require.Equal(t, 200, h.get("/apps/"+appID+"/calls/callhalf%2D13467354071%3A0").StatusCode)
}

func TestTooManyRequests(t *testing.T) {
	now := time.Unix(1533331051, 0)
	h := newHouse(t, func(c *Config) {
		c.PerKey = web.Rate{PerSecond: 0.5, Burst: 3}
		c.Now = func() time.Time { return now }
	})
	path := "/apps/" + appID + "/calls"
	for range 3 {
		require.Equal(t, 200, h.get(path).StatusCode)
	}
	a := h.get(path)
	a.wantProblem(t, 429, "rate_limited")
	require.Equal(t, "2", a.Header.Get("Retry-After"))
	require.Equal(t, 200, h.request("GET", path, "", "Authorization", "Bearer "+h.readKey).StatusCode, "one key slows only itself")

	now = now.Add(2 * time.Second)
	require.Equal(t, 200, h.get(path).StatusCode)
	h.get(path).wantProblem(t, 429, "rate_limited")
}

// An address is counted before its keys are looked at, good or bad.
func TestTooManyRequestsFromOneAddress(t *testing.T) {
	now := time.Unix(1533331051, 0)
	h := newHouse(t, func(c *Config) {
		c.PerAddress = web.Rate{PerSecond: 1, Burst: 2}
		c.Now = func() time.Time { return now }
	})
	path := "/apps/" + appID + "/calls"
	h.request("GET", path, "", "Authorization", "Bearer guess").wantProblem(t, 401, "unauthorized")
	require.Equal(t, 200, h.get(path).StatusCode)
	h.request("GET", path, "", "Authorization", "Bearer guess").wantProblem(t, 429, "rate_limited")
	h.get(path).wantProblem(t, 429, "rate_limited")
}

func TestWhatIsMeasured(t *testing.T) {
	reg := prometheus.NewRegistry()
	h := newHouse(t, func(c *Config) { c.Metrics = NewMetrics(reg) })
	h.get("/apps/" + appID + "/calls")
	h.get("/apps/" + appID + "/calls")
	h.get("/nowhere")
	h.request("BREW", "/apps/"+appID+"/calls", "")
	h.request("GET", "/apps/"+appID+"/calls", "", "Authorization", "Bearer guess")

	families, err := reg.Gather()
	require.NoError(t, err)
	series := map[string]int{}
	for _, f := range families {
		series[f.GetName()] = len(f.GetMetric())
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				require.NotContains(t, l.GetValue(), appID, "labels are patterns")
			}
		}
	}
	require.Equal(t, map[string]int{"offhook_http_request_seconds": 4, "offhook_http_refused_keys_total": 1}, series)
}
