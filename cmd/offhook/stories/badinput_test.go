package stories

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// refused checks a problem document.
func refused(t *testing.T, status int, code string, a answer) map[string]any {
	t.Helper()
	require.Equal(t, status, a.status, "%s", a.body)
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
	problem := a.json(t)
	require.Equal(t, code, problem["code"], "%s", a.body)
	require.EqualValues(t, status, problem["status"])
	if status == 503 || status == 429 {
		require.NotEmpty(t, a.header.Get("Retry-After"))
	}
	return problem
}

func TestBadInputIsRefusedClearlyAndChangesNothing(t *testing.T) {
	l := newLedger(t)
	p := run(t, anywhere("none"), "serve", "--data-dir", t.TempDir())
	s := connect(t, p, l, 1)
	other := must(t, 201, "POST", s.admin("/admin/apps"), operator, `{"name":"another"}`).json(t)
	otherKey, otherApp := other["api_key"].(string), other["app_id"].(string)
	sub := s.subscribers[0]
	id, number := sub["subscriber_id"].(string), sub["subscriber_number"].(string)
	body := func(sub, from, to string) string {
		return fmt.Sprintf(`{"subscriber_id":%q,"subscriber_number":%q,"remote_number":%q}`, sub, from, to)
	}
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
		field  string
	}{
		"not JSON":                      {`{"subscriber_id":`, 400, "bad_json", ""},
		"an array":                      {`[]`, 400, "bad_json", ""},
		"empty":                         {``, 400, "bad_json", ""},
		"a number for text":             {`{"subscriber_id":7,"subscriber_number":"x","remote_number":"y"}`, 422, "invalid_field", "subscriber_id"},
		"no remote number":              {fmt.Sprintf(`{"subscriber_id":%q,"subscriber_number":%q}`, id, number), 422, "invalid_field", "remote_number"},
		"unknown subscriber":            {body("nobody@example.com", number, "+15129104114"), 404, "not_found", ""},
		"subscriber of another app":     {body(s.subscribers[1]["subscriber_id"].(string), s.subscribers[1]["subscriber_number"].(string), "+15129104114"), 404, "not_found", ""},
		"letters for a number":          {body(id, number, "call me"), 422, "invalid_field", "remote_number"},
		"too short for a number":        {body(id, number, "+1555"), 422, "invalid_field", "remote_number"},
		"an emergency number":           {body(id, number, "911"), 422, "number_not_allowed", "remote_number"},
		"a premium number":              {body(id, number, "+19005550123"), 422, "number_not_allowed", "remote_number"},
		"somebody else's own number":    {body(id, "+15125550111", "+15129104114"), 422, "number_not_allowed", "subscriber_number"},
		"a body of more than 256 KB":    {body(id, number, strings.Repeat("1", 300<<10)), 413, "too_large", ""},
		"a number longer than any text": {body(id, number, strings.Repeat("1", 300)), 422, "invalid_field", "remote_number"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := ask("POST", s.api("/calls"), s.key, c.body, "Content-Type", "application/json")
			require.NoError(t, err)
			problem := refused(t, c.status, c.code, a)
			if c.field != "" {
				require.Equal(t, c.field, problem["field"])
			}
		})
	}
	good := body(id, number, "+15129104114")
	for name, c := range map[string]struct {
		method, path, key, body string
		header                  []string
		status                  int
		code                    string
	}{
		"no key":                       {"GET", s.api("/calls"), "", "", nil, 401, "unauthorized"},
		"a key nobody made":            {"GET", s.api("/calls"), "ok_live_0000", "", nil, 401, "unauthorized"},
		"the key of another app":       {"GET", s.api("/calls"), otherKey, "", nil, 404, "not_found"},
		"not JSON by its own word":     {"POST", s.api("/calls"), s.key, good, []string{"Content-Type", "text/plain"}, 415, "unsupported_media_type"},
		"a call nobody made":           {"PUT", s.api("/calls/callhalf-12345678:0/hold"), s.key, "", nil, 404, "not_found"},
		"no call id at all":            {"GET", s.api("/calls/anything"), s.key, "", nil, 404, "not_found"},
		"a verb that does not exist":   {"PUT", s.api("/calls/callhalf-12345678:0/juggle"), s.key, "", nil, 404, "not_found"},
		"a method that does not exist": {"PATCH", s.api("/calls"), s.key, "", nil, 405, "method_not_allowed"},
		"calls of a stranger":          {"GET", s.api("/subscribers/nobody%40example.com/calls"), s.key, "", nil, 404, "not_found"},
		"a header of 100 KB":           {"GET", s.api("/calls"), s.key, "", []string{"X-Long", strings.Repeat("x", 100<<10)}, 431, "too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := ask(c.method, c.path, c.key, c.body, c.header...)
			require.NoError(t, err)
			refused(t, c.status, c.code, a)
			if c.status == 405 {
				require.Contains(t, a.header.Get("Allow"), "POST")
			}
		})
	}
	require.Empty(t, must(t, 200, "GET", s.api("/calls"), s.key, "").list(t))
	require.Zero(t, l.count())

	// Commands that do not fit the call.
	must(t, 200, "PUT", s.sim("/simulator/phones/"+id), "", `{"answer":"manual"}`)
	placed, err := s.place(sub, "+15129104114")
	require.NoError(t, err)
	call := placed.json(t)["call_id"].(string)
	for _, verb := range []string{"hold", "resume"} {
		a, err := ask("PUT", s.api("/calls/"+call+"/"+verb), s.key, "")
		require.NoError(t, err)
		require.Equal(t, "ringing", refused(t, 409, "wrong_state", a)["state"])
	}
	a, err := ask("PUT", "http://"+p.addr("api")+"/apps/"+otherApp+"/calls/"+call+"/hold", otherKey, "")
	require.NoError(t, err)
	refused(t, 404, "not_found", a)
	// Lifting the own phone is an answer; what the far end has to do is not.
	must(t, 204, "PUT", s.api("/calls/"+call+"/answer"), s.key, "")
	a, err = ask("PUT", s.api("/calls/"+call+"/answer"), s.key, "")
	require.NoError(t, err)
	refused(t, 409, "wrong_state", a)
	must(t, 204, "DELETE", s.api("/calls/"+call), s.key, "")
	a, err = ask("PUT", s.api("/calls/"+call+"/hold"), s.key, "")
	require.NoError(t, err)
	require.Equal(t, "released", refused(t, 409, "wrong_state", a)["state"])
	p.drain()
}

