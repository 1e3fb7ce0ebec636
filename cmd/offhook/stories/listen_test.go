package stories

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A receiver that refuses every third event and hangs up after every tenth is
// told everything all the same, in order.
func TestAListenerThatMisbehavesMissesNothing(t *testing.T) {
	p := run(t, anywhere("none"), "serve", "--data-dir", t.TempDir())
	s := &site{process: p, t: t}
	l := run(t, nil, "listen", "--listen", "127.0.0.1:0", "--register", "http://"+p.addr("admin"), "--fail-rate", "0.25", "--drop-rate", "0.05", "--seed", "5")
	said := func(what string, times int) {
		t.Helper()
		for range poll(5 * time.Minute) { // an unlucky event is retried ever later
			seen := 0
			for line := range strings.Lines(l.output()) {
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
	subscribers := must(t, 200, "GET", s.admin("/admin/subscribers"), operator, "").list(t)
	for _, sub := range subscribers[:calls] {
		rung := must(t, 201, "POST", s.sim("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+15125550142"}`, sub["subscriber_id"])).json(t)
		call := "/simulator/calls/" + rung["call_id"].(string)
		for _, does := range []string{"/answer", "/hangup"} {
			a, err := ask("POST", s.sim(call+does), "", "")
			require.NoError(t, err)
			require.Less(t, a.status, 300, "%s: %s", does, a.body)
		}
	}
	said(" released ", calls) // the last of each stream
	require.NotContains(t, l.output(), "+15125550142", "numbers are masked")

	require.NoError(t, l.cmd.Process.Signal(syscall.SIGINT))
	<-l.ended
	require.NoError(t, l.err, "all was as promised: exit 0")
	_, summary, found := strings.Cut(l.output(), fmt.Sprintf(": %d events of %d streams", 3*calls, calls))
	require.True(t, found)
	require.Contains(t, summary, " 0 gaps, 0 disorder, 0 unverified, 0 conflicts, 0 malformed")
	require.NotContains(t, summary, " 0 failures")
	apps := must(t, 200, "GET", s.admin("/admin/apps"), operator, "").list(t)
	require.Len(t, apps, 1, "the listener's app is gone, the demo's is there")
	p.drain()
}
