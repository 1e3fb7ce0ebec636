package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTimesHaveTheirZone(t *testing.T) {
	was := time.Local
	t.Cleanup(func() { time.Local = was })
	time.Local = time.FixedZone("", 2*3600)
	require.Equal(t, "2026-05-01 14:00:00+02:00", moment(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).UnixMilli()))
	time.Local = time.UTC
	require.Equal(t, "2026-05-01 12:00:00Z", moment(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).UnixMilli()))
}

func TestCallsAreListedAsTheyBegan(t *testing.T) {
	admin, _ := office(t, 200, "application/json", `[{"call_id":"b","created_at":30},{"call_id":"c","created_at":10},{"call_id":"a","created_at":20}]`)
	ids := func(args ...string) (all string) {
		r := run(t, nil, append([]string{"call", "list", "--admin", admin, "--admin-token", "t"}, args...)...)
		require.Zero(t, r.code, r.stderr)
		for _, line := range strings.Split(strings.TrimSpace(r.stdout), "\n")[1:] {
			all += line[:1]
		}
		return all
	}
	require.Equal(t, "cab", ids("--app", "crm"))
	require.Equal(t, "cab", ids("--all"))
	require.Equal(t, "ca", ids("--all", "--limit", "2"))
	require.Equal(t, exitUsage, run(t, nil, "call", "list", "--all", "--limit", "-1", "--admin", admin, "--admin-token", "t").code)
}

func TestANetworkIsShownForPeople(t *testing.T) {
	admin, _ := office(t, 200, "application/json", `{"network_id":"lab","provider":"broadworks","broadworks":{"xsps":["http://a","http://b"],"username":"admin","ca":null,"srv":"",
		"targets":[{"enterprise":"acme"}],"tuning":{"renew_ms":1800000}},"dialing":{"country_code":"1","deny":["1900"],"allow":[]}}`)
	r := run(t, nil, "network", "show", "lab", "--admin", admin, "--admin-token", "t")
	require.Zero(t, r.code, r.stderr)
	require.Equal(t, []string{
		"network lab", "provider broadworks", "in the config file false", "broadworks targets 1 enterprise acme", "broadworks tuning renew_ms 1800000",
		"broadworks username admin", "broadworks xsps http://a http://b", "dialing country_code 1", "dialing deny 1900",
	}, squeezed(r.stdout))
}

// squeezed are the lines, with single spaces.
func squeezed(text string) (lines []string) {
	for line := range strings.Lines(text) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines
}

func TestTheWebhooksOfAllAppsAreOneList(t *testing.T) {
	admin, _ := office(t, 200, "application/json", `[{"app_id":"crm","keys":[],"calls_webhook":{"url":"https://a","delivery":{"condition":"backing_off","waiting_streams":3,"oldest_undelivered_ms":61000}},
		"subscriber_webhook":{"url":"https://b"}},{"app_id":"idle","keys":[]}]`)
	list := func(args ...string) string {
		r := run(t, nil, append([]string{"webhook", "list", "--all", "--admin", admin, "--admin-token", "t"}, args...)...)
		require.Zero(t, r.code, r.stderr)
		return r.stdout
	}
	require.Equal(t, []string{"APP KIND URL CONDITION WAITING PARKED OLDEST", "crm calls https://a backing_off 3 0 1m1s", "crm subscriber https://b - - - -"}, squeezed(list()))
	require.Contains(t, list("--json"), `"app_id": "crm"`)
}