// A provider that takes commands and does not act, refuses, or is gone.
func TestProviderFaultsAreTold(t *testing.T) {
	l := newLedger(t)
	w := apart(t, l, 4)
	fault := func(kind string) func() {
		made := must(t, 201, "POST", w.url("/simulator/faults"), "", fmt.Sprintf(`{"kind":%q}`, kind)).json(t)
		return func() {
			a, err := ask("DELETE", w.url("/simulator/faults/"+made["fault_id"].(string)), "", "")
			require.NoError(t, err)
			require.Less(t, a.status, 300)
		}
	}
	placed, err := w.place(w.subscribers[0], "+15129104114")
	require.NoError(t, err)
	require.Equal(t, 201, placed.status, "%s", placed.body)
	call := placed.json(t)["call_id"].(string)
	w.until(call, "active")

	heal := fault("ignore_actions")
	a, err := ask("PUT", w.api("/calls/"+call+"/hold"), w.key, "")
	require.NoError(t, err)
	refused(t, 504, "unconfirmed", a)
	heal()
	require.Equal(t, "active", w.state(call))

	heal = fault("reject_actions")
	a, err = ask("PUT", w.api("/calls/"+call+"/hold"), w.key, "")
	require.NoError(t, err)
	refused(t, 502, "provider_error", a)
	a, err = w.place(w.subscribers[1], "+15129104114")
	require.NoError(t, err)
	refused(t, 502, "provider_error", a)
	heal()
	require.Equal(t, "active", w.state(call))

	w.stopSimulator()
	for range poll(10 * time.Second) {
		if a, err = ask("PUT", w.api("/calls/"+call+"/hold"), w.key, ""); err == nil && a.status == 503 {
			break
		}
	}
	refused(t, 503, "provider_unavailable", a)
	a, err = w.place(w.subscribers[2], "+15129104114")
	require.NoError(t, err)
	refused(t, 503, "provider_unavailable", a)
	require.Equal(t, "active", w.state(call), "what cannot be asked is not guessed")
	must(t, 200, "GET", w.admin("/readyz"), "", "")
	w.restartSimulator()
	w.until(call, "released")
	l.wait(t, "its end", func() bool { return len(l.open()) == 0 })
	l.audit(t)
	w.drain()
}

