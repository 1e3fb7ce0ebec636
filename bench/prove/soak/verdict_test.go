package soak

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// drift compares the median of the last quarter with that of the second: a
// median does not mind a collection or a compaction that comes in between, and
// the first quarter is for what fills once.
func drift(values []float64) (before, after float64) {
	n := len(values)
	return median(values[n/4 : n/2]), median(values[n*3/4:])
}

func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	return s[len(s)/2]
}

// grows reports what grew by more than a tenth and the slack.
func grows(values []float64, slack float64) error {
	if before, after := drift(values); after > before*1.1+slack {
		return fmt.Errorf("%.1f became %.1f", before, after)
	}
	return nil
}

func TestWhatLeaksIsSeenAndWhatSwingsIsNot(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	series := func(each func(i int) float64) (all []float64) {
		for i := range 200 {
			all = append(all, each(i))
		}
		return all
	}
	flat := series(func(int) float64 { return 100 + 20*random.Float64() })
	require.NoError(t, grows(flat, 5))
	require.NoError(t, grows(series(func(i int) float64 { return 100 + 400*min(1, float64(i)/40) }), 5), "it fills once")
	require.NoError(t, grows(series(func(i int) float64 { return 100 + float64(i%10*20) }), 5), "a saw")
	require.NoError(t, grows(series(func(i int) float64 {
		if i == 190 {
			return 10_000
		}
		return 100
	}), 5), "one peak")
	require.Error(t, grows(series(func(i int) float64 { return 100 + float64(i)/2 + 20*random.Float64() }), 5), "half a goroutine a sample")
	require.Error(t, grows(series(func(i int) float64 { return float64(i) }), 5))
}
