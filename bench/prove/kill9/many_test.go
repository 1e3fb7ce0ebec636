package kill9

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

// many is how many subscribers the start is timed with, when nothing is said: in a long run it is more.
const many = 5000

// The program is killed with very many subscribers provisioned, most of whom the
// platform does not know, and finds all of them again. How long that takes is
// printed: on a busy machine it says little.
func TestKilledWithVeryManySubscribersIsUpAgain(t *testing.T) {
	n := int(knob(t, "OFFHOOK_KILL9_SUBSCRIBERS", many)) // #nosec G115 -- a number of subscribers
	row := report.Attack(t, report.Durable, fmt.Sprintf("kill -9 with %d subscribers provisioned", n), "starts")
	l := rig.NewLeanLedger(t)
	w := rig.Plain.TwoProcesses(t, l, 20, 4)
	network := w.Subscribers[0]["network_id"].(string)
	client := &http.Client{Timeout: 5 * time.Minute}
	defer client.CloseIdleConnections()
	began := time.Now()
	for at := 0; at < n; at += 5000 {
		var lines strings.Builder
		for i := at; i < min(at+5000, n); i++ {
			fmt.Fprintf(&lines, `{"subscriber_id":"many%06d@demo.example","subscriber_number":"+1646%07d","network_id":%q}`+"\n", i, i, network)
		}
		sent, err := rig.AskWith(client, "POST", w.Admin("/admin/subscribers"), rig.Operator, lines.String())
		require.NoError(t, err)
		require.Equal(t, 200, sent.Status, "%.500s", sent.Body)
		require.Empty(t, sent.JSON(t)["failed"])
	}
	provisioned := time.Since(began)
	var m times
	for start := range 5 {
		w.Kill()
		m.start()
		w.Process = w.Serve(t)
		m.up(w.Ready)
		for range rig.Poll(30 * time.Second) {
			placed, err := w.Place(w.Subscribers[start%4], "+15129104114")
			require.NoError(t, err)
			if placed.Status == 201 {
				m.command()
				w.End(placed.JSON(t)["call_id"].(string))
				break
			}
		}
		for _, i := range []int{0, n / 2, n - 1} {
			id := fmt.Sprintf("many%06d@demo.example", i)
			got := rig.Must(t, 200, "GET", w.Admin("/admin/subscribers/"+id), rig.Operator, "").JSON(t)
			require.Equal(t, fmt.Sprintf("+1646%07d", i), got["subscriber_number"])
		}
		row.Add(1)
	}
	require.Len(t, m.commands, 5, "calls can be placed after each start")
	l.Wait(t, "the end of every call", func() bool { return len(l.Open()) == 0 })
	l.Audit(t)
	row.Note("%s; provisioned in %v", &m, provisioned.Round(time.Millisecond))
	t.Logf("%d subscribers: %s; provisioned in %v", n, &m, provisioned.Round(time.Millisecond))
	w.Drain()
}
