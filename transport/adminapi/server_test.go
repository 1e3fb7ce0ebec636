package adminapi

import (
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

func TestWithoutATokenNothingIsShown(t *testing.T) {
	reg := prometheus.NewRegistry()
	o := newOffice(t, func(c *Config) { c.Metrics, c.Gatherer = NewMetrics(reg), reg })
	for _, r := range o.server.routes.List() {
		method, path, _ := strings.Cut(r, " ")
		if slices.Contains([]string{"/healthz", "/readyz", "/metrics", "/openapi.yaml", "/reference"}, path) {
			continue
		}
		path = strings.NewReplacer("{profile:*}", "", "{", "", "}", "").Replace(path)
		for _, header := range []string{"", "Basic dTpw", "Bearer", "Bearer the admin", "Bearer " + token + "x", token} {
			a := o.send(method, path, nil, "Authorization", header)
			a.wantProblem(t, 401, "unauthorized")
			require.Contains(t, a.Header.Get("WWW-Authenticate"), `Bearer realm="offhook admin"`)
		}
	}
	require.Empty(t, o.store.notes())
	require.Contains(t, o.do("GET", "/metrics", "").body, `offhook_http_refused_keys_total{listener="admin",reason="wrong"}`)
}

func TestHealth(t *testing.T) {
	var missing []string
	o := newOffice(t, func(c *Config) { c.Ready = func() []string { return missing } })
	o.send("GET", "/healthz", nil, "Authorization", "").want(t, 200, "ok\n")
	o.send("GET", "/readyz", nil, "Authorization", "").want(t, 200, `{"ready":true,"not_ready":[]}`)
	missing = []string{"store", "api listener"}
	o.send("GET", "/readyz", nil, "Authorization", "").want(t, 503, `{"ready":false,"not_ready":["store","api listener"]}`)
	require.Equal(t, 200, o.send("HEAD", "/healthz", nil).StatusCode)
}

func TestMetricsAndProfiles(t *testing.T) {
	reg := prometheus.NewRegistry()
	o := newOffice(t, func(c *Config) { c.Metrics, c.Gatherer = NewMetrics(reg), reg })
	o.do("GET", "/admin/apps", "")
	a := o.send("GET", "/metrics", nil, "Authorization", "")
	require.Equal(t, 200, a.StatusCode)
	require.Contains(t, a.body, `offhook_http_request_seconds_count{listener="admin",method="GET",route="/admin/apps",status="2xx"} 1`)

	require.Contains(t, o.do("GET", "/debug/pprof/", "").body, "goroutine")
	require.Contains(t, o.do("GET", "/debug/pprof/goroutine?debug=1", "").body, "goroutine profile:")
	require.Equal(t, 200, o.do("GET", "/debug/pprof/cmdline", "").StatusCode)
	require.Equal(t, 404, o.do("GET", "/debug/pprof/nothing", "").StatusCode)
}

func TestRoutesThatAreNone(t *testing.T) {
	o := newOffice(t)
	for _, path := range []string{"/", "/admin", "/admin/apps/", "/admin/apps/x/", "/apps/x/calls", "/admin/apps/x/keys/1/2", "/admin//apps"} {
		o.do("GET", path, "").wantProblem(t, 404, "not_found")
	}
	a := o.do("PUT", "/admin/apps", `{}`)
	a.wantProblem(t, 405, "method_not_allowed")
	require.Equal(t, "GET, HEAD, OPTIONS, POST", a.Header.Get("Allow"))
	require.Equal(t, "DELETE, OPTIONS", o.do("GET", "/admin/apps/x/keys/y", "").Header.Get("Allow"))
}

func TestATokenIsNeeded(t *testing.T) {
	_, err := New(Config{})
	require.Error(t, err)
}
