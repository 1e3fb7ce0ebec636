package stories

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// anywhere lets the program listen where nothing else does, and talk to this test.
func anywhere(traffic string) []string {
	return []string{
		"OFFHOOK_LISTEN=127.0.0.1:0", "OFFHOOK_ADMIN_LISTEN=127.0.0.1:0", "OFFHOOK_SIMULATOR_LISTEN=127.0.0.1:0",
		"OFFHOOK_WEBHOOKS_ALLOW_HTTP=true", "OFFHOOK_WEBHOOKS_ALLOW_PRIVATE_NETWORKS=true",
		"OFFHOOK_SIMULATOR_TRAFFIC=" + traffic,
	}
}

// site is a running offhook with an app of our own.
type site struct {
	*process
	t           *testing.T
	app, key    string
	subscribers []map[string]any
	ledger      *ledger
}

func (s *site) api(path string) string   { return "http://" + s.addr("api") + "/apps/" + s.app + path }
func (s *site) admin(path string) string { return "http://" + s.addr("admin") + path }
func (s *site) sim(path string) string   { return "http://" + s.addr("simulator") + path }

// connect registers an app with a webhook for the first n subscribers.
func connect(t *testing.T, p *process, l *ledger, n int) *site {
	t.Helper()
	s := &site{process: p, t: t, ledger: l}
	made := must(t, 201, "POST", s.admin("/admin/apps"), operator, fmt.Sprintf(`{"name":"a CRM","calls_webhook":{"url":%q}}`, l.URL)).json(t)
	s.app, s.key = made["app_id"].(string), made["api_key"].(string)
	s.subscribers = must(t, 200, "GET", s.admin("/admin/subscribers"), operator, "").list(t)
	require.GreaterOrEqual(t, len(s.subscribers), n)
	for _, sub := range s.subscribers[:n] {
		must(t, 204, "PUT", s.admin("/admin/apps/"+s.app+"/subscribers/"+sub["subscriber_id"].(string)), operator, "")
	}
	return s
}

func (s *site) place(sub map[string]any, remote string, header ...string) (answer, error) {
	return ask("POST", s.api("/calls"), s.key, fmt.Sprintf(`{"subscriber_id":%q,"subscriber_number":%q,"remote_number":%q,"remote_name":"Zilkr LLC"}`,
		sub["subscriber_id"], sub["subscriber_number"], remote), header...)
}

func (s *site) state(call string) string {
	a, err := ask("GET", s.api("/calls/"+call), s.key, "")
	if err != nil || a.status != 200 {
		return fmt.Sprint(a.status)
	}
	return a.json(s.t)["state"].(string)
}

func (s *site) until(call, state string) {
	s.t.Helper()
	for range poll(20 * time.Second) {
		if s.state(call) == state {
			return
		}
	}
	s.t.Fatalf("call is %s, not %s", s.state(call), state)
}

