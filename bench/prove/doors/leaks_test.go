package doors

import (
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

// shapes is how people write a number: whatever stands between its digits. The
// country code may be left out.
func shapes(number string) *regexp.Regexp {
	digits := strings.Split(strings.TrimPrefix(number, "+1"), "")
	return regexp.MustCompile(strings.Join(digits, `[ ().\-/]{0,2}`))
}

func whsec(b byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(b), 32)))
}

// indiscreet is a platform, or a receiver, that tells in its errors everything
// it was told, and more.
func indiscreet(t *testing.T, status int, what string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		w.Header().Set("Content-Type", "application/xml")
		w.Header().Set("X-Said", strings.ReplaceAll(what, "\n", " "))
		w.WriteHeader(status)
		fmt.Fprintf(w, `<ErrorInfo><summary>%s; %s %s</summary><errorCode>4410</errorCode></ErrorInfo>%s`, what, r.Header.Get("Authorization"), r.URL, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// Everything that could go wrong does, with the log at its most talkative:
// platforms and receivers that repeat in their errors what nobody should see,
// logins that are refused, commands and input that are. Afterwards no secret is
// in the log, the metrics, an answer of either listener or the data directory,
// and no number, however it is written, and no name in the first two or in what
// an error says.
func TestErrorsTellNothing(t *testing.T) {
	row := report.Attack(t, report.Secrets, "log at debug, metrics, answers and data directory searched after everything failed", "texts searched")
	const remote, remoteName = "+15129104114", "Zilkr LLC"
	numbers := map[string]string{ // as sent: what it is
		remote: remote, "512-910-4177": "+15129104177", "(512) 910.4178": "+15129104178", "sip:+15129104179@example.com": "+15129104179",
		"tel:+1-512-910-4180": "+15129104180", "+1 (512) 910-4181;ext=9": "+15129104181", "５１２９１０４１８２": "５１２９１０４１８２",
	}
	secrets := []string{
		rig.Operator, whsec('d'), whsec('e'), "the-platform-password", "the-oci-password", "another-platform-password", "a-gateway-token-of-a-receiver",
		"user-in-a-url", "password-in-a-url", "wrong-admin-token", "a-signature-in-a-query", "the-operators-query",
	}
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content+"\n"), 0o600))
		return path
	}
	sim := rig.Run(t, nil, "simulate", "--listen", "127.0.0.1:0", "--oci-listen", "127.0.0.1:0", "--subscribers", "12", "--calls-per-second", "0",
		"--write-config", filepath.Join(dir, "offhook.yaml"))
	written, err := os.ReadFile(filepath.Join(dir, "offhook.yaml"))
	require.NoError(t, err)
	byHand, _, found := strings.Cut(string(written), "    provisioning:")
	require.True(t, found)
	gossip := remote + " of " + remoteName + " is not routable, Digest " + secrets[3]
	config := file("config.yaml", strings.Replace(byHand, "webhooks: { ", "webhooks: { show_responses: true, operator_url: \"http://127.0.0.1:9/?t="+secrets[11]+"\", ", 1)+fmt.Sprintf(`
  - network_id: bad
    provider: broadworks
    broadworks: { xsps: [ %q ], username: admin@example.com, password_file: %q }
    provisioning: { source: oci, oci: { address: %q, username: admin, password_file: %q } }
`, indiscreet(t, 403, gossip), file("xsp", secrets[3]), sim.Addr("oci"), file("oci", secrets[4])))
	data := filepath.Join(dir, "data")
	env := append(rig.Anywhere("none"), "OFFHOOK_LOG_LEVEL=debug")
	p := rig.Run(t, env, "serve", "--config", config, "--data-dir", data)
	s := &rig.Site{Process: p, T: t}

	var errs, shown []string // what errors say, and all answers
	do := func(status int, method, url, token, body string) rig.Answer {
		t.Helper()
		a := rig.Must(t, status, method, url, token, body)
		text := fmt.Sprint(a.Header, string(a.Body))
		if shown = append(shown, text); status >= 400 {
			errs = append(errs, text)
		}
		return a
	}
	lines, err := os.ReadFile(sim.Addr("subscribers"))
	require.NoError(t, err)
	rig.Must(t, 200, "POST", s.Admin("/admin/subscribers"), rig.Operator, string(lines))
	made := rig.Must(t, 201, "POST", s.Admin("/admin/apps"), rig.Operator, fmt.Sprintf(`{"name":"a CRM","calls_webhook":{"url":%q}}`, indiscreet(t, 500, remote+" failed, Digest "+secrets[3])+"/?sig="+secrets[10])).JSON(t)
	s.App, s.Key = made["app_id"].(string), made["api_key"].(string)
	secrets = append(secrets, s.Key, made["calls_webhook"].(map[string]any)["secret"].(string))
	do(200, "PATCH", s.API("/webhooks/calls"), s.Key, fmt.Sprintf(`{"secret":%q,"headers":{"x-token":%q}}`, secrets[1], secrets[6]))
	subs := rig.Must(t, 200, "GET", s.Admin("/admin/subscribers"), rig.Operator, "").List(t)
	for _, sub := range subs[:4] {
		do(204, "PUT", s.Admin("/admin/apps/"+s.App+"/subscribers/"+sub["subscriber_id"].(string)), rig.Operator, "")
	}
	var names []string
	for _, sub := range subs {
		numbers[sub["subscriber_number"].(string)] = sub["subscriber_number"].(string)
		names = append(names, sub["subscriber_name"].(string))
	}
	names = append(names, remoteName, "Mallory Quill")

	// Calls on the platform that refuses everything, and on the one that works.
	do(201, "PUT", s.Admin("/admin/subscribers/mallory"), rig.Operator, `{"subscriber_number":"+15125550177","subscriber_name":"Mallory Quill","network_id":"bad","provider_user_id":"mallory@example.com"}`)
	numbers["+15125550177"] = "+15125550177"
	do(204, "PUT", s.Admin("/admin/apps/"+s.App+"/subscribers/mallory"), rig.Operator, "")
	place := func(id any, number any, to string) rig.Answer {
		a, err := rig.Ask("POST", s.API("/calls"), s.Key, fmt.Sprintf(`{"subscriber_id":%q,"subscriber_number":%q,"remote_number":%q,"remote_name":%q}`, id, number, to, remoteName))
		require.NoError(t, err)
		if a.Status >= 400 {
			errs = append(errs, fmt.Sprint(a.Header, string(a.Body)))
		}
		return a
	}
	require.GreaterOrEqual(t, place("mallory", "+15125550177", remote).Status, 500, "the platform refuses")
	for sent := range numbers {
		place(subs[0]["subscriber_id"], subs[0]["subscriber_number"], sent)
		place(subs[0]["subscriber_id"], sent, remote)
		do(404, "GET", s.API("/calls/"+escapeAll(sent)), s.Key, "")
		do(404, "GET", s.API("/subscribers/"+escapeAll("sip:"+sent+"@x")), s.Key, "")
		do(422, "PUT", s.Admin("/admin/subscribers/x"), rig.Operator, fmt.Sprintf(`{"subscriber_number":%q,"network_id":"none","subscriber_name":"Mallory Quill"}`, sent))
	}
	rung := rig.Must(t, 201, "POST", "http://"+sim.Addr("simulator")+"/simulator/calls", "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":%q,"remote_name":%q}`, subs[1]["subscriber_id"], remote, remoteName)).JSON(t)
	require.NotEmpty(t, rung["call_id"])
	for range rig.Poll(20 * time.Second) {
		if a := rig.Must(t, 200, "GET", s.API("/webhooks/calls/attempts?failed=true"), s.Key, ""); len(a.List(t)) > 0 {
			shown = append(shown, string(a.Body))
			require.Contains(t, string(a.Body), `"response":"`, "what receivers say is kept, for the operator wanted it")
			errs = append(errs, string(a.Body))
			break
		}
	}
	for _, kind := range []string{"reject_actions", "overload", "reject_logins", "drop_channel"} {
		rig.Must(t, 201, "POST", "http://"+sim.Addr("simulator")+"/simulator/faults", "", fmt.Sprintf(`{"kind":%q,"duration_ms":300}`, kind))
		place(subs[2]["subscriber_id"], subs[2]["subscriber_number"], remote)
	}
	// Input that is refused, with secrets in it.
	hook := s.API("/webhooks/calls")
	do(422, "PATCH", hook, s.Key, fmt.Sprintf(`{"url":"https://%s:%s@example.com/"}`, secrets[7], secrets[8]))
	do(422, "PATCH", hook, s.Key, fmt.Sprintf(`{"headers":{"host":%q}}`, secrets[6]))
	do(422, "PATCH", hook, s.Key, fmt.Sprintf(`{"secret":%q}`, secrets[2][:20]))
	do(400, "PATCH", hook, s.Key, fmt.Sprintf(`{"secret":%q`, secrets[2]))
	do(200, "PUT", s.API("/webhooks/calls/redeliver"), s.Key, fmt.Sprintf(`{"subscriber_id":%q,"sequence_number":"1"}`, subs[1]["subscriber_id"]))
	do(200, "PUT", s.API("/webhooks/calls/test"), s.Key, "")
	secrets = append(secrets, rig.Must(t, 200, "PUT", hook+"/rotate-secret", s.Key, "").JSON(t)["secret"].(string))
	do(422, "POST", s.Admin("/admin/networks"), rig.Operator, fmt.Sprintf(`{"provider":"broadworks","broadworks":{"xsps":["https://%s:%s@xsp.example.com"],"username":"a","password":%q}}`, secrets[7], secrets[8], secrets[5]))
	do(401, "GET", s.Admin("/admin/apps"), secrets[9], "")
	do(401, "GET", s.API("/calls"), secrets[0], "")
	do(401, "GET", s.Admin("/admin/apps"), s.Key, "")
	for _, path := range []string{"/admin/apps/" + s.App, "/admin/networks", "/admin/networks/bad", "/admin/apps/" + s.App + "/webhooks", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2"} {
		do(200, "GET", s.Admin(path), rig.Operator, "")
	}
	metrics := string(rig.Must(t, 200, "GET", s.Admin("/metrics"), "", "").Body)
	p.Drain()

	log := p.Output()
	require.Contains(t, log, "level=DEBUG")
	quiet := append([]string{log, metrics}, errs...)
	for i, text := range quiet {
		for _, number := range numbers {
			require.NotRegexp(t, shapes(number), text, "%d: a number", i)
		}
		for _, name := range names {
			require.NotContains(t, text, name, "a name")
		}
	}
	for _, text := range append([]string{log, metrics}, shown...) {
		for _, secret := range secrets {
			if secret == secrets[10] && strings.Contains(text, `"url":"http`) {
				continue // the app's URL, shown to the app and to the operator
			}
			require.NotContains(t, text, secret)
		}
	}
	files := 0
	require.NoError(t, filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files++
		for _, secret := range secrets {
			if secret != secrets[10] { // a URL is no secret to the disk: docs/security.md says so
				require.NotContains(t, string(content), secret, path)
			}
		}
		return err
	}))
	row.Add(len(quiet) + len(shown) + files)
	row.Note("%d secrets, %d numbers in any shape, %d names", len(secrets), len(numbers), len(names))
}

