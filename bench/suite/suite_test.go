package suite

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/figures"
)

// tiny is the least that can be measured; what its figures are means nothing.
func tiny(t *testing.T, parts ...string) figures.Plan {
	return figures.Plan{Runs: 2, Round: 20 * time.Millisecond, Dir: t.TempDir(), Few: 200, Only: parts, Progress: func(format string, args ...any) { t.Logf(format, args...) }}
}

// measured runs a suite and finds each row whole.
func measured(t *testing.T, name string, p figures.Plan) map[string]figures.Row {
	t.Helper()
	found, err := Find([]string{name})
	require.NoError(t, err)
	r, err := Run(context.Background(), found, p)
	require.NoError(t, err)
	rows := map[string]figures.Row{}
	for _, row := range r.Rows {
		require.NotContains(t, rows, row.Name+" "+row.Unit, "rows are told apart by their names")
		require.Equal(t, name, row.Suite)
		require.NotEmpty(t, row.Unit)
		if row.Exact {
			require.Len(t, row.Ours, 1, row.Name)
		} else {
			require.Len(t, row.Ours, p.Runs, row.Name)
			for _, v := range row.Ours {
				require.NotZero(t, v, row.Name)
			}
		}
		if row.Beside != "" {
			require.Len(t, row.Base, p.Runs, row.Name)
			require.Len(t, row.Ratios(), p.Runs, row.Name)
		}
		if row.Budget != nil {
			_, judged := row.Met()
			require.True(t, judged, row.Name)
		}
		rows[row.Name+" "+row.Unit] = row
	}
	return rows
}

func has(t *testing.T, rows map[string]figures.Row, parts ...string) {
	t.Helper()
	for _, part := range parts {
		found := false
		for name := range rows {
			found = found || strings.Contains(name, part)
		}
		require.True(t, found, "no row about %q", part)
	}
}

func TestStepHasEachTransition(t *testing.T) {
	rows := measured(t, "step", tiny(t))
	has(t, rows, "received", "answered", "held", "retrieved", "released", "allocs", " B")
}

func TestInboxAsksOwnersAndGoroutines(t *testing.T) {
	rows := measured(t, "inbox", tiny(t))
	has(t, rows, "64 callers, 200 subscribers", "a transition without a store", "ask of an owner allocs", "five allocs")
}

func TestDecodeAndBodyStandBesideTheStandardLibrary(t *testing.T) {
	has(t, measured(t, "decode", tiny(t)), "2 KB events/s", "2 KB allocs")
	has(t, measured(t, "body", tiny(t)), "signature bodies/s", "signature allocs")
}

func TestTheJournalHasEachLoad(t *testing.T) {
	rows := measured(t, "journal", tiny(t))
	has(t, rows, "1 busy subscriber ", "16 busy", "128 busy", "one transition at a time", "hot subscriber")
}

func TestAPartOfASuiteCanBeMeasured(t *testing.T) {
	require.Len(t, measured(t, "journal", tiny(t, "one")), 2)
	has(t, measured(t, "journal", tiny(t, "16")), "16 busy")
}

func TestListsAreWhole(t *testing.T) {
	rows := measured(t, "lists", tiny(t))
	has(t, rows, "first 10 of 10", "all of 10 ", "first 100 of 10,000", "all of 10,000", "all of 200")
}

func TestMemoryAndRestartFindEveryCall(t *testing.T) {
	has(t, measured(t, "restart", tiny(t)), "200 live calls")
	p := tiny(t)
	found, err := Find([]string{"memory"})
	require.NoError(t, err)
	r, err := Run(context.Background(), found, p)
	require.NoError(t, err)
	require.Len(t, r.Rows, 4, "how much so few take is noise, and may be less than nothing")
}

func TestGrowthHasEachCurve(t *testing.T) {
	p := tiny(t)
	p.Runs = 1
	rows := measured(t, "growth", p)
	has(t, rows, "1,000 subscribers", "32 apps of a subscriber", "256 endpoints")
	r := figures.Report{}
	for _, row := range rows {
		r.Rows = append(r.Rows, row)
	}
	require.NotEmpty(t, r.Plots()["growth"].Panels)
}

func TestAMeasurementEndsWithItsContext(t *testing.T) {
	for _, s := range All() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		p := tiny(t)
		p.Round = time.Minute
		_, err := Run(ctx, []Suite{s}, p)
		require.ErrorIs(t, err, context.Canceled, s.Name)
	}
}

func TestANearMissIsHelped(t *testing.T) {
	all, err := Find(nil)
	require.NoError(t, err)
	require.Len(t, all, len(All()))
	found, err := Find([]string{"step", "body", "step"})
	require.NoError(t, err)
	require.Len(t, found, 2)
	for wrong, meant := range map[string]string{"jornal": "journal", "Journal": "journal", "mem": "memory", "stpe": "step", "list": "lists"} {
		_, err := Find([]string{wrong})
		require.ErrorContains(t, err, fmt.Sprintf("did you mean %s?", meant))
	}
	_, err = Find([]string{"qqqqqqqq"})
	require.ErrorContains(t, err, "there are step,")
}
