package stories

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// Secrets of every kind are put in, used, refused and replaced, with the log at
// its most talkative. Afterwards they are nowhere: not in the log, not in the
// metrics, not in what the APIs show, not in the data directory. Phone numbers
// and names are in none of the first two.
func TestSecretsAndNumbersAreNowhereTheyShouldNotBe(t *testing.T) {
	const remote, remoteName = "+15129104114", "Zilkr LLC"
	secret := func(b byte) string {
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(b), 32)))
	}
	secrets := []string{
		rig.Operator, secret('a'), secret('b'), secret('c'), "Bearer-of-the-gateway", "the-platform's-password", "another-password", "user-in-a-url:pass-in-a-url",
	}
	l := rig.NewLedger(t)
	l.Refuse(func(n int) bool { return n%3 == 0 })
	data := t.TempDir()
	env := append(rig.Anywhere("none"), "OFFHOOK_LOG_LEVEL=debug", "OFFHOOK_WEBHOOKS_SHOW_RESPONSES=true")
	p := rig.Run(t, env, "serve", "--data-dir", data)
	s := rig.Connect(t, p, l, 6)
	s.Followed(len(s.Subscribers))
	secrets = append(secrets, s.Key)
	var shown []rig.Answer // what the APIs say
	do := func(status int, method, url, token, body string) rig.Answer {
		a := rig.Must(t, status, method, url, token, body)
		shown = append(shown, a)
		return a
	}

	hook := s.API("/webhooks/calls")
	do(200, "PATCH", hook, s.Key, fmt.Sprintf(`{"secret":%q,"signing":"v1+v1a","headers":{"authorization":%q}}`, secrets[1], secrets[4]))
	do(200, "PATCH", hook, s.Key, fmt.Sprintf(`{"secret":%q,"url":%q}`, secrets[1], l.URL))
	do(422, "PATCH", hook, s.Key, fmt.Sprintf(`{"secret":%q}`, secrets[2][:20]))
	do(422, "PATCH", hook, s.Key, fmt.Sprintf(`{"url":"https://%s@example.com/"}`, secrets[7]))
	do(400, "PATCH", hook, s.Key, fmt.Sprintf(`{"secret":%q`, secrets[2]))
	rotated := rig.Must(t, 200, "PUT", hook+"/rotate-secret", s.Key, "").JSON(t)["secret"].(string)
	secrets = append(secrets, rotated)
	do(200, "PUT", hook+"/rotate-signing-key", s.Key, "")
	rig.Must(t, 201, "PUT", s.API("/webhooks/operations"), s.Key, fmt.Sprintf(`{"url":%q,"secret":%q}`, l.URL, secrets[3]))
	fresh := rig.Must(t, 201, "POST", s.Admin("/admin/apps/"+s.App+"/keys"), rig.Operator, `{"scopes":["calls:read"]}`).JSON(t)["api_key"].(string)
	secrets = append(secrets, fresh)
	network := `{"provider":"broadworks","broadworks":{"xsps":["http://127.0.0.1:1"],"username":"admin@example.com","password":%q}}`
	made := do(201, "POST", s.Admin("/admin/networks"), rig.Operator, fmt.Sprintf(network, secrets[5])).JSON(t)["network_id"].(string)
	do(200, "PATCH", s.Admin("/admin/networks/"+made), rig.Operator, fmt.Sprintf(`{"broadworks":{"password":%q}}`, secrets[6]))
	for _, wrong := range []string{"ok_live_" + strings.Repeat("x", 50), s.Key + "x", rig.Operator + "x"} {
		do(401, "GET", s.API("/calls"), wrong, "")
		do(401, "GET", s.Admin("/admin/apps"), wrong, "")
		secrets = append(secrets, wrong)
	}

	for i, sub := range s.Subscribers[:6] {
		rung := rig.Must(t, 201, "POST", s.Sim("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":%q,"remote_name":%q}`, sub["subscriber_id"], remote, remoteName)).JSON(t)
		if i%2 == 0 {
			rig.Must(t, 200, "POST", s.Sim("/simulator/calls/"+rung["call_id"].(string)+"/hangup"), "", "")
		}
	}
	placed, err := s.Place(s.Subscribers[1], remote)
	require.NoError(t, err)
	require.Equal(t, 201, placed.Status, "%s", placed.Body)
	do(422, "POST", s.API("/calls"), s.Key, fmt.Sprintf(`{"subscriber_id":%q,"subscriber_number":"+15550000000","remote_number":%q}`, s.Subscribers[0]["subscriber_id"], remote))
	l.Wait(t, "traffic", func() bool { return l.Count() >= 10 })
	for _, path := range []string{"/webhooks", "/webhooks/calls", "/webhooks/calls/attempts", "/webhooks/operations"} {
		do(200, "GET", s.API(path), s.Key, "")
	}
	for _, path := range []string{"/admin/apps", "/admin/apps/" + s.App, "/admin/networks", "/admin/networks/" + made} {
		do(200, "GET", s.Admin(path), rig.Operator, "")
	}
	metrics := string(rig.Must(t, http.StatusOK, "GET", s.Admin("/metrics"), "", "").Body)
	p.Drain()

	var texts []string
	for _, sub := range s.Subscribers {
		texts = append(texts, strings.TrimPrefix(sub["subscriber_number"].(string), "+"), sub["subscriber_name"].(string))
	}
	texts = append(texts, strings.TrimPrefix(remote, "+"), remoteName)
	log := demoless(p.Output())
	require.Greater(t, strings.Count(log, "level=DEBUG"), 10, "it is talkative")
	for _, text := range append(texts, secrets...) {
		require.NotContains(t, log, text, "the log")
		require.NotContains(t, metrics, text, "the metrics")
	}
	for _, a := range shown {
		for _, text := range secrets {
			require.NotContains(t, string(a.Body), text, "what the APIs show")
		}
	}
	readable := 0 // what is not sealed can be found this way
	require.NoError(t, filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), "demo") { // the demo's key is there to be read
			return err
		}
		content, err := os.ReadFile(path)
		for _, text := range secrets {
			require.NotContains(t, string(content), text, path)
		}
		readable += strings.Count(string(content), remoteName)
		return err
	}))
	require.Positive(t, readable)
}

// demoless is the log without what the demo prints for people.
func demoless(output string) string {
	var log strings.Builder
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "time=") {
			log.WriteString(line)
		}
	}
	return log.String()
}