// A config that is refused does not repeat the secrets in it: what is printed
// ends in the journal of the machine.
func TestABadConfigTellsNoSecrets(t *testing.T) {
	row := report.Attack(t, report.Secrets, "configs that are refused, with secrets in the wrong places", "configs")
	for name, config := range map[string]string{
		"a token of digits":        `admin: { token: 90210667788 }`,
		"a token with spaces":      `admin: { token: "90210667788 and more" }`,
		"a token that is a list":   `admin: { token: [ 90210667788 ] }`,
		"a token below":            `admin: { token: { is: 90210667788 } }`,
		"a token in two lines":     "admin:\n  token: \"90210667788\n listen: x",
		"a password in the file":   `networks: [ { network_id: n, provider: broadworks, broadworks: { xsps: [ "https://x.example.com" ], username: a, password: "90210667788" } } ]`,
		"a password for its file":  `networks: [ { network_id: n, provider: broadworks, broadworks: { xsps: [ "https://x.example.com" ], username: a, password_file: 90210667788 } } ]`,
		"credentials of an XSP":    `networks: [ { network_id: n, provider: broadworks, broadworks: { xsps: [ "https://a:90210667788@x.example.com" ], username: a, password_file: /none } } ]`,
		"credentials of a webhook": `webhooks: { operator_url: "https://a:90210667788@x.example.com" }`,
		"a webhook's bad URL":      `webhooks: { operator_url: "ftp://x.example.com/?t=90210667788" }`,
		"a webhook's odd URL":      `webhooks: { operator_url: "https://a:90210667788@x y/%zz" }`,
		"an XSP's odd URL":         `networks: [ { network_id: n, provider: broadworks, broadworks: { xsps: [ "https://a:90210667788@x y/%zz" ], username: a, password_file: /none } } ]`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "offhook.yaml")
			require.NoError(t, os.WriteFile(path, []byte(config+"\n"), 0o600))
			p := rig.Checked.Launch(t, []string{"OFFHOOK_ADMIN_TOKEN=", "OFFHOOK_LISTEN=127.0.0.1:0"}, "serve", "--config", path, "--data-dir", filepath.Join(dir, "data"))
			<-p.Ended()
			require.Equal(t, 2, p.ExitCode(), p.Output())
			require.NotContains(t, p.Output(), "90210667788")
			row.Add(1)
		})
	}
}
