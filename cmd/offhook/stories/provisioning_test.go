package stories

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// told is who the subscriber webhook named, and by which events.
type told struct {
	mu     sync.Mutex
	events map[string]map[string]bool // subscriber → webhook ids
}

func (r *told) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	var b struct {
		ID string `json:"subscriber_id"`
	}
	_ = json.Unmarshal(body, &b)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.events[b.ID] == nil {
		r.events[b.ID] = map[string]bool{}
	}
	r.events[b.ID][req.Header.Get("webhook-id")] = true
}

// counts is how many subscribers were told of, and in how many events.
func (r *told) counts() (subscribers, events int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		events += len(e)
	}
	return len(r.events), events
}

const (
	platformUsers  = 120
	usersOfTheSite = 20 // the second hundred's
)

// Subscribers come from the platform's directory, are linked by rule, and are
// told to the app once each, whatever happens to the process meanwhile. What
// was there by hand stays as it is.
func TestSubscribersComeFromTheDirectory(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "offhook.yaml")
	rig.Run(t, nil, "simulate", "--listen", "127.0.0.1:0", "--subscribers", fmt.Sprint(platformUsers), "--calls-per-second", "0", "--write-config", file)
	r := &told{events: map[string]map[string]bool{}}
	receiver := httptest.NewServer(r)
	defer receiver.Close()
	serve := func() *rig.Site {
		return &rig.Site{Process: rig.Run(t, rig.Anywhere("none"), "serve", "--config", file, "--data-dir", filepath.Join(dir, "data")), T: t}
	}

	s := serve()
	rig.Must(t, 201, "POST", s.Admin("/admin/apps"), rig.Operator, fmt.Sprintf(`{"app_id":"crm","name":"a CRM","subscriber_webhook":{"url":%q}}`, receiver.URL))
	networks := rig.Must(t, 200, "GET", s.Admin("/admin/networks"), rig.Operator, "").List(t)
	network := networks[0]["network_id"].(string)
	byHand := fmt.Sprintf(`{"subscriber_id":"front-desk","subscriber_number":"+15125550142","subscriber_name":"Front desk","network_id":%q,"provider_user_id":"user0120@demo.example"}`, network)
	rig.Must(t, 201, "PUT", s.Admin("/admin/subscribers/front-desk"), rig.Operator, byHand)
	before := rig.Must(t, 200, "GET", s.Admin("/admin/subscribers/front-desk"), rig.Operator, "").JSON(t)
	require.NotContains(t, rig.Must(t, 200, "GET", s.Admin("/admin/networks/"+network), rig.Operator, "").JSON(t), "provisioning")
	s.Drain()

	config, err := os.ReadFile(file)
	require.NoError(t, err)
	config = append(config, `    provisioning:
      source: directory
      directory: [ { user: alice@demo.example } ]
      apps:
        - { match: { group: site-2 }, apps: [ crm ] }
        - { match: { user_suffix: "@demo.example" } }
`...)
	require.NoError(t, os.WriteFile(file, config, 0o600))

	s = serve()
	for range rig.Poll(20 * time.Second) { // dies in the middle of it, or soon after
		if n, _ := r.counts(); n > 3 {
			break
		}
	}
	s.Kill()
	provisioning := func() map[string]any {
		t.Helper()
		for range rig.Poll(30 * time.Second) {
			v := rig.Must(t, 200, "GET", s.Admin("/admin/networks/"+network), rig.Operator, "").JSON(t)["provisioning"].(map[string]any)
			if v["state"] == "ok" {
				return v
			}
		}
		t.Fatal("provisioning does not succeed")
		return nil
	}
	for range 2 {
		s = serve()
		v := provisioning()
		require.Equal(t, []any{float64(platformUsers), float64(platformUsers - 1), 1.0}, []any{v["entries"], v["subscribers"], v["by_hand"]})
		all := rig.Must(t, 200, "GET", s.Admin("/admin/subscribers"), rig.Operator, "").List(t)
		require.Len(t, all, platformUsers)
		linked := 0
		for _, sub := range all {
			linked += len(sub["apps"].([]any))
		}
		require.Equal(t, usersOfTheSite-1, linked)
		for range rig.Poll(20 * time.Second) {
			if n, _ := r.counts(); n == usersOfTheSite-1 {
				break
			}
		}
		subscribers, events := r.counts()
		require.Equal(t, []int{usersOfTheSite - 1, usersOfTheSite - 1}, []int{subscribers, events}, "each of them once")
		after := rig.Must(t, 200, "GET", s.Admin("/admin/subscribers/front-desk"), rig.Operator, "").JSON(t)
		for _, m := range []map[string]any{before, after} {
			delete(m, "provider_status") // how it stands there right now
		}
		require.Equal(t, before, after)
		rig.Must(t, 409, "PUT", s.Admin("/admin/networks/"+network+"/provisioning/confirm"), rig.Operator, "")
		s.Drain()
	}
	// The last start had nothing to do.
	require.Contains(t, s.Output(), "msg=ready")
	require.NotContains(t, s.Output(), "msg=provisioned")
}
