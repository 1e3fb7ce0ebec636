package stories

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// Subscribers come from the provisioning interface, and its change feed is
// followed while its bytes come in pieces, twice and with nonsense between
// them. A change the feed did not tell shows after it broke.
func TestSubscribersFollowTheChangeFeed(t *testing.T) {
	const users = 40
	dir := t.TempDir()
	file := filepath.Join(dir, "offhook.yaml")
	sim := rig.Run(t, nil, "simulate", "--listen", "127.0.0.1:0", "--oci-listen", "127.0.0.1:0", "--oci-reporting-listen", "127.0.0.1:0",
		"--subscribers", fmt.Sprint(users), "--calls-per-second", "0", "--write-config", file)
	config, err := os.ReadFile(file)
	require.NoError(t, err)
	r := &told{events: map[string]map[string]bool{}}
	receiver := httptest.NewServer(r)
	defer receiver.Close()

	serve := func(config string) *rig.Site {
		require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
		return &rig.Site{Process: rig.Run(t, rig.Anywhere("none"), "serve", "--config", file, "--data-dir", filepath.Join(dir, "data")), T: t}
	}
	byHand, _, found := strings.Cut(string(config), "    provisioning:")
	require.True(t, found)
	s := serve(byHand)
	rig.Must(t, 201, "POST", s.Admin("/admin/apps"), rig.Operator, fmt.Sprintf(`{"app_id":"crm","name":"a CRM","subscriber_webhook":{"url":%q}}`, receiver.URL))
	s.Drain()
	s = serve(string(config) + "      apps: [ { match: { user_suffix: \"@demo.example\" }, apps: [ crm ] } ]\n")
	platform := func(status int, method, path, body string) rig.Answer {
		t.Helper()
		return rig.Must(t, status, method, "http://"+sim.Addr("simulator")+"/simulator"+path, "", body)
	}
	until := func(what string, limit time.Duration, is func() bool) {
		t.Helper()
		for range rig.Poll(limit) {
			if is() {
				return
			}
		}
		t.Fatal("never: " + what)
	}
	subscriber := func(id string) map[string]any {
		a, err := rig.Ask("GET", s.Admin("/admin/subscribers/"+id), rig.Operator, "")
		if err != nil || a.Status != 200 {
			return nil
		}
		return a.JSON(t)
	}
	toldOf := func(n int) func() bool {
		return func() bool { subscribers, _ := r.counts(); return subscribers == n }
	}
	until("all users are subscribers of the app", 60*time.Second, toldOf(users))
	until("the feed is open", 30*time.Second, func() bool {
		a := rig.Must(t, 200, "GET", s.Admin("/metrics"), rig.Operator, "")
		return metric(string(a.Body), "offhook_oci_reporting_connected") == "1"
	})
	for _, kind := range []string{"feed_split", "feed_duplicate", "feed_garbage"} {
		platform(201, "POST", "/faults", fmt.Sprintf(`{"kind":%q}`, kind))
	}

	platform(201, "POST", "/people", `{"subscriber_id":"zoe@demo.example","first_name":"Zoë","last_name":"Żak","subscriber_number":"+15125550199","department":"Sales"}`)
	until("who was hired is a subscriber", 30*time.Second, func() bool {
		z := subscriber("zoe@demo.example")
		return z != nil && z["subscriber_name"] == "Zoë Żak" && z["subscriber_number"] == "+15125550199"
	})
	until("and the app is told", 30*time.Second, toldOf(users+1))

	platform(200, "PATCH", "/people/user0032@demo.example", `{"last_name":"Müller","subscriber_number":"+15125550198"}`)
	platform(200, "PATCH", "/people/user0033@demo.example", `{"subscriber_id":"anna@demo.example"}`)
	until("who has another number has it", 30*time.Second, func() bool {
		return subscriber("user0032@demo.example")["subscriber_number"] == "+15125550198"
	})
	until("who has another user id is the same subscriber", 30*time.Second, func() bool {
		return subscriber("user0033@demo.example")["provider_user_id"] == "anna@demo.example"
	})

	// One leaves; and one change is not told, by a feed that breaks then.
	platform(204, "DELETE", "/people/user0034@demo.example", "")
	silence := platform(201, "POST", "/faults", `{"kind":"feed_lose"}`).JSON(t)["fault_id"].(string)
	platform(200, "PATCH", "/people/user0035@demo.example", `{"subscriber_number":"+15125550197"}`)
	platform(204, "DELETE", "/faults/"+silence, "")
	platform(201, "POST", "/faults", `{"kind":"feed_drop","duration_ms":50}`)
	until("who left is no subscriber", 90*time.Second, func() bool { return subscriber("user0034@demo.example") == nil })
	until("what the feed did not tell is found", 150*time.Second, func() bool {
		return subscriber("user0035@demo.example")["subscriber_number"] == "+15125550197"
	})

	all := rig.Must(t, 200, "GET", s.Admin("/admin/subscribers"), rig.Operator, "").List(t)
	require.Len(t, all, users)
	subscribers, events := r.counts()
	require.Equal(t, []int{users + 1, users + 1}, []int{subscribers, events}, "each of them once")
	s.Drain()
	require.NotContains(t, s.Output(), "made-up-password", "what the feed carries stays there")
	require.NotContains(t, s.Output(), "5125550199")
}

// metric is the value of a metric with one series.
func metric(text, name string) string {
	for _, line := range strings.Split(text, "\n") {
		var value string
		if n, _ := fmt.Sscanf(line, name+"{network=%q} %s", new(string), &value); n == 2 {
			return value
		}
	}
	return ""
}
