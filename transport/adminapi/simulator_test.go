package adminapi

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/provider/simulator"
)

// simulation is a running simulator, and an office that hands requests on to it.
func simulation(t *testing.T) (o *office, direct string) {
	sim := simulator.New(simulator.Config{})
	served := httptest.NewServer(sim.Handler())
	t.Cleanup(func() { served.Close(); require.NoError(t, sim.Close()) })
	o, _, _ = withConsole(t, func(c *Config) { c.Console.Simulator = strings.TrimPrefix(served.URL, "http://") })
	return o, served.URL
}

// What the manual of the simulator does there can be done here, and the document
// knows every answer. That the manual leaves nothing out is a test of the simulator's.
func TestTheControlPathsOfTheManualAreHereToo(t *testing.T) {
	o, _ := simulation(t)
	manual, err := os.ReadFile("../../docs/simulator.md")
	require.NoError(t, err)
	example := regexp.MustCompile(`(?m)^    (?:([A-Z]+)=\$\()?curl -sS(?: -X ([A-Z]+))? 127\.0\.0\.1:8082(/simulator[^ \n]*)(?: -d '([^']*)')?(?: \| jq -r \.(\w+)\))?$`)
	runs := example.FindAllStringSubmatch(string(manual), -1)
	require.Greater(t, len(runs), 25)
	names := map[string]string{}
	for _, m := range runs {
		method, path := m[2], m[3]
		if method == "" {
			method = "GET"
		}
		for name, value := range names {
			path = strings.ReplaceAll(path, "$"+name, value)
		}
		a := o.do(method, "/admin"+path, m[4])
		require.Less(t, a.StatusCode, 300, "%s: %s", m[0], a.body)
		if m[1] != "" {
			var answer map[string]any
			require.NoError(t, json.Unmarshal([]byte(a.body), &answer))
			names[m[1]] = answer[m[5]].(string)
		}
	}

	call := o.do("POST", "/admin/simulator/calls", `{"subscriber_id":"alice@demo.example","remote_number":"+442079460001"}`).json(t)["call_id"].(string)
	o.do("POST", "/admin/simulator/calls/"+call+"/hold", "").wantProblem(t, 409, "wrong_state")
	o.do("POST", "/admin/simulator/calls/"+call+"/dance", "").wantProblem(t, 404, "not_found")
	o.do("POST", "/admin/simulator/calls", `{"subscriber_id":"nobody","remote_number":"+442079460001"}`).wantProblem(t, 404, "not_found")
	o.do("POST", "/admin/simulator/faults", `{"kind":"rain"}`).wantProblem(t, 422, "invalid_field", "kind")
	o.do("POST", "/admin/simulator/faults", `[]`).wantProblem(t, 422, "invalid_field")
	o.do("POST", "/admin/simulator/faults", `{`).wantProblem(t, 400, "bad_json")
	head := o.do("HEAD", "/admin/simulator/phones", "")
	require.Equal(t, 200, head.StatusCode)
	require.Empty(t, head.body)
}

func TestTheMethodsOfTheControlPathsAreTheSimulators(t *testing.T) {
	_, direct := simulation(t)
	for _, r := range simulatorRoutes {
		req, err := http.NewRequest("BREW", direct+"/simulator/"+strings.NewReplacer("{", "", "}", "").Replace(r.path), nil)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		methods := strings.Fields(r.methods)
		slices.Sort(methods)
		require.Equal(t, strings.Join(methods, ", "), resp.Header.Get("Allow"), r.path)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestTheSimulatorIsReachedThroughTheAdminListenerAlone(t *testing.T) {
	const call = `{"call_id":"c","tracking_id":"t","subscriber_id":"a@b","remote_number":"","remote_name":"","state":"ringing","direction":"incoming",` +
		`"remote_held":false,"xsi_state":"Alerting","personality":"Terminator","start_time":1}`
	var seen []string
	sim := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, r.Method+" "+r.RequestURI+" "+r.Header.Get("Authorization")+string(body))
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(call))
	}))
	defer sim.Close()
	o, _, _ := withConsole(t, func(c *Config) { c.Console.Simulator = strings.TrimPrefix(sim.URL, "http://") })
	require.Contains(t, o.do("GET", "/admin/about", "").body, `"simulator":true`)
	o.do("POST", "/admin/simulator/calls/a%40b/park", `{"extension":"1003"}`).want(t, 200, call)
	require.Equal(t, []string{`POST /simulator/calls/a%40b/park {"extension":"1003"}`}, seen, "the token stays here")

	for _, path := range []string{"../com.broadsoft.xsi-actions/v2.0/user/a/calls", "phones/..", "phones/a/b", "elsewhere", ""} {
		o.do("GET", "/admin/simulator/"+path, "").wantProblem(t, 404, "not_found")
	}
	o.send("GET", "/admin/simulator/phones", nil, "Authorization", "").wantProblem(t, 401, "unauthorized")
	require.Len(t, seen, 1)
	sim.Close()
	o.do("GET", "/admin/simulator/phones", "").wantProblem(t, 503, "provider_unavailable")
}
