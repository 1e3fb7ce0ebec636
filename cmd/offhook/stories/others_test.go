package stories

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// notTheirs: a call, a conference and a network of another app look, wherever
// a request can name one, like one that nobody has; and nothing happens to them.
func notTheirs(t *testing.T, f *floor) {
	some := f.people(t, 2)
	own, theirs := some[0], some[1]
	made := rig.Must(t, 201, "POST", f.Admin("/admin/apps"), rig.Operator, `{"name":"another"}`).JSON(t)
	app, key := made["app_id"].(string), made["api_key"].(string)
	rig.Must(t, 204, "PUT", f.Admin("/admin/apps/"+app+"/subscribers/"+own.id), rig.Operator, "")
	ask := func(method, path, body string) (int, string) {
		a, err := rig.Ask(method, "http://"+f.Addr("api")+"/apps/"+app+path, key, body)
		require.NoError(t, err)
		return a.Status, string(a.Body)
	}
	held, mine := two(t, f, own)
	conference := f.ask(t, 201, "POST", "/conferences", fmt.Sprintf(`{"call_ids":[%q,%q]}`, held.call, mine.call)).JSON(t)["conference_id"].(string)
	first, second := two(t, f, theirs)
	foreign := f.ask(t, 201, "POST", "/conferences", fmt.Sprintf(`{"call_ids":[%q,%q]}`, first.call, second.call)).JSON(t)["conference_id"].(string)
	before := []map[string]any{f.truth(t, first), f.truth(t, second)}

	const nobody, none = "callhalf-4611686018427387904:0", "conference-4611686018427387904"
	like := func(method, path, body string) {
		t.Helper()
		var got [2]string
		for i, as := range []*strings.Replacer{strings.NewReplacer("{call}", first.call, "{conference}", foreign), strings.NewReplacer("{call}", nobody, "{conference}", none)} {
			status, text := ask(method, as.Replace(path), as.Replace(body))
			require.Equal(t, 404, status, "%s %s %s: %s", method, path, body, text)
			got[i] = text
		}
		require.Equal(t, got[1], got[0], "%s %s %s", method, path, body)
	}
	for _, tail := range []string{
		"answer", "hold", "resume", "decline", "divert", "transfer", "mute-transfer", "consult-transfer", "reconnect", "park", "dtmf",
		"recording/start", "recording/pause", "recording/resume", "recording/stop",
	} {
		like("PUT", "/calls/{call}/"+tail, `{"remote_number":"+442079460009","with_call_id":"`+mine.call+`","digits":"1"}`)
	}
	like("DELETE", "/calls/{call}", "")
	like("GET", "/calls/{call}", "")
	like("PUT", "/calls/"+mine.call+"/consult-transfer", `{"with_call_id":"{call}"}`)
	like("POST", "/conferences", `{"call_ids":["{call}","`+mine.call+`"]}`)
	like("POST", "/conferences", `{"call_ids":["`+mine.call+`","{call}"]}`)
	like("GET", "/conferences/{conference}", "")
	like("DELETE", "/conferences/{conference}", "")
	for _, tail := range []string{"mute", "unmute", "deaf", "undeaf"} {
		like("PUT", "/conferences/{conference}/participants/{call}/"+tail, "")
		like("PUT", "/conferences/{conference}/participants/"+mine.call+"/"+tail, "")
		like("PUT", "/conferences/"+conference+"/participants/{call}/"+tail, "")
	}
	_, list := ask("GET", "/conferences", "")
	require.NotContains(t, list, foreign)
	require.Contains(t, list, conference)
	require.Equal(t, before, []map[string]any{f.truth(t, first), f.truth(t, second)}, "they talk on")
	with{"state": "active"}.in(t, f.ask(t, 200, "GET", "/conferences/"+foreign, "").JSON(t))
}

// bodies that a verb of a call takes.
var bodies = map[string]string{
	"divert": `{"remote_number":"+442079460009"}`, "transfer": `{"remote_number":"+442079460009"}`, "mute_transfer": `{"remote_number":"+442079460009"}`, "dtmf": `{"digits":"1"}`,
	"divert_to_voicemail": `{"voicemail":true}`, "group_park": `{"group":true}`,
}

var paths = map[string]string{
	"answer": "answer", "hold": "hold", "resume": "resume", "decline": "decline", "divert": "divert", "divert_to_voicemail": "divert", "transfer": "transfer",
	"mute_transfer": "mute-transfer", "reconnect": "reconnect", "park": "park", "group_park": "park", "dtmf": "dtmf",
	"recording_start": "recording/start", "recording_pause": "recording/pause", "recording_resume": "recording/resume", "recording_stop": "recording/stop",
}

// canIsMay: what is no capability of a call now is refused, and what is one is
// let through; for calls in all their states.
func canIsMay(t *testing.T, f *floor) {
	p, parks := f.people(t, 1)[0], 0
	for _, bring := range []func() line{
		func() line { return f.ring(t, p) },
		func() line { return f.talk(t, p) },
		func() line { l := f.talk(t, p); f.put(t, l, "hold", ""); return l },
	} {
		l := bring()
		now := can(f.shown(t, l))
		for name, path := range paths {
			if !slices.Contains(now, name) {
				with{"code": "wrong_state"}.in(t, f.ask(t, 409, "PUT", "/calls/"+l.call+"/"+path, bodies[name]).JSON(t))
			}
		}
		require.Equal(t, now, can(f.shown(t, l)), "nothing has changed")
		f.ask(t, 204, "DELETE", "/calls/"+l.call, "")
		for _, name := range now {
			if path, ok := paths[name]; ok {
				l := bring()
				body := bodies[name]
				if name == "park" { // where nobody waits yet
					parks++
					body = fmt.Sprintf(`{"extension":"880%d"}`, parks)
				}
				f.put(t, l, path, body)
				f.ask(t, 204, "DELETE", "/calls/"+l.call, "")
			}
		}
	}
}
