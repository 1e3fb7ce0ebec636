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

	"offhook/bench/prove/rig"
)

// refused checks a problem document.
func refused(t *testing.T, status int, code string, a rig.Answer) map[string]any {
	t.Helper()
	require.Equal(t, status, a.Status, "%s", a.Body)
	require.Equal(t, "application/problem+json", a.Header.Get("Content-Type"))
	problem := a.JSON(t)
	require.Equal(t, code, problem["code"], "%s", a.Body)
	require.EqualValues(t, status, problem["status"])
	if status == 503 || status == 429 {
		require.NotEmpty(t, a.Header.Get("Retry-After"))
	}
	return problem
}

func TestBadInputIsRefusedClearlyAndChangesNothing(t *testing.T) {
	l := rig.NewLedger(t)
	p := rig.Run(t, rig.Anywhere("none"), "serve", "--data-dir", t.TempDir())
	s := rig.Connect(t, p, l, 1)
	other := rig.Must(t, 201, "POST", s.Admin("/admin/apps"), rig.Operator, `{"name":"another"}`).JSON(t)
	otherKey, otherApp := other["api_key"].(string), other["app_id"].(string)
	sub := s.Subscribers[0]
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
		"subscriber of another app":     {body(s.Subscribers[1]["subscriber_id"].(string), s.Subscribers[1]["subscriber_number"].(string), "+15129104114"), 404, "not_found", ""},
		"letters for a number":          {body(id, number, "call me"), 422, "invalid_field", "remote_number"},
		"too short for a number":        {body(id, number, "+1555"), 422, "invalid_field", "remote_number"},
		"an emergency number":           {body(id, number, "911"), 422, "number_not_allowed", "remote_number"},
		"a premium number":              {body(id, number, "+19005550123"), 422, "number_not_allowed", "remote_number"},
		"somebody else's own number":    {body(id, "+15125550111", "+15129104114"), 422, "number_not_allowed", "subscriber_number"},
		"a body of more than 256 KB":    {body(id, number, strings.Repeat("1", 300<<10)), 413, "too_large", ""},
		"a number longer than any text": {body(id, number, strings.Repeat("1", 300)), 422, "invalid_field", "remote_number"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := rig.Ask("POST", s.API("/calls"), s.Key, c.body, "Content-Type", "application/json")
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
		"no key":                       {"GET", s.API("/calls"), "", "", nil, 401, "unauthorized"},
		"a key nobody made":            {"GET", s.API("/calls"), "ok_live_0000", "", nil, 401, "unauthorized"},
		"the key of another app":       {"GET", s.API("/calls"), otherKey, "", nil, 404, "not_found"},
		"not JSON by its own word":     {"POST", s.API("/calls"), s.Key, good, []string{"Content-Type", "text/plain"}, 415, "unsupported_media_type"},
		"a call nobody made":           {"PUT", s.API("/calls/callhalf-12345678:0/hold"), s.Key, "", nil, 404, "not_found"},
		"no call id at all":            {"GET", s.API("/calls/anything"), s.Key, "", nil, 404, "not_found"},
		"a verb that does not exist":   {"PUT", s.API("/calls/callhalf-12345678:0/juggle"), s.Key, "", nil, 404, "not_found"},
		"a method that does not exist": {"PATCH", s.API("/calls"), s.Key, "", nil, 405, "method_not_allowed"},
		"calls of a stranger":          {"GET", s.API("/subscribers/nobody%40example.com/calls"), s.Key, "", nil, 404, "not_found"},
		"a header of 100 KB":           {"GET", s.API("/calls"), s.Key, "", []string{"X-Long", strings.Repeat("x", 100<<10)}, 431, "too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := rig.Ask(c.method, c.path, c.key, c.body, c.header...)
			require.NoError(t, err)
			refused(t, c.status, c.code, a)
			if c.status == 405 {
				require.Contains(t, a.Header.Get("Allow"), "POST")
			}
		})
	}
	require.Empty(t, rig.Must(t, 200, "GET", s.API("/calls"), s.Key, "").List(t))
	require.Zero(t, l.Count())

	// Commands that do not fit the call.
	rig.Must(t, 200, "PUT", s.Sim("/simulator/phones/"+id), "", `{"answer":"manual"}`)
	placed, err := s.Place(sub, "+15129104114")
	require.NoError(t, err)
	call := placed.JSON(t)["call_id"].(string)
	for _, verb := range []string{"hold", "resume"} {
		a, err := rig.Ask("PUT", s.API("/calls/"+call+"/"+verb), s.Key, "")
		require.NoError(t, err)
		require.Equal(t, "ringing", refused(t, 409, "wrong_state", a)["state"])
	}
	a, err := rig.Ask("PUT", "http://"+p.Addr("api")+"/apps/"+otherApp+"/calls/"+call+"/hold", otherKey, "")
	require.NoError(t, err)
	refused(t, 404, "not_found", a)
	// Lifting the own phone is an answer; what the far end has to do is not.
	rig.Must(t, 204, "PUT", s.API("/calls/"+call+"/answer"), s.Key, "")
	a, err = rig.Ask("PUT", s.API("/calls/"+call+"/answer"), s.Key, "")
	require.NoError(t, err)
	refused(t, 409, "wrong_state", a)
	rig.Must(t, 204, "DELETE", s.API("/calls/"+call), s.Key, "")
	a, err = rig.Ask("PUT", s.API("/calls/"+call+"/hold"), s.Key, "")
	require.NoError(t, err)
	require.Equal(t, "released", refused(t, 409, "wrong_state", a)["state"])
	p.Drain()
}

