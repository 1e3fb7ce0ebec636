package doors

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/store"
	"offhook/transport/adminapi"
	"offhook/transport/console"
	"offhook/transport/eventlog"
	"offhook/transport/hookapi"
	"offhook/transport/httpapi"
	"offhook/transport/webhook"
	"offhook/transport/webhook/replay"
)

// The tables are those of servers with everything switched on, as cmd/offhook
// builds them. Nobody calls these two: that a route is there in the program as
// well is shown by its success.
func hooks() *hookapi.API {
	return hookapi.New(hookapi.Config{Prober: &webhook.Prober{}, Replays: &replay.Replayer{}})
}

func publicRoutes(t testing.TB) []string {
	t.Helper()
	return publicServer(t).Routes()
}

func publicServer(t testing.TB) *httpapi.Server {
	t.Helper()
	s, err := httpapi.New(httpapi.Config{Events: eventlog.New(eventlog.Config{}), Hooks: hooks(), History: &store.Store{}})
	require.NoError(t, err)
	return s
}

func adminRoutes(t testing.TB) []string {
	t.Helper()
	s, err := adminapi.New(adminapi.Config{
		Token: "of nobody", Hooks: hooks(), LogLevel: &slog.LevelVar{}, AsApp: publicServer(t).ForOperator(),
		Console: &adminapi.Console{Pages: &console.Pages{}, Simulator: "127.0.0.1:1"},
	})
	require.NoError(t, err)
	return s.Routes()
}

// open are the routes that want no key and no token.
var open = map[string]bool{
	"GET /healthz": true, "GET /readyz": true, "GET /metrics": true, "GET /openapi.yaml": true, "GET /reference": true,
	"GET /console": true, "GET /console/{file:*}": true, "GET /": true, "GET /console/": true,
}

// door is one route, with a request that succeeds. Placeholders in braces, in
// the path, the query and the body, stand for ids: each of them is replaced in
// turn by what is somebody else's, by what is nobody's and by what is no id.
type door struct {
	method, path string
	query        string
	body         string
	want         int    // of the success
	call         string // what call a success is about: one that is brought about first, or "" for the one there is
}

func (d door) route() string { return d.method + " " + d.path }

// scope is what a key must have, by the rule that whatever is no GET changes
// something. A route that breaks the rule breaks the test of scopes.
func (d door) scope() string {
	if d.method == "GET" {
		return "calls:read"
	}
	return "calls:control"
}

// places are the placeholders of a door.
func (d door) places() (all []string) {
	seen := map[string]bool{}
	for _, text := range []string{d.path, d.query, d.body} {
		for _, part := range strings.Split(text, "{")[1:] {
			name, _, ok := strings.Cut(part, "}")
			if ok && known[name] && !seen[name] {
				seen[name] = true
				all = append(all, name)
			}
		}
	}
	return all
}

var known = map[string]bool{
	"app_id": true, "call_id": true, "subscriber_id": true, "subscriber_number": true, "task_id": true, "kind": true,
	"other_call_id": true, "conference_id": true, "key_id": true, "network_id": true, "profile:*": true, "cursor": true, "call_page": true, "subscriber_page": true,
}

// doors are the entries of a catalogue for a table, in the order of the
// catalogue. A route without an entry, and an entry without a route, fail.
func doorsOf(t testing.TB, routes []string, catalogue []door) []door {
	t.Helper()
	entered, there := map[string]bool{}, map[string]bool{}
	for _, d := range catalogue {
		entered[d.route()] = true
	}
	for _, r := range routes {
		there[r] = true
		require.True(t, entered[r], "%s is in the table, and nobody has said in catalogue_test.go what a success of it looks like", r)
	}
	for _, d := range catalogue {
		require.True(t, there[d.route()], "%s is in catalogue_test.go, and no listener has it", d.route())
	}
	return catalogue
}
