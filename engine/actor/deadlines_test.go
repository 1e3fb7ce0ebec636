package actor

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whoever comes and goes, the earliest is first, and each knows its place.
func TestTheEarliestIsFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q deadlines
		all := make([]entry, 20)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			e := &all[rapid.IntRange(0, len(all)-1).Draw(t, "who")]
			if rapid.IntRange(0, 2).Draw(t, "what") == 0 {
				q.drop(e)
			} else {
				e.due = time.Duration(rapid.IntRange(0, 50).Draw(t, "due"))
				q.put(e)
			}
			for i, e := range q.heap {
				require.EqualValues(t, i+1, e.place)
			}
		}
		var want, got []time.Duration
		for i := range all {
			if all[i].place > 0 {
				want = append(want, all[i].due)
			}
		}
		slices.Sort(want)
		for len(q.heap) > 0 {
			got = append(got, q.heap[0].due)
			q.drop(q.heap[0])
		}
		require.Equal(t, want, got)
		for i := range all {
			require.Zero(t, all[i].place)
		}
	})
}
