package rig

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Anywhere is an environment that lets the program listen where nothing else
// does, and send webhooks to this test.
func Anywhere(traffic string) []string {
	return []string{
		"OFFHOOK_LISTEN=127.0.0.1:0", "OFFHOOK_ADMIN_LISTEN=127.0.0.1:0", "OFFHOOK_SIMULATOR_LISTEN=127.0.0.1:0",
		"OFFHOOK_WEBHOOKS_ALLOW_HTTP=true", "OFFHOOK_WEBHOOKS_ALLOW_PRIVATE_NETWORKS=true",
		"OFFHOOK_SIMULATOR_TRAFFIC=" + traffic,
	}
}

// Site is a running offhook with an app of our own.
type Site struct {
	*Process
	App, Key    string
	Subscribers []map[string]any
	Ledger      *Ledger

	T testing.TB
}

// API, Admin and Sim are the URLs of a path of the app, the admin listener and
// the simulator inside the process.
func (s *Site) API(path string) string   { return "http://" + s.Addr("api") + "/apps/" + s.App + path }
func (s *Site) Admin(path string) string { return "http://" + s.Addr("admin") + path }
func (s *Site) Sim(path string) string   { return "http://" + s.Addr("simulator") + path }

// Connect registers an app with a webhook for the first n subscribers.
func Connect(t testing.TB, p *Process, l *Ledger, n int) *Site {
	t.Helper()
	s := &Site{Process: p, T: t, Ledger: l}
	made := Must(t, 201, "POST", s.Admin("/admin/apps"), Operator, fmt.Sprintf(`{"name":"a CRM","calls_webhook":{"url":%q}}`, l.URL)).JSON(t)
	s.App, s.Key = made["app_id"].(string), made["api_key"].(string)
	s.Subscribers = Must(t, 200, "GET", s.Admin("/admin/subscribers"), Operator, "").List(t)
	require.GreaterOrEqual(t, len(s.Subscribers), n)
	for _, sub := range s.Subscribers[:n] {
		Must(t, 204, "PUT", s.Admin("/admin/apps/"+s.App+"/subscribers/"+sub["subscriber_id"].(string)), Operator, "")
	}
	return s
}

// Place places a call for a subscriber.
func (s *Site) Place(sub map[string]any, remote string, header ...string) (Answer, error) {
	return Ask("POST", s.API("/calls"), s.Key, fmt.Sprintf(`{"subscriber_id":%q,"subscriber_number":%q,"remote_number":%q,"remote_name":"Zilkr LLC"}`,
		sub["subscriber_id"], sub["subscriber_number"], remote), header...)
}

// State is a call's state, or the status that GET answered.
func (s *Site) State(call string) string {
	a, err := Ask("GET", s.API("/calls/"+call), s.Key, "")
	if err != nil || a.Status != 200 {
		return fmt.Sprint(a.Status)
	}
	return a.JSON(s.T)["state"].(string)
}

// Until waits for a state.
func (s *Site) Until(call, state string) {
	s.T.Helper()
	for range Poll(20 * time.Second) {
		if s.State(call) == state {
			return
		}
	}
	s.T.Fatalf("call is %s, not %s", s.State(call), state)
}

// Ring lets everybody take a call, until the program is gone.
func (s *Site) Ring(subscribers []map[string]any) {
	for i, sub := range subscribers {
		a, err := Ask("POST", s.Sim("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+1512555%04d"}`, sub["subscriber_id"], i))
		var call struct {
			ID string `json:"call_id"`
		}
		if err != nil || json.Unmarshal(a.Body, &call) != nil {
			return
		}
		_, _ = Ask("POST", s.Sim("/simulator/calls/"+call.ID+"/answer"), "", "")
	}
}

// Followed waits until the platform tells of n users: what began and ended before
// is told to nobody.
func (s *Site) Followed(n int) {
	s.T.Helper()
	subscribed := regexp.MustCompile(`(?m)^offhook_broadworks_users\{.*kind="subscribed".*\} (\d+)$`)
	for range Poll(30*time.Second + time.Duration(n)*20*time.Millisecond) { // a hundred a second
		m := subscribed.FindSubmatch(Must(s.T, 200, "GET", s.Admin("/metrics"), "", "").Body)
		if m != nil && string(m[1]) == strconv.Itoa(n) {
			return
		}
	}
	s.T.Fatalf("not all of %d users are followed", n)
}
