package platform

import (
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/provider/broadworks"
)

// Ten thousand times the event stream ends as soon as it is there. We come back
// ever more seldom and never in step, and neither goroutines nor memory grow;
// then the platform is itself again, and all is as it should be.
func TestTenThousandReconnects(t *testing.T) {
	const (
		reconnects = 10_000
		longest    = 2 * time.Second // a minute in production: days of storm
	)
	row := report.Attack(t, report.Flat, "an event stream that ends at once, ten thousand times", "reconnects")
	for _, how := range []struct {
		name string
		is   monster
	}{
		{"before a word", status("503 Busy")},
		{"in the middle of its greeting", says(xml + channel[:60])},
		{"once it is there", says(xml + channel)},
		{"with the end of its channel", says(xml + channel + strings.Replace(terminated, "DuplicateChannelSet", "Expired", 1))},
	} {
		t.Run(how.name, func(t *testing.T) {
			inVirtualTime(t, func(c *broadworks.Config) { c.BackoffMax = longest }, func(w *world) {
				w.settles(time.Minute, "at first")
				w.ring(0)
				w.after(time.Second)
				var mu sync.Mutex
				var opened []time.Time
				met := func() int {
					mu.Lock()
					defer mu.Unlock()
					return len(opened)
				}
				w.wire.turn(func(c net.Conn, r *http.Request) {
					mu.Lock()
					opened = append(opened, time.Now())
					mu.Unlock()
					how.is(c, r)
				}, onTheStream)
				began := time.Now()
				w.after(time.Minute)
				was, goroutines := heap(), runtime.NumGoroutine()
				for met() < reconnects/4 {
					w.after(time.Minute)
				}
				took := time.Since(began)
				require.Less(t, heap()-was, 4*mega, "memory is flat")
				require.Less(t, runtime.NumGoroutine(), goroutines+slack, "so are goroutines")

				var pauses []time.Duration
				for i := 1; i < len(opened); i++ {
					pauses = append(pauses, opened[i].Sub(opened[i-1]))
				}
				slices.Sort(pauses)
				mean := took / time.Duration(len(opened))
				require.Greater(t, mean, longest/3, "the rate is capped")
				p10, p90 := pauses[len(pauses)/10], pauses[len(pauses)*9/10]
				require.Greater(t, p90, 3*p10, "and no two come back in step")
				row.Add(len(opened))
				row.Note("on average %v apart, from %v to %v", mean.Round(100*time.Millisecond), pauses[0].Round(time.Millisecond), pauses[len(pauses)-1].Round(100*time.Millisecond))

				w.wire.turn(nil, everywhere)
				w.settles(itself, "when it is itself again")
				w.hangUp(w.truth()[0])
				w.after(10 * time.Second)
				w.settles(time.Minute, "in the end")
				w.everybodyEnds()
			})
		})
	}
}

// slack is how many goroutines may come and go by themselves.
const slack = 30
