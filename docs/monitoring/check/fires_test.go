package check

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/stretchr/testify/require"
)

// what offhook exports when something is wrong, scraped every 15 s for an hour,
// and when all is well: "_" is a series that is not there yet, as counters with
// labels are not before they count. Each series is of {job="offhook",instance="a"}.
var scenes = map[string]struct{ wrong, well []string }{
	"OffhookDown":        {[]string{`up 1x200 0x39`}, []string{`up 1x240`}},
	"OffhookDiskFull":    {[]string{`offhook_store_shedding 0x200 1x39`}, []string{`offhook_store_shedding 0x240`}},
	"OffhookDiskFilling": {[]string{`offhook_store_free_bytes 1000000000-400000x240`}, []string{`offhook_store_free_bytes 1000000000x240`}},
	"OffhookSyncFailed": {
		[]string{`process_start_time_seconds 0x120 _x3 1860x115`, `offhook_last_run{ended="drained"} 1x120 _x3 0x115`, `offhook_last_run{ended="store_failed"} 0x120 _x3 1x115`,
			`offhook_store_sync_failures_total 0x240`},
		[]string{`process_start_time_seconds -9000x240`, `offhook_last_run{ended="store_failed"} 1x240`},
	},
	"OffhookCutOff": {
		[]string{`process_start_time_seconds 0x200 3005x39`, `offhook_last_run{ended="killed"} 0x200 1x39`},
		[]string{`process_start_time_seconds 0x200 3005x39`, `offhook_last_run{ended="killed"} 0x240`, `offhook_last_run{ended="drained"} 1x240`},
	},
	"OffhookRestarting": {
		[]string{`process_start_time_seconds 0x200 3005x5 3080x5 3160x5 3250x20`}, []string{`process_start_time_seconds 0x200 3005x39`},
	},
	"OffhookDiskSlow": {
		[]string{`offhook_store_append_seconds_bucket{le="0.1"} 0+1x240`, `offhook_store_append_seconds_bucket{le="1"} 0+100x240`, `offhook_store_append_seconds_bucket{le="+Inf"} 0+100x240`},
		[]string{`offhook_store_append_seconds_bucket{le="0.1"} 0+100x240`, `offhook_store_append_seconds_bucket{le="1"} 0+100x240`, `offhook_store_append_seconds_bucket{le="+Inf"} 0+100x240`},
	},
	"OffhookCertificateEnds": {
		[]string{`offhook_tls_certificate_expiry_timestamp_seconds{listener="api"} 1000000x240`}, []string{`offhook_tls_certificate_expiry_timestamp_seconds{listener="api"} 2000000x240`},
	},
	"OffhookLinkDown":             {[]string{`offhook_broadworks_link_state{network="n",state="up"} 0x240`}, []string{`offhook_broadworks_link_state{network="n",state="up"} 1x240`}},
	"OffhookLoginRefused":         {[]string{`offhook_broadworks_link_state{network="n",state="gate_closed"} 1x240`}, []string{`offhook_broadworks_link_state{network="n",state="gate_closed"} 0x240`}},
	"OffhookApplicationTaken":     {[]string{`offhook_broadworks_link_state{network="n",state="duplicate"} 1x240`}, []string{`offhook_broadworks_link_state{network="n",state="duplicate"} 0x240`}},
	"OffhookSubscriptionsRefused": {[]string{`offhook_broadworks_users{network="n",kind="refused"} 3x240`}, []string{`offhook_broadworks_users{network="n",kind="refused"} 0x240`, `offhook_broadworks_users{network="n",kind="followed"} 3x240`}},
	"OffhookProviderFailing": {
		[]string{`offhook_provider_ask_seconds_count{verb="hold",outcome="accepted"} 0+5x240`, `offhook_provider_ask_seconds_count{verb="hold",outcome="refused"} _x120 1+1x119`},
		[]string{`offhook_provider_ask_seconds_count{verb="hold",outcome="accepted"} 0+5x240`, `offhook_provider_ask_seconds_count{verb="snapshot",outcome="refused"} 0+5x240`},
	},
	"OffhookErrors": {
		[]string{`offhook_http_request_seconds_count{listener="api",route="r",method="GET",status="5xx"} _x120 1+1x119`, `offhook_http_request_seconds_count{listener="api",route="r",method="GET",status="2xx"} 0+5x240`},
		[]string{`offhook_http_request_seconds_count{listener="admin",route="r",method="GET",status="5xx"} 0+5x240`, `offhook_http_request_seconds_count{listener="api",route="r",method="GET",status="4xx"} 0+5x240`},
	},
	"OffhookCommandsRefused": {[]string{`offhook_commands_refused_total{queue="inbox"} _x200 1+1x39`}, []string{`offhook_commands_refused_total{queue="inbox"} 7x240`}},
	"OffhookFactsLost":       {[]string{`offhook_facts_overflowed_total 0x220 1x19`}, []string{`offhook_facts_overflowed_total 4x240`}},
	"OffhookWebhookBehind":   {[]string{`offhook_webhook_oldest_undelivered_seconds{endpoint="e"} 0+15x240`}, []string{`offhook_webhook_oldest_undelivered_seconds{endpoint="e"} 20x240`}},
	"OffhookStreamParked":    {[]string{`offhook_webhook_streams_parked_total{endpoint="e"} _x220 1x19`}, []string{`offhook_webhook_streams_parked_total{endpoint="e"} 1x240`}},
	"OffhookWebhookDisabled": {[]string{`offhook_webhook_endpoint_disabled_total{endpoint="e"} _x220 1x19`}, []string{`offhook_webhook_endpoint_disabled_total{endpoint="e"} 1x240`}},
	"OffhookEventsGivenUp":   {[]string{`offhook_webhook_gaps_total{endpoint="e"} _x220 1x19`}, []string{`offhook_webhook_gaps_total{endpoint="e"} 1x240`}},
	// After 1, 2, 4, … s the attempts come every five minutes.
	"OffhookNobodyIsTold": {
		[]string{`offhook_operational_webhooks_failed_attempts_total{to="operator"} 20x19 21x19 22x19 23x19 24x19 25x19 26x19 27x19 28x19 29x19 30x19 31x19`},
		[]string{`offhook_operational_webhooks_failed_attempts_total{to="operator"} 20x200 21x39`},
	},
	// The first scrape that sees them at all sees several.
	"OffhookTokenGuessed": {
		[]string{`offhook_http_refused_keys_total{listener="admin",reason="wrong"} _x210 9x3 10x5 11x20`},
		[]string{`offhook_http_refused_keys_total{listener="admin",reason="wrong"} 9x200 10x39`},
	},
	"OffhookProvisioningHeld": {[]string{`offhook_provisioning_braked{network="n"} 12x240`}, []string{`offhook_provisioning_braked{network="n"} 0x240`}},
	"OffhookProvisioningStale": {
		[]string{`offhook_provisioning_last_full_timestamp_seconds{network="n"} 0x240`, `offhook_provisioning_every_seconds{network="n"} 21600x240`, `process_start_time_seconds -90000x240`},
		[]string{`offhook_provisioning_last_full_timestamp_seconds{network="n"} -90000x240`, `offhook_provisioning_every_seconds{network="n"} 604800x240`, `process_start_time_seconds -900000x240`},
	},
	"OffhookFilesRunOut":   {[]string{`process_open_fds 950x240`, `process_max_fds 1000x240`}, []string{`process_open_fds 850x240`, `process_max_fds 1000x240`}},
	"OffhookTracesDropped": {[]string{`offhook_trace_spans_total{outcome="dropped"} _x120 1+1x119`}, []string{`offhook_trace_spans_total{outcome="dropped"} 9x240`}},
}

