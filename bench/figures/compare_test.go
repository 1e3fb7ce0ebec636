package figures

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// gate is a world of made-up figures: ratios around 0.9 that scatter by a share.
type gate struct {
	random  *rand.Rand
	scatter float64
}

func (g *gate) report(runs int, slower float64) *Report {
	row := Row{Suite: "journal", Name: "128 busy", Unit: "transitions/s", Beside: "bare", Budget: &Budget{AtLeast: true, Limit: 0.85}}
	for range runs {
		row.Ours = append(row.Ours, 900*(1-slower)*(1+g.scatter*g.random.NormFloat64()))
		row.Base = append(row.Base, 1000)
	}
	return &Report{Rows: []Row{row}}
}

// measure compares as the check does: what does not pass is measured again, up
// to three times, and the runs are pooled.
func (g *gate) measure(kept *Baseline, slower float64) Outcome {
	r := g.report(5, slower)
	for range 3 {
		if list := kept.Compare(r); list[0].Passed() {
			return list[0].Outcome
		}
		r.Pool(g.report(5, slower))
	}
	return kept.Compare(r)[0].Outcome
}

func TestNoiseOfTheRecordedSpreadDoesNotTripTheGate(t *testing.T) {
	for _, scatter := range []float64{0.005, 0.02, 0.05} {
		g := &gate{rand.New(rand.NewPCG(1, 2)), scatter}
		for range 2000 {
			require.NotEqual(t, Worse, g.measure(g.report(15, 0).Keep(), 0), "scatter %v", scatter)
		}
	}
}

func TestARegressionOfAFifthIsFound(t *testing.T) {
	for _, scatter := range []float64{0.005, 0.02, 0.05} {
		g := &gate{rand.New(rand.NewPCG(3, 4)), scatter}
		for range 2000 {
			require.NotContains(t, []Outcome{Same, Better}, g.measure(g.report(15, 0).Keep(), 0.2), "scatter %v", scatter)
		}
	}
}

func TestAFewDisturbedRunsMakeNoNoise(t *testing.T) {
	values := []float64{0.74, 0.75, 0.73, 0.74, 0.76, 0.74, 0.73, 0.75, 0.74, 0.74, 0.51, 1.2}
	require.Less(t, deviation(values, 0.74), 0.03)
	require.Greater(t, deviation([]float64{0.5, 0.9, 0.7, 0.6, 0.8}, 0.7), 0.15, "but what scatters, does")
}

func TestNoiseThatCouldHideARegressionIsNoPass(t *testing.T) {
	g := &gate{rand.New(rand.NewPCG(5, 6)), 0.3}
	for range 500 {
		require.NotContains(t, []Outcome{Same, Better}, g.measure(g.report(5, 0).Keep(), 0))
	}
}

func TestAnImprovementIsToldAndPasses(t *testing.T) {
	g := &gate{rand.New(rand.NewPCG(7, 8)), 0.01}
	require.Equal(t, Better, g.measure(g.report(15, 0).Keep(), -0.2))
}

func TestTimesAreBetterWhenTheyAreLess(t *testing.T) {
	row := Row{Suite: "inbox", Name: "ask", Unit: "ns", Ours: []float64{110, 110, 110}, Beside: "bare", Base: []float64{100, 100, 100}, Gate: true}
	kept := (&Report{Rows: []Row{row}}).Keep()
	for ours, want := range map[float64]Outcome{112: Same, 140: Worse, 80: Better} {
		now := row
		now.Ours = []float64{ours, ours, ours}
		require.Equal(t, want, kept.Compare(&Report{Rows: []Row{now}})[0].Outcome, ours)
	}
}

func TestCountsAreExact(t *testing.T) {
	report := func(allocs, size float64) *Report {
		return &Report{Rows: []Row{
			{Suite: "step", Name: "Step", Unit: "allocs", Ours: []float64{allocs}, Exact: true},
			{Suite: "step", Name: "Step", Unit: "B", Ours: []float64{size}, Exact: true},
		}}
	}
	for _, c := range []struct {
		wasAllocs, wasBytes, allocs, bytes float64
		worst                              Outcome
	}{
		{3, 400, 3, 400, Same}, {3, 400, 4, 400, Worse}, {3, 400, 2, 400, Better}, {0, 0, 0, 0, Same}, {0, 0, 1, 0, Worse},
		{3, 400, 3, 402, Same}, {3, 400, 3, 416, Worse},
	} {
		list := report(c.wasAllocs, c.wasBytes).Keep().Compare(report(c.allocs, c.bytes))
		require.Len(t, list, 2)
		require.Equal(t, c.worst, list[0].Outcome, "%+v", c)
	}
}

func TestARowThatIsGoneIsMissed(t *testing.T) {
	kept := report().Keep()
	require.Len(t, kept.Values, 2, "of the rows those with a ratio and a budget")
	list := kept.Compare(&Report{Rows: []Row{{Suite: "journal", Name: "another", Unit: "ms"}}})
	require.Len(t, list, 2)
	require.Equal(t, Missing, list[0].Outcome)
	require.False(t, list[0].Passed())
	require.Empty(t, kept.Compare(&Report{Rows: []Row{{Suite: "step"}}}), "its suite was not run")
}

func TestABaselineReadsBack(t *testing.T) {
	var b bytes.Buffer
	kept := report().Keep()
	require.NoError(t, kept.Write(&b))
	back, err := ReadBaseline(bytes.NewReader(b.Bytes()))
	require.NoError(t, err)
	require.Equal(t, kept, back)
	_, err = ReadBaseline(bytes.NewReader([]byte(`{"value":{}}`)))
	require.Error(t, err)
}

func TestSuitesThatWereNotMeasuredStayAsTheyWere(t *testing.T) {
	kept := report().Keep()
	kept.Values["step: Step, allocs"] = Value{Median: 1, Runs: 1, Exact: true}
	newer := report()
	newer.Machine.Commit = "def5678"
	newer.Rows = newer.Rows[:1]
	newer.Rows[0].Ours = []float64{150_000, 140_000, 160_000}
	kept.Renew(newer.Keep())
	require.Len(t, kept.Values, 2, "the row that the journal has no more is gone")
	require.Equal(t, 1.0, kept.Values["step: Step, allocs"].Median)
	require.Greater(t, kept.Values[newer.Rows[0].Key()].Median, 1.0)
	require.Equal(t, "def5678", kept.Commit)
}

func TestVerdictsArePrintedTheWorstFirst(t *testing.T) {
	kept := report().Keep()
	now := report()
	now.Rows[0].Ours = []float64{60_000, 55_000, 65_000}
	var b bytes.Buffer
	require.NoError(t, Verdicts(&b, kept.Compare(now)))
	require.Regexp(t, `128 busy.* 0.857 +0.429 +\+50.0 % .*WORSE\n.*16 busy.*same`, b.String())
	require.Contains(t, b.String(), "1 of 2 are no worse")
}
