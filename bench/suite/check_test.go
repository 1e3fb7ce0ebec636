package suite

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/figures"
)

// madeUp is a suite that finds what it is told, run by run.
type madeUp struct {
	times int
	ours  func(time int) float64
}

func (m *madeUp) suite(name string) Suite {
	return Suite{Name: name, Measure: func(_ context.Context, p figures.Plan) ([]figures.Row, error) {
		row := figures.Row{Suite: name, Name: "it", Unit: "x/s", Beside: "bare", Gate: true}
		for range p.Runs {
			row.Ours, row.Base = append(row.Ours, m.ours(m.times)), append(row.Base, 100)
		}
		m.times++
		return []figures.Row{row}, nil
	}}
}

func checked(t *testing.T, ours func(time int) float64) (figures.Verdict, int) {
	t.Helper()
	p := figures.Plan{Runs: 5, Round: time.Millisecond, Dir: t.TempDir()}
	was := &madeUp{ours: func(int) float64 { return 90 }}
	r, err := Run(context.Background(), []Suite{was.suite("a")}, p)
	require.NoError(t, err)
	now := &madeUp{ours: ours}
	quiet := &madeUp{ours: func(int) float64 { return 50 }}
	_, list, err := Check(context.Background(), r.Keep(), []Suite{now.suite("a"), quiet.suite("b")}, p)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, 1, quiet.times, "what is not doubtful is measured once")
	return list[0], now.times
}

func TestWhatIsNoWorseIsMeasuredOnce(t *testing.T) {
	v, times := checked(t, func(int) float64 { return 89 })
	require.True(t, v.Passed())
	require.Equal(t, 1, times)
}

func TestADisturbedMeasurementIsMadeAgain(t *testing.T) {
	v, times := checked(t, func(time int) float64 {
		if time == 0 {
			return 60 // somebody else was at work
		}
		return 90
	})
	require.NotEqual(t, figures.Worse, v.Outcome)
	require.Greater(t, times, 1)
}

func TestARegressionStays(t *testing.T) {
	v, times := checked(t, func(int) float64 { return 72 })
	require.Equal(t, figures.Worse, v.Outcome)
	require.InDelta(t, 0.2, v.Change, 1e-9)
	require.Equal(t, 1+again, times)
}

func TestAnErrorEndsTheCheck(t *testing.T) {
	broken := errors.New("the work was not done")
	s := Suite{Name: "a", Measure: func(context.Context, figures.Plan) ([]figures.Row, error) { return nil, broken }}
	_, _, err := Check(context.Background(), &figures.Baseline{}, []Suite{s}, figures.Plan{Runs: 1, Round: time.Millisecond, Dir: t.TempDir()})
	require.ErrorIs(t, err, broken)
}

func TestTheGateHasSuitesThatThereAre(t *testing.T) {
	for _, suites := range [][]Suite{nil, All()} {
		var p figures.Plan
		found, err := Gated(suites, &p)
		require.NoError(t, err)
		require.Len(t, found, len(gated))
		require.Equal(t, gatedParts, p.Only)
	}
	p := figures.Plan{Only: []string{"one"}}
	found, err := Gated(All()[:1], &p)
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, []string{"one"}, p.Only)
}
