//go:build maybe

package sim

import (
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/engine/maybe"
)

// places are where two things are done that must not come apart.
var places = []string{
	"store: before a group is committed",
	"store: after a group is durable, before anybody is told",
	"webhook: before an attempt",
	"webhook: after a 2xx, before it is noted",
	"broadworks: in the midst of a snapshot",
}

// The process dawdles, and dies, just there.
func TestTheProcessEndsAtEachPlaceThatMatters(t *testing.T) {
	row := report.Attack(t, report.Durable, "the process is slow, and ends, at each place where two things must not come apart", "ends")
	for i, place := range places {
		t.Run(place, func(t *testing.T) {
			before, ends := maybe.Counts()[place], 0
			for seed := uint64(31 + 100*i); ends < 3 && seed < uint64(51+100*i) && !t.Failed(); seed++ { // #nosec G115 -- small numbers
				ends += runWith(t, seed, func(w *world) { w.place, w.bursts = place, 1 }).at[place]
			}
			after := maybe.Counts()[place]
			t.Logf("%d times, %d of them slow, %d ends", after.Reached-before.Reached, after.Fired-before.Fired, ends)
			require.Greater(t, ends, 2, "the process ended here")
			row.Add(ends)
		})
	}
	row.Note("%d places", len(places))
}
