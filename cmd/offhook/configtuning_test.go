package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
	"offhook/provider/broadworks"
)

func TestTuningReachesTheProvider(t *testing.T) {
	network := func(tuning string) string {
		return "networks: [{network_id: n, broadworks: {xsps: [\"http://127.0.0.1:1\"], username: u, password_file: DIR/password, tuning: " + tuning + "}}]\n"
	}
	c, err := newDesk(t).load(t, network(`{heartbeat: 40s, expires: 2h, srv_refresh: 1m, event_package: Standard Call, requests_per_second: 50,
  requests_at_once: 4, queue_time: 1s, subscriptions_per_second: 10, polls_per_second: 5, quota_codes: [110863, 4711],
  reconnect_max: 2m, duplicate_wait: 20m, refused_wait: 30m, login_wait: 1h, gap_wait: 1s, quiet: 3m, answer_time: 4s, arrival: 1m, acks_at_once: 64, max_document: 200000}`))
	require.NoError(t, err)
	var got broadworks.Config
	tune := func() { // as cmd/offhook does for the network
		t := c.tunings()["n"]
		t.tune(&got)
	}
	tune()
	require.Equal(t, broadworks.Config{
		Heartbeat: 40 * time.Second, Silence: 2 * time.Minute, Expires: 2 * time.Hour, SRVRefresh: time.Minute, EventPackage: "Standard Call",
		XSPRate: 50, InFlight: 4, QueueTime: time.Second, Rate: 10, PollRate: 5, QuotaCodes: []int64{110863, 4711},
		BackoffMax: 2 * time.Minute, Duplicate: 20 * time.Minute, RefusedWait: 30 * time.Minute, Probe: time.Hour,
		GapWait: time.Second, Quiet: 3 * time.Minute, Answer: 4 * time.Second, Arrival: time.Minute, Acks: 64, MaxDocument: 200_000,
	}, got)
	c, err = newDesk(t).load(t, network(`{heartbeat: 40s, silence: 24h}`))
	require.NoError(t, err)
	got = broadworks.Config{}
	tune()
	require.Equal(t, 24*time.Hour, got.Silence)
	require.Len(t, c.tunings(), 1)

	for _, tuning := range []string{"{silence: 45s}", "{heartbeat: 5m, silence: 15m}", "{heartbeat: 5m}", "{gap_wait: 9s}", "{gap_wait: 10s, answer_time: 11s}"} {
		_, err := newDesk(t).load(t, network(tuning))
		require.NoError(t, err, tuning)
	}
	for tuning, want := range map[string]string{
		"{heartbeat: 30s, silence: 40s}":  "offhook.yaml:1: networks[0].broadworks.tuning.silence: 40s is less than three heartbeats of 30s, and channels would be built again for ever; make it 1m30s or more, or heartbeat 13s or less",
		"{heartbeat: 5m, silence: 10s}":   "make it 15m0s or more, or heartbeat 3s or less",
		"{silence: 44s}":                  "44s is less than three heartbeats of 15s",
		"{gap_wait: 10s}":                 "tuning.gap_wait: gap_wait, 10s, is not less than answer_time, 10s",
		"{gap_wait: 2s, answer_time: 2s}": "tuning.gap_wait: gap_wait, 2s, is not less than answer_time, 2s",
		"{heartbeat: 1ms}":                "tuning.heartbeat: must be between 1s and 5m0s, not 1ms",
		"{requests_per_second: -1}":       "tuning.requests_per_second: must be between 1 and 100000, not -1",
		"{queue_time: 2h}":                "tuning.queue_time: must be between",
		"{silence: 1s}":                   "tuning.silence: must be between 10s and 24h0m0s",
		"{acks_at_once: -3}":              "tuning.acks_at_once: must be between",
		"{gap_wait: 1m}":                  "tuning.gap_wait: must be between",
		"{max_document: 1}":               "tuning.max_document: must be between 4096 and 4194304, not 1",
		"{polls: 3}":                      "there is no such setting",
		"{quota_codes: [many]}":           "a whole number is wanted here",
		"{subscriptions_per_second: 0.5}": "a whole number is wanted here",
	} {
		_, err := newDesk(t).load(t, network(tuning))
		require.ErrorContains(t, err, want, tuning)
	}
}

// A service provider that is no enterprise is a target as a whole, too.
func TestWholesOfBothKindsAreTargets(t *testing.T) {
	network := func(targets string) string {
		return "networks: [{network_id: n, broadworks: {xsps: [\"http://127.0.0.1:1\"], username: u, password_file: DIR/password, subscribe: enterprise, targets: " + targets + "}}]\n"
	}
	c, err := newDesk(t).load(t, network("[{enterprise: e}, {service_provider: sp}]"))
	require.NoError(t, err)
	require.Equal(t, []tenant.Target{{Enterprise: "e"}, {ServiceProvider: "sp"}}, c.tenants[0].BroadWorks.Targets)
	for _, wrong := range []string{"[{enterprise: e, service_provider: sp}]", "[{service_provider: sp, group: g}]", "[{group: g}]", "[{}]"} {
		_, err := newDesk(t).load(t, network(wrong))
		require.ErrorContains(t, err, "targets[0]: must be {enterprise} or {service_provider} with subscribe: enterprise", wrong)
	}
}
