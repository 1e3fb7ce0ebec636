package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/provider/broadworks"
)

func TestTuningReachesTheProvider(t *testing.T) {
	network := func(tuning string) string {
		return "networks: [{network_id: n, broadworks: {xsps: [\"http://127.0.0.1:1\"], username: u, password_file: DIR/password, tuning: " + tuning + "}}]\n"
	}
	c, err := newDesk(t).load(t, network(`{heartbeat: 40s, expires: 2h, srv_refresh: 1m, event_package: Standard Call, requests_per_second: 50,
  requests_at_once: 4, queue_time: 1s, subscriptions_per_second: 10, polls_per_second: 5, quota_codes: [110863, 4711]}`))
	require.NoError(t, err)
	var got, none broadworks.Config
	c.tune("n", &got)
	require.Equal(t, broadworks.Config{
		Heartbeat: 40 * time.Second, Silence: 2 * time.Minute, Expires: 2 * time.Hour, SRVRefresh: time.Minute, EventPackage: "Standard Call",
		XSPRate: 50, InFlight: 4, QueueTime: time.Second, Rate: 10, PollRate: 5, QuotaCodes: []int64{110863, 4711},
	}, got)
	c.tune("another", &none)
	require.Zero(t, none)

	for tuning, want := range map[string]string{
		"{heartbeat: 1ms}":                "tuning.heartbeat: must be between 1s and 5m0s, not 1ms",
		"{requests_per_second: -1}":       "tuning.requests_per_second: must be between 1 and 100000, not -1",
		"{queue_time: 2h}":                "tuning.queue_time: must be between",
		"{polls: 3}":                      "there is no such setting",
		"{quota_codes: [many]}":           "a whole number is wanted here",
		"{subscriptions_per_second: 0.5}": "a whole number is wanted here",
	} {
		_, err := newDesk(t).load(t, network(tuning))
		require.ErrorContains(t, err, want, tuning)
	}
}
