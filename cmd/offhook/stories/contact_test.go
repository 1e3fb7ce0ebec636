package stories

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/port"
	"offhook/bench/prove/rig"
)

// posted changes the config so that events are POSTed to a listener of offhook.
func posted(t *testing.T, w *rig.Apart) (listen string) {
	listen, err := port.Free()
	require.NoError(t, err)
	config, err := os.ReadFile(w.Config)
	require.NoError(t, err)
	events := fmt.Sprintf("      events: { delivery: http_contact, listen: %q, public_url: %q, allow: [127.0.0.0/8] }\n    dialing:", listen, "http://"+listen+"/xsi")
	changed := strings.Replace(string(config), "    dialing:", events, 1)
	require.NotEqual(t, string(config), changed)
	require.NoError(t, os.WriteFile(w.Config, []byte(changed), 0o600))
	return listen
}

func stat(t *testing.T, w *rig.Apart, name string) float64 {
	return rig.Must(t, 200, "GET", w.URL("/simulator/stats"), "", "").JSON(t)[name].(float64)
}

// An operator moves from channels to an HTTP contact; then offhook is killed
// in the middle of calls, its secret path is replaced, and people make calls.
func TestEventsArePostedInsteadOfStreamed(t *testing.T) {
	l := rig.NewLedger(t)
	w := rig.Checked.TwoProcesses(t, l, 8, 8)
	w.Drain()
	listen := posted(t, w)
	before := stat(t, w, "subscriptions_created")
	w.Process = w.Serve(t)

	incoming := func(sub map[string]any) string {
		return rig.Must(t, 201, "POST", w.URL("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+15125550142"}`, sub["subscriber_id"])).JSON(t)["call_id"].(string)
	}
	settled := func(what string) {
		l.Wait(t, what, func() bool {
			ours, theirs := w.Picture()
			return fmt.Sprint(ours) == fmt.Sprint(theirs)
		})
	}
	// Those of the channels have to be gone: a kill would leave them until they expire.
	l.Wait(t, "the subscriptions for the contact", func() bool {
		return stat(t, w, "subscriptions_created") >= before+8 && live(t, w, "subscriptions") == 8
	})
	incoming(w.Subscribers[1])
	placed, err := w.Place(w.Subscribers[0], "+15129104114")
	require.NoError(t, err)
	require.Equal(t, 201, placed.Status, "%s", placed.Body)
	call := placed.JSON(t)["call_id"].(string)
	w.Until(call, "active")
	rig.Must(t, 204, "PUT", w.API("/calls/"+call+"/hold"), w.Key, "")
	require.Equal(t, "held", w.State(call), "the POSTed event confirms it")
	settled("what was POSTed")
	require.Positive(t, stat(t, w, "contact_posts"))
	opened := stat(t, w, "channels_opened")

	// Nobody knows the path but the platform; nobody else finds anything.
	rig.Must(t, 404, "POST", "http://"+listen+"/xsi/"+strings.Repeat("0", 40), "", "<a/>")

	w.Kill()
	ended := incoming(w.Subscribers[2]) // nobody hears of it
	rig.Must(t, 200, "POST", w.URL("/simulator/calls/"+ended+"/remote-hangup"), "", "")
	incoming(w.Subscribers[3])
	for _, c := range w.Truth() {
		if c["subscriber_id"] == w.Subscribers[0]["subscriber_id"] {
			rig.Must(t, 200, "POST", w.URL("/simulator/calls/"+c["call_id"].(string)+"/hangup"), "", "")
		}
	}
	made := stat(t, w, "subscriptions_created")
	w.Process = w.Serve(t)
	w.Until(call, "released")
	settled("what happened meanwhile")
	require.Equal(t, made, stat(t, w, "subscriptions_created"), "the contact and its subscriptions outlive the process")

	network := rig.Must(t, 200, "GET", w.Admin("/admin/networks"), rig.Operator, "").List(t)[0]["network_id"].(string)
	rig.Must(t, 204, "POST", w.Admin("/admin/networks/"+network+"/contact/rotate"), rig.Operator, "")
	l.Wait(t, "new subscriptions", func() bool {
		return stat(t, w, "subscriptions_created") >= made+8 && live(t, w, "subscriptions") == 8
	})
	incoming(w.Subscribers[4])
	settled("a call after the change")

	for _, c := range w.Truth() {
		_, _ = rig.Ask("POST", w.URL("/simulator/calls/"+c["call_id"].(string)+"/hangup"), "", "")
	}
	l.Wait(t, "the end of every call", func() bool { return len(l.Open()) == 0 && len(w.Truth()) == 0 })
	l.Audit(t)
	require.Equal(t, opened, stat(t, w, "channels_opened"), "no channel since")
	w.Drain()
	require.NotContains(t, w.Output(), "/xsi/", "the secret path is no word of the log")
}

func live(t *testing.T, w *rig.Apart, name string) float64 {
	live, ok := rig.Must(t, 200, "GET", w.URL("/simulator/stats"), "", "").JSON(t)["live"].(map[string]any)
	require.True(t, ok)
	return live[name].(float64)
}
