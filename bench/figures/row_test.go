package figures

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestABudgetIsOfTheRatioWhereThereIsABaseline(t *testing.T) {
	r := Row{Ours: []float64{90, 80, 70}, Beside: "bare", Base: []float64{100, 100, 100}, Budget: &Budget{AtLeast: true, Limit: 0.8, Aim: 0.85}}
	require.Equal(t, []float64{0.9, 0.8, 0.7}, r.Ratios())
	met, judged := r.Met()
	require.True(t, judged)
	require.True(t, met, "the median decides, and a budget that is just reached is met")
	require.False(t, r.Aimed())

	r.Budget.Limit = 0.81
	met, _ = r.Met()
	require.False(t, met)
}

func TestABudgetIsOfTheValueWhereThereIsNone(t *testing.T) {
	r := Row{Ours: []float64{140, 151, 149}, Budget: &Budget{Limit: 150, Aim: 50}}
	met, judged := r.Met()
	require.True(t, met)
	require.True(t, judged)
	r.Ours = []float64{40, 50, 60}
	require.True(t, r.Aimed())
}

func TestWhatWasNotMeasuredIsNotJudged(t *testing.T) {
	for name, r := range map[string]Row{
		"no budget":           {Ours: []float64{1}},
		"no value":            {Budget: &Budget{Limit: 1}},
		"no baseline":         {Ours: []float64{1}, Beside: "a server that is not there", Budget: &Budget{Limit: 1}},
		"a baseline of zeros": {Ours: []float64{1}, Beside: "bare", Base: []float64{0}, Budget: &Budget{Limit: 1}},
	} {
		_, judged := r.Met()
		require.False(t, judged, name)
	}
}

func TestTurnsAreTaken(t *testing.T) {
	var order []string
	note := func(who string) func(int) error {
		return func(int) error { order = append(order, who); return nil }
	}
	require.NoError(t, Turns(3, note("ours"), note("base")))
	require.Equal(t, []string{"ours", "base", "base", "ours", "ours", "base"}, order)
}
