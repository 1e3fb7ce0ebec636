package stories

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// Subscribers whose ids are their phone numbers, here and at their platform,
// have calls, are asked for things, and meet with faults, with the log at its
// most talkative. No number is in it, nor in the metrics. What stands there
// instead finds the subscriber, and is the same after a restart.
func TestNumbersThatAreIdsAreNotLogged(t *testing.T) {
	l := rig.NewLedger(t)
	l.Refuse(func(n int) bool { return n%4 == 1 })
	w := rig.Checked.Platform(t, 4)
	w.Env = append(rig.Anywhere("none"), "OFFHOOK_LOG_LEVEL=debug", "OFFHOOK_CALLS_CONFIRM_TIMEOUT=1s")
	w.Begin(t, l, 2)
	network := w.Subscribers[0]["network_id"].(string)
	const remote = "+442079460018"
	subs := []map[string]any{}
	numbers := []string{"2079460018", "2015550199"}
	add := func(id, number, user string) {
		rig.Must(t, 201, "PUT", w.Admin("/admin/subscribers/"+url.PathEscape(id)), rig.Operator,
			fmt.Sprintf(`{"subscriber_number":%q,"network_id":%q,"provider_user_id":%q}`, number, network, user))
		rig.Must(t, 204, "PUT", w.Admin("/admin/apps/"+w.App+"/subscribers/"+url.PathEscape(id)), rig.Operator, "")
	}
	for i, id := range []string{"+12015550171", "2015550172", "sip:+1-201-555-0173@pbx.example"} {
		number, user := fmt.Sprintf("+1201555017%d", i+1), fmt.Sprintf("201555017%d@demo.example", i+1)
		rig.Must(t, 201, "POST", w.URL("/simulator/people"), "", fmt.Sprintf(`{"subscriber_id":%q,"first_name":"Quentin","last_name":"Okonkwo","subscriber_number":%q}`, user, number))
		rig.Must(t, 200, "PUT", w.URL("/simulator/phones/"+user), "", `{"answer_after_ms":5,"far_end":"answer","far_end_after_ms":5}`)
		add(id, number, user)
		subs = append(subs, map[string]any{"subscriber_id": id, "subscriber_number": number, "user": user})
		numbers = append(numbers, number[2:])
	}
	numbers = append(numbers, "201-555-0173", "Okonkwo")
	add("12015550199", "+12015550199", "2015550199@nowhere.example")
	w.Followed(len(w.Subscribers) + len(subs))

	ask := func(method, path, body string) rig.Answer {
		a, err := rig.Ask(method, w.API(path), w.Key, body)
		require.NoError(t, err)
		return a
	}
	work := func() {
		for _, sub := range subs {
			id := url.PathEscape(sub["subscriber_id"].(string))
			rig.Must(t, 201, "POST", w.URL("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":%q,"remote_name":"Zilkr LLC"}`, sub["user"], remote))
			if placed, err := w.Place(sub, remote, "Idempotency-Key", id); err == nil && placed.Status == 201 {
				call := placed.JSON(t)["call_id"].(string)
				for range rig.Poll(10 * time.Second) { // it may have been lost in a fault of before
					if w.State(call) != "ringing" {
						break
					}
				}
				for _, verb := range []string{"hold", "resume"} {
					ask("PUT", "/calls/"+call+"/"+verb, "")
				}
				ask("DELETE", "/calls/"+call, "")
			}
			ask("GET", "/subscribers/"+id+"/calls", "")
			ask("POST", "/calls", fmt.Sprintf(`{"subscriber_id":%q,"subscriber_number":"+12015550199","remote_number":"201 555 017"}`, sub["subscriber_id"]))
			ask("PUT", "/webhooks/calls/streams/"+id+"/pause", "")
			ask("PUT", "/webhooks/calls/streams/"+id+"/resume", "")
			ask("PUT", "/webhooks/calls/redeliver", fmt.Sprintf(`{"subscriber_id":%q,"sequence_number":"1"}`, sub["subscriber_id"]))
			ask("POST", "/webhooks/calls/replays", fmt.Sprintf(`{"subscriber_id":%q,"from":"1"}`, sub["subscriber_id"]))
		}
	}
	work()
	for _, kind := range []string{"reject_actions", "overload", "drop_event", "drop_channel", "ambiguous_originate"} {
		if a, err := rig.Ask("POST", w.URL("/simulator/faults"), "", fmt.Sprintf(`{"kind":%q,"duration_ms":200}`, kind)); err == nil && a.Status == 201 {
			_, _ = w.Place(subs[0], remote)
			_, _ = w.Place(subs[1], remote)
		}
	}
	// What is no request is quoted by who reads it.
	for _, line := range []string{"GET sip:+12015550171@x HTTP/1.1\r\nHost: x", "GET / HTTP/1.1\r\nHost: +12015550171:2015550172", "GET http://[2015550171/ HTTP/1.1\r\nHost: x", "2015550171", "GET /\r\nX 2015550172 : 1",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2015550171x\r\n"} {
		for _, name := range []string{"api", "admin"} {
			c, err := net.Dial("tcp", w.Addr(name))
			require.NoError(t, err)
			_, _ = fmt.Fprintf(c, "%s\r\n\r\n", line)
			require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
			_, _ = c.Read(make([]byte, 1))
			_ = c.Close()
		}
	}
	l.Wait(t, "traffic", func() bool { return l.Count() >= 12 })
	show := func(id string) map[string]any {
		return rig.Must(t, 200, "GET", w.Admin("/admin/subscribers/"+url.PathEscape(id)), rig.Operator, "").JSON(t)
	}
	name := show("+12015550171")["log_id"].(string)
	outputs := []string{string(rig.Must(t, http.StatusOK, "GET", w.Admin("/metrics"), "", "").Body)}
	outputs = append(outputs, w.Output())
	before := w.Process
	w.Kill()
	outputs = append(outputs, before.Output())
	w.Process = w.Serve(t)
	w.Followed(len(w.Subscribers) + len(subs))
	work()

	require.Equal(t, name, show("+12015550171")["log_id"], "it is the same after a restart")
	found := rig.Must(t, 200, "GET", w.Admin("/admin/subscribers?q="+name), rig.Operator, "").List(t)
	require.Len(t, found, 1)
	require.Equal(t, "+12015550171", found[0]["subscriber_id"])
	refused := regexp.MustCompile(`msg="subscription refused" .*user=(\w+)`).FindStringSubmatch(before.Output())
	require.NotNil(t, refused)
	found = rig.Must(t, 200, "GET", w.Admin("/admin/subscribers?q="+refused[1]), rig.Operator, "").List(t)
	require.Len(t, found, 1, "the platform's name for him is found too")
	require.Equal(t, "12015550199", found[0]["subscriber_id"])
	outputs = append(outputs, string(rig.Must(t, http.StatusOK, "GET", w.Admin("/metrics"), "", "").Body))
	w.Drain()
	outputs = append(outputs, w.Output())

	for _, out := range outputs[1:3] {
		require.Contains(t, out, "msg=transition sub="+name, "an operator can follow him")
	}
	for _, out := range outputs {
		for _, number := range numbers {
			require.NotContains(t, out, number)
			require.NotContains(t, out, strings.ReplaceAll(url.QueryEscape(number), "-", "%2D"))
		}
	}
}
