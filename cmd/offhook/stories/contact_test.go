package stories

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// posted changes the config so that events are POSTed to a listener of offhook.
func (w *twoProcesses) posted(t *testing.T) (listen string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free, most probably still then
	require.NoError(t, err)
	listen = ln.Addr().String()
	require.NoError(t, ln.Close())
	config, err := os.ReadFile(w.config)
	require.NoError(t, err)
	events := fmt.Sprintf("      events: { delivery: http_contact, listen: %q, public_url: %q, allow: [127.0.0.0/8] }\n    dialing:", listen, "http://"+listen+"/xsi")
	changed := strings.Replace(string(config), "    dialing:", events, 1)
	require.NotEqual(t, string(config), changed)
	require.NoError(t, os.WriteFile(w.config, []byte(changed), 0o600))
	return listen
}

func (w *twoProcesses) stat(t *testing.T, name string) float64 {
	return must(t, 200, "GET", w.url("/simulator/stats"), "", "").json(t)[name].(float64)
}

// An operator moves from channels to an HTTP contact; then offhook is killed
// in the middle of calls, its secret path is replaced, and people make calls.
func TestEventsArePostedInsteadOfStreamed(t *testing.T) {
	l := newLedger(t)
	w := apart(t, l, 8)
	w.drain()
	listen := w.posted(t)
	w.process = w.serve(t)

	incoming := func(sub map[string]any) string {
		return must(t, 201, "POST", w.url("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+15125550142"}`, sub["subscriber_id"])).json(t)["call_id"].(string)
	}
	settled := func(what string) {
		l.wait(t, what, func() bool {
			ours, theirs := w.picture()
			return fmt.Sprint(ours) == fmt.Sprint(theirs)
		})
	}
	incoming(w.subscribers[1])
	placed, err := w.place(w.subscribers[0], "+15129104114")
	require.NoError(t, err)
	require.Equal(t, 201, placed.status, "%s", placed.body)
	call := placed.json(t)["call_id"].(string)
	w.until(call, "active")
	must(t, 204, "PUT", w.api("/calls/"+call+"/hold"), w.key, "")
	require.Equal(t, "held", w.state(call), "the POSTed event confirms it")
	settled("what was POSTed")
	require.Positive(t, w.stat(t, "contact_posts"))
	opened := w.stat(t, "channels_opened")

	// Nobody knows the path but the platform; nobody else finds anything.
	must(t, 404, "POST", "http://"+listen+"/xsi/"+strings.Repeat("0", 40), "", "<a/>")

	w.kill()
	ended := incoming(w.subscribers[2]) // nobody hears of it
	must(t, 200, "POST", w.url("/simulator/calls/"+ended+"/remote-hangup"), "", "")
	incoming(w.subscribers[3])
	for _, c := range w.truth() {
		if c["subscriber_id"] == w.subscribers[0]["subscriber_id"] {
			must(t, 200, "POST", w.url("/simulator/calls/"+c["call_id"].(string)+"/hangup"), "", "")
		}
	}
	made := w.stat(t, "subscriptions_created")
	w.process = w.serve(t)
	w.until(call, "released")
	settled("what happened meanwhile")
	require.Equal(t, made, w.stat(t, "subscriptions_created"), "the contact and its subscriptions outlive the process")

	network := must(t, 200, "GET", w.admin("/admin/networks"), operator, "").list(t)[0]["network_id"].(string)
	must(t, 204, "POST", w.admin("/admin/networks/"+network+"/contact/rotate"), operator, "")
	l.wait(t, "new subscriptions", func() bool {
		return w.stat(t, "subscriptions_created") == made+8 && w.live(t, "subscriptions") == 8
	})
	incoming(w.subscribers[4])
	settled("a call after the change")

	for _, c := range w.truth() {
		_, _ = ask("POST", w.url("/simulator/calls/"+c["call_id"].(string)+"/hangup"), "", "")
	}
	l.wait(t, "the end of every call", func() bool { return len(l.open()) == 0 && len(w.truth()) == 0 })
	l.audit(t)
	require.Equal(t, opened, w.stat(t, "channels_opened"), "no channel since")
	w.drain()
	require.NotContains(t, w.output(), "/xsi/", "the secret path is no word of the log")
}

func (w *twoProcesses) live(t *testing.T, name string) float64 {
	live, ok := must(t, 200, "GET", w.url("/simulator/stats"), "", "").json(t)["live"].(map[string]any)
	require.True(t, ok)
	return live[name].(float64)
}