func TestCallIsPlacedHeldResumedAndEnded(t *testing.T) {
	l := newLedger(t)
	p := run(t, anywhere("none"), "serve", "--data-dir", t.TempDir())
	s := connect(t, p, l, 3)
	sub := s.subscribers[0]

	placed, err := s.place(sub, "+15129104114")
	require.NoError(t, err)
	require.Equal(t, 201, placed.status, "%s", placed.body)
	require.Regexp(t, regexp.MustCompile(`^\{"subscriber_id":"[^"]+","subscriber_number":"[^"]+","remote_number":"\+15129104114","subscriber_name":"[^"]*","remote_name":"Zilkr LLC","call_id":"callhalf-\d+:0","direction":"outgoing",`), string(placed.body))
	call := placed.json(t)["call_id"].(string)

	list := must(t, 200, "GET", s.api("/calls"), s.key, "").list(t)
	require.Len(t, list, 1)
	require.Equal(t, call, list[0]["call_id"])
	own := must(t, 200, "GET", s.api("/subscribers/"+sub["subscriber_id"].(string)+"/calls"), s.key, "").list(t)
	require.Equal(t, list, own)

	s.until(call, "active")
	must(t, 204, "PUT", s.api("/calls/"+call+"/hold"), s.key, "")
	require.Equal(t, "held", s.state(call), "a read right after a hold shows held")
	must(t, 204, "PUT", s.api("/calls/"+call+"/resume"), s.key, "")
	must(t, 204, "DELETE", s.api("/calls/"+call), s.key, "")
	must(t, 204, "DELETE", s.api("/calls/"+call), s.key, "")
	require.JSONEq(t, `[]`, string(must(t, 200, "GET", s.api("/calls"), s.key, "").body))
	l.wait(t, "the story of the call", func() bool { return len(l.states(call)) == 5 })
	require.Equal(t, []string{"ringing", "active", "held", "active", "released"}, l.states(call))
	l.audit(t)

	// An incoming call is rung at a phone and answered through the API.
	must(t, 201, "POST", s.sim("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+15125550142","remote_name":"Jenny"}`, sub["subscriber_id"]))
	var ringing string
	for range poll(20 * time.Second) {
		if calls := must(t, 200, "GET", s.api("/calls"), s.key, "").list(t); len(calls) == 1 {
			ringing = calls[0]["call_id"].(string)
			require.Equal(t, "incoming", calls[0]["direction"])
			require.Equal(t, "+15125550142", calls[0]["remote_number"])
			break
		}
	}
	require.Equal(t, 409, must(t, 409, "PUT", s.api("/calls/"+ringing+"/hold"), s.key, "").status)
	must(t, 204, "PUT", s.api("/calls/"+ringing+"/answer"), s.key, "")
	require.Equal(t, "active", s.state(ringing))
	must(t, 204, "DELETE", s.api("/calls/"+ringing), s.key, "")

	metrics := string(must(t, 200, "GET", s.admin("/metrics"), "", "").body)
	for _, series := range []string{"offhook_transitions_total{", "offhook_command_seconds_count{", "offhook_inbox_depth{", "offhook_live_calls ", "offhook_owners_awake "} {
		require.Contains(t, metrics, "\n"+series)
	}
	p.drain()
}

func TestPrintedScriptWorksAsPasted(t *testing.T) {
	p := run(t, anywhere("none")[:3], "serve", "--data-dir", t.TempDir())
	script := printedScript(t, p)
	path := filepath.Join(t.TempDir(), "tour.sh")
	require.NoError(t, os.WriteFile(path, []byte(script), 0o600))
	out, err := exec.Command("sh", path).CombinedOutput()
	require.NoError(t, err, "%s\n----\n%s", script, out)
	for range poll(20 * time.Second) {
		if strings.Count(p.output(), "released") >= 2 {
			break
		}
	}
	p.drain()
}

func TestSubscribersWebhookAndBulk(t *testing.T) {
	p := run(t, anywhere("none"), "serve", "--data-dir", t.TempDir())
	l := newLedger(t)
	s := connect(t, p, l, 1)
	network := s.subscribers[0]["network_id"].(string)
	made := must(t, 201, "POST", s.admin("/admin/apps"), operator, `{"name":"bulk"}`).json(t)
	lines := fmt.Sprintf(`{"subscriber_id":"new@example.com","subscriber_number":"+15125550177","subscriber_name":"New","network_id":%q,"apps":[%q]}`, network, made["app_id"]) + "\nnot json\n"
	sum := must(t, 200, "POST", s.admin("/admin/subscribers"), operator, lines).json(t)
	require.EqualValues(t, 1, sum["created"])
	require.Len(t, sum["failed"], 1)
	must(t, 404, "GET", s.api("/subscribers/new@example.com/calls"), s.key, "")
	p.drain()
}

// printedScript is what a newcomer would copy from the terminal.
func printedScript(t *testing.T, p *process) string {
	t.Helper()
	lines := strings.Split(p.output(), "\n")
	var script []string
	for _, line := range lines {
		if !strings.Contains(line, "level=") && !strings.Contains(line, "  provisioned  ") {
			script = append(script, line)
		}
	}
	text := strings.Join(script, "\n")
	require.Contains(t, text, "curl")
	return text
}
