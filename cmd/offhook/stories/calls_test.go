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

	"offhook/bench/prove/rig"
)

func TestCallIsPlacedHeldResumedAndEnded(t *testing.T) {
	l := rig.NewLedger(t)
	p := rig.Run(t, rig.Anywhere("none"), "serve", "--data-dir", t.TempDir())
	s := rig.Connect(t, p, l, 3)
	s.Followed(len(s.Subscribers))
	sub := s.Subscribers[0]

	placed, err := s.Place(sub, "+15129104114")
	require.NoError(t, err)
	require.Equal(t, 201, placed.Status, "%s", placed.Body)
	require.Regexp(t, regexp.MustCompile(`^\{"subscriber_id":"[^"]+","subscriber_number":"[^"]+","remote_number":"\+15129104114","subscriber_name":"[^"]*","remote_name":"Zilkr LLC","call_id":"callhalf-\d+:0","direction":"outgoing",`), string(placed.Body))
	call := placed.JSON(t)["call_id"].(string)

	list := rig.Must(t, 200, "GET", s.API("/calls"), s.Key, "").List(t)
	require.Len(t, list, 1)
	require.Equal(t, call, list[0]["call_id"])
	own := rig.Must(t, 200, "GET", s.API("/subscribers/"+sub["subscriber_id"].(string)+"/calls"), s.Key, "").List(t)
	require.Equal(t, list, own)

	s.Until(call, "active")
	rig.Must(t, 204, "PUT", s.API("/calls/"+call+"/hold"), s.Key, "")
	require.Equal(t, "held", s.State(call), "a read right after a hold shows held")
	rig.Must(t, 204, "PUT", s.API("/calls/"+call+"/resume"), s.Key, "")
	rig.Must(t, 204, "DELETE", s.API("/calls/"+call), s.Key, "")
	rig.Must(t, 204, "DELETE", s.API("/calls/"+call), s.Key, "")
	require.JSONEq(t, `[]`, string(rig.Must(t, 200, "GET", s.API("/calls"), s.Key, "").Body))
	l.Wait(t, "the story of the call", func() bool { return len(l.States(call)) == 5 })
	require.Equal(t, []string{"ringing", "active", "held", "active", "released"}, l.States(call))
	l.Audit(t)

	// An incoming call is rung at a phone and answered through the API.
	rig.Must(t, 201, "POST", s.Sim("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+15125550142","remote_name":"Jenny"}`, sub["subscriber_id"]))
	var ringing string
	for range rig.Poll(20 * time.Second) {
		if calls := rig.Must(t, 200, "GET", s.API("/calls"), s.Key, "").List(t); len(calls) == 1 {
			ringing = calls[0]["call_id"].(string)
			require.Equal(t, "incoming", calls[0]["direction"])
			require.Equal(t, "+15125550142", calls[0]["remote_number"])
			break
		}
	}
	require.Equal(t, 409, rig.Must(t, 409, "PUT", s.API("/calls/"+ringing+"/hold"), s.Key, "").Status)
	rig.Must(t, 204, "PUT", s.API("/calls/"+ringing+"/answer"), s.Key, "")
	require.Equal(t, "active", s.State(ringing))
	rig.Must(t, 204, "DELETE", s.API("/calls/"+ringing), s.Key, "")

	metrics := string(rig.Must(t, 200, "GET", s.Admin("/metrics"), "", "").Body)
	for _, series := range []string{"offhook_transitions_total{", "offhook_command_seconds_count{", "offhook_inbox_depth{", "offhook_live_calls ", "offhook_owners_awake "} {
		require.Contains(t, metrics, "\n"+series)
	}
	p.Drain()
}

func TestPrintedScriptWorksAsPasted(t *testing.T) {
	p := rig.Run(t, rig.Anywhere("none")[:3], "serve", "--data-dir", t.TempDir())
	script := printedScript(t, p)
	path := filepath.Join(t.TempDir(), "tour.sh")
	require.NoError(t, os.WriteFile(path, []byte(script), 0o600))
	out, err := exec.Command("sh", path).CombinedOutput()
	require.NoError(t, err, "%s\n----\n%s", script, out)
	for range rig.Poll(20 * time.Second) {
		if strings.Count(p.Output(), "released") >= 2 {
			break
		}
	}
	p.Drain()
}

func TestSubscribersWebhookAndBulk(t *testing.T) {
	p := rig.Run(t, rig.Anywhere("none"), "serve", "--data-dir", t.TempDir())
	l := rig.NewLedger(t)
	s := rig.Connect(t, p, l, 1)
	s.Followed(len(s.Subscribers))
	network := s.Subscribers[0]["network_id"].(string)
	made := rig.Must(t, 201, "POST", s.Admin("/admin/apps"), rig.Operator, `{"name":"bulk"}`).JSON(t)
	lines := fmt.Sprintf(`{"subscriber_id":"new@example.com","subscriber_number":"+15125550177","subscriber_name":"New","network_id":%q,"apps":[%q]}`, network, made["app_id"]) + "\nnot json\n"
	sum := rig.Must(t, 200, "POST", s.Admin("/admin/subscribers"), rig.Operator, lines).JSON(t)
	require.EqualValues(t, 1, sum["created"])
	require.Len(t, sum["failed"], 1)
	rig.Must(t, 404, "GET", s.API("/subscribers/new@example.com/calls"), s.Key, "")
	p.Drain()
}

// printedScript is what a newcomer would copy from the terminal.
func printedScript(t *testing.T, p *rig.Process) string {
	t.Helper()
	for range rig.Poll(20 * time.Second) { // it comes after the ready line
		if strings.Contains(p.Output(), "# What the webhook of the demo app receives") {
			break
		}
	}
	lines := strings.Split(p.Output(), "\n")
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