// A provider that answers rubbish is not believed, and no call is dialled twice.
func TestProviderThatAnswersRubbish(t *testing.T) {
	posts := make(chan string, 100)
	rubbish := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/calls/new") {
			posts <- r.URL.Path
			w.WriteHeader(201)
		}
		_, _ = w.Write([]byte("<html>It works!</html>"))
	}))
	t.Cleanup(rubbish.Close)
	l := newLedger(t)
	p := run(t, anywhere("none"), "serve", "--data-dir", t.TempDir())
	s := connect(t, p, l, 0)
	must(t, 201, "POST", s.admin("/admin/networks"), operator, fmt.Sprintf(
		`{"network_id":"7fa63706-39c8-44c8-bf1b-f0749dda9110","provider":"broadworks","broadworks":{"xsps":[%q],"username":"a@example.com","password":"p"},"dialing":{"country_code":"1"}}`, rubbish.URL))
	must(t, 201, "PUT", s.admin("/admin/subscribers/x@example.com"), operator,
		`{"subscriber_number":"+15125550100","subscriber_name":"X","network_id":"7fa63706-39c8-44c8-bf1b-f0749dda9110"}`)
	must(t, 204, "PUT", s.admin("/admin/apps/"+s.app+"/subscribers/x@example.com"), operator, "")
	sub := map[string]any{"subscriber_id": "x@example.com", "subscriber_number": "+15125550100"}
	var a answer
	for range poll(10 * time.Second) { // the start-up probe first
		var err error
		if a, err = s.place(sub, "+15129104114", "Idempotency-Key", "once"); err == nil && a.status != 503 {
			break
		}
	}
	refused(t, 504, "outcome_unknown", a)
	a, err := s.place(sub, "+15129104114", "Idempotency-Key", "once")
	require.NoError(t, err)
	refused(t, 504, "outcome_unknown", a)
	require.Len(t, posts, 1, "dialled once")
	p.drain()
}

func TestStartFailuresAreReadable(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	ends := func(env []string, args ...string) (int, string) {
		p := launch(t, env, args...)
		select {
		case <-p.ended:
		case <-time.After(30 * time.Second):
			t.Fatal("it runs")
		}
		return p.cmd.ProcessState.ExitCode(), p.output()
	}
	code, out := ends(append(anywhere("none"), "OFFHOOK_LISTEN="+taken.Addr().String()), "serve", "--data-dir", t.TempDir())
	require.Equal(t, 1, code)
	require.Contains(t, out, "setting listen")

	data := t.TempDir()
	run(t, anywhere("none"), "serve", "--data-dir", data)
	code, out = ends(anywhere("none"), "serve", "--data-dir", data)
	require.Equal(t, 1, code)
	require.Contains(t, out, "in use")

	config := filepath.Join(t.TempDir(), "offhook.yaml")
	require.NoError(t, os.WriteFile(config, []byte("data_dir: x\nlisten: \":0\"\nlisten_adress: y\n"), 0o600))
	code, out = ends(nil, "serve", "--config", config)
	require.Equal(t, 2, code)
	require.Contains(t, out, "3")
	require.Contains(t, out, "listen_adress")
}
