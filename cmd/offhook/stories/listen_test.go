package stories

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// A receiver that refuses every third event and hangs up after every tenth is
// told everything all the same, in order.
func TestAListenerThatMisbehavesMissesNothing(t *testing.T) {
	p := rig.Run(t, rig.Anywhere("none"), "serve", "--data-dir", t.TempDir())
	s := &rig.Site{Process: p, T: t}
	l := rig.Run(t, nil, "listen", "--listen", "127.0.0.1:0", "--register", "http://"+p.Addr("admin"), "--fail-rate", "0.25", "--drop-rate", "0.05", "--seed", "5")
	said := func(what string, times int) {
		t.Helper()
		for range rig.Poll(5 * time.Minute) { // an unlucky event is retried ever later
			seen := 0
			for line := range strings.Lines(l.Output()) {
				if strings.Contains(line, what) && !strings.Contains(line, "(repeat") {
					seen++
				}
			}
			if seen >= times {
				return
			}
		}
		t.Fatalf("not said %d times: %s", times, what)
	}
	said("msg=registered", 1)

	const calls = 8
	subscribers := rig.Must(t, 200, "GET", s.Admin("/admin/subscribers"), rig.Operator, "").List(t)
	s.Followed(len(subscribers))
	for _, sub := range subscribers[:calls] {
		rung := rig.Must(t, 201, "POST", s.Sim("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+15125550142"}`, sub["subscriber_id"])).JSON(t)
		call := "/simulator/calls/" + rung["call_id"].(string)
		for _, does := range []string{"/answer", "/hangup"} {
			a, err := rig.Ask("POST", s.Sim(call+does), "", "")
			require.NoError(t, err)
			require.Less(t, a.Status, 300, "%s: %s", does, a.Body)
		}
	}
	said(" released ", calls) // the last of each stream
	require.NotContains(t, l.Output(), "+15125550142", "numbers are masked")

	l.Signal(syscall.SIGINT)

	require.NoError(t, l.Err(), "all was as promised: exit 0")
	_, summary, found := strings.Cut(l.Output(), fmt.Sprintf(": %d events of %d streams", 3*calls, calls))
	require.True(t, found)
	require.Contains(t, summary, " 0 gaps, 0 disorder, 0 unverified, 0 conflicts, 0 malformed")
	require.NotContains(t, summary, " 0 failures")
	apps := rig.Must(t, 200, "GET", s.Admin("/admin/apps"), rig.Operator, "").List(t)
	require.Len(t, apps, 1, "the listener's app is gone, the demo's is there")
	p.Drain()
}