// A provider that takes commands and does not act, refuses, or is gone.
func TestProviderFaultsAreTold(t *testing.T) {
	l := rig.NewLedger(t)
	w := rig.Checked.TwoProcesses(t, l, 8, 4)
	fault := func(kind string) func() {
		made := rig.Must(t, 201, "POST", w.URL("/simulator/faults"), "", fmt.Sprintf(`{"kind":%q}`, kind)).JSON(t)
		return func() {
			a, err := rig.Ask("DELETE", w.URL("/simulator/faults/"+made["fault_id"].(string)), "", "")
			require.NoError(t, err)
			require.Less(t, a.Status, 300)
		}
	}
	placed, err := w.Place(w.Subscribers[0], "+15129104114")
	require.NoError(t, err)
	require.Equal(t, 201, placed.Status, "%s", placed.Body)
	call := placed.JSON(t)["call_id"].(string)
	w.Until(call, "active")

	heal := fault("ignore_actions")
	a, err := rig.Ask("PUT", w.API("/calls/"+call+"/hold"), w.Key, "")
	require.NoError(t, err)
	refused(t, 504, "unconfirmed", a)
	heal()
	require.Equal(t, "active", w.State(call))

	heal = fault("reject_actions")
	a, err = rig.Ask("PUT", w.API("/calls/"+call+"/hold"), w.Key, "")
	require.NoError(t, err)
	refused(t, 502, "provider_error", a)
	a, err = w.Place(w.Subscribers[1], "+15129104114")
	require.NoError(t, err)
	refused(t, 502, "provider_error", a)
	heal()
	require.Equal(t, "active", w.State(call))

	w.StopSimulator()
	for range rig.Poll(10 * time.Second) {
		if a, err = rig.Ask("PUT", w.API("/calls/"+call+"/hold"), w.Key, ""); err == nil && a.Status == 503 {
			break
		}
	}
	refused(t, 503, "provider_unavailable", a)
	a, err = w.Place(w.Subscribers[2], "+15129104114")
	require.NoError(t, err)
	refused(t, 503, "provider_unavailable", a)
	require.Equal(t, "active", w.State(call), "what cannot be asked is not guessed")
	rig.Must(t, 200, "GET", w.Admin("/readyz"), "", "")
	w.RestartSimulator()
	w.Until(call, "released")
	l.Wait(t, "its end", func() bool { return len(l.Open()) == 0 })
	l.Audit(t)
	w.Drain()
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
	l := rig.NewLedger(t)
	p := rig.Run(t, rig.Anywhere("none"), "serve", "--data-dir", t.TempDir())
	s := rig.Connect(t, p, l, 0)
	rig.Must(t, 201, "POST", s.Admin("/admin/networks"), rig.Operator, fmt.Sprintf(
		`{"network_id":"7fa63706-39c8-44c8-bf1b-f0749dda9110","provider":"broadworks","broadworks":{"xsps":[%q],"username":"a@example.com","password":"p"},"dialing":{"country_code":"1"}}`, rubbish.URL))
	rig.Must(t, 201, "PUT", s.Admin("/admin/subscribers/x@example.com"), rig.Operator,
		`{"subscriber_number":"+15125550100","subscriber_name":"X","network_id":"7fa63706-39c8-44c8-bf1b-f0749dda9110"}`)
	rig.Must(t, 204, "PUT", s.Admin("/admin/apps/"+s.App+"/subscribers/x@example.com"), rig.Operator, "")
	sub := map[string]any{"subscriber_id": "x@example.com", "subscriber_number": "+15125550100"}
	var a rig.Answer
	for range rig.Poll(10 * time.Second) { // the start-up probe first
		var err error
		if a, err = s.Place(sub, "+15129104114", "Idempotency-Key", "once"); err == nil && a.Status != 503 {
			break
		}
	}
	refused(t, 504, "outcome_unknown", a)
	a, err := s.Place(sub, "+15129104114", "Idempotency-Key", "once")
	require.NoError(t, err)
	refused(t, 504, "outcome_unknown", a)
	require.Len(t, posts, 1, "dialled once")
	p.Drain()
}

func TestStartFailuresAreReadable(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	ends := func(env []string, args ...string) (int, string) {
		p := rig.Checked.Launch(t, env, args...)
		select {
		case <-p.Ended():
		case <-time.After(30 * time.Second):
			t.Fatal("it runs")
		}
		return p.ExitCode(), p.Output()
	}
	code, out := ends(append(rig.Anywhere("none"), "OFFHOOK_LISTEN="+taken.Addr().String()), "serve", "--data-dir", t.TempDir())
	require.Equal(t, 1, code)
	require.Contains(t, out, "setting listen")

	data := t.TempDir()
	rig.Run(t, rig.Anywhere("none"), "serve", "--data-dir", data)
	code, out = ends(rig.Anywhere("none"), "serve", "--data-dir", data)
	require.Equal(t, 1, code)
	require.Contains(t, out, "in use")

	config := filepath.Join(t.TempDir(), "offhook.yaml")
	require.NoError(t, os.WriteFile(config, []byte("data_dir: x\nlisten: \":0\"\nlisten_adress: y\n"), 0o600))
	code, out = ends(nil, "serve", "--config", config)
	require.Equal(t, 2, code)
	require.Contains(t, out, "3")
	require.Contains(t, out, "listen_adress")
}