// Every alert fires, for as long as it has to, on what offhook exports when
// what it speaks of happens; and is silent when it does not, or has been so for long.
func TestEveryAlertCanFire(t *testing.T) {
	groups, errs := rulefmt.ParseFile("../alerts.yml", false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	require.Empty(t, errs)
	seen := 0
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			scene, ok := scenes[r.Alert]
			require.True(t, ok, "%s has no scene", r.Alert)
			seen++
			require.True(t, firing(t, scene.wrong, r.Expr, time.Duration(r.For)), "%s does not fire", r.Alert)
			require.False(t, firing(t, scene.well, r.Expr, time.Duration(r.For)), "%s fires for nothing", r.Alert)
		}
	}
	require.Len(t, scenes, seen)
}

// firing reports whether an expression holds for long enough within the hour.
func firing(t *testing.T, series []string, expr string, need time.Duration) bool {
	t.Helper()
	input := "load 15s\n"
	for _, s := range series {
		input += "  " + ofTheJob(s) + "\n"
	}
	store := promqltest.LoadedStorage(t, input)
	engine := promqltest.NewTestEngine(t, false, 0, 1_000_000)
	held := time.Duration(-1)
	need = min(need, 30*time.Minute)
	// What was so twenty minutes ago is no news.
	for at := 20 * time.Minute; at <= 59*time.Minute; at += 15 * time.Second {
		q, err := engine.NewInstantQuery(t.Context(), store, nil, expr, time.Unix(0, 0).Add(at))
		require.NoError(t, err)
		result := q.Exec(t.Context())
		require.NoError(t, result.Err, expr)
		vector, err := result.Vector()
		require.NoError(t, err)
		q.Close()
		switch {
		case len(vector) == 0:
			held = -1
		case held < 0:
			held = at
		}
		if held >= 0 && at-held >= need {
			return true
		}
	}
	return false
}

// ofTheJob gives a series the labels of the scrape.
func ofTheJob(series string) string {
	name, values, _ := strings.Cut(series, " ")
	metric, labels, has := strings.Cut(strings.TrimSuffix(name, "}"), "{")
	if has {
		labels += ","
	}
	return metric + "{" + labels + `job="offhook",instance="a"} ` + values
}
