package webhooks

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tiny is a plan that shows everything and measures nothing.
func tiny(t *testing.T) plan {
	return plan{
		Runs: 2, Round: 200 * time.Millisecond, Streams: []int{5}, Rate: 500, Events: 100,
		Pairs: 2, Endpoints: 4, PerApp: 3, Dir: t.TempDir(),
	}
}

func TestASmallRunFillsEveryRowAndLosesNothing(t *testing.T) {
	p := tiny(t)
	r, err := measure(t.Context(), p, io.Discard)
	require.NoError(t, err) // which is: in order, and nothing lost

	var names []string
	for _, f := range r.Figures {
		names = append(names, f.Name)
		for _, v := range f.Values {
			require.True(t, v > 0 || f.Unit == percent, "%s: %v", f.Name, f.Values)
		}
		require.Len(t, f.Values, 2, f.Name) // two runs, or two pairs
		require.LessOrEqual(t, f.Min, f.Median)
		require.LessOrEqual(t, f.Median, f.Max)
	}
	require.Equal(t, []string{
		"bare client, bodies of 5 streams",
		"delivered from a backlog, 5 streams",
		"journaled and delivered, 5 streams",
		"event to receipt, 5 streams, p50",
		"event to receipt, 5 streams, p99",
		"event to receipt, 5 streams, p99.9",
		"  of it ours: submitted late, p99",
		"p99 of 3 receivers, one more is healthy",
		"p99 of 3 receivers, one more never answers",
		"  moved, pair by pair",
	}, names)
	for _, f := range r.Figures[1:3] {
		require.Positive(t, f.OfBare.Median, "beside the bare client: %s", f.Name)
	}
	require.Positive(t, r.Machine.Sync)
	require.Greater(t, r.Events, 2*(3*100+100)+2*2*100, "two runs of three times 100 and 0.2 s at 500/s, and two pairs of that")
	require.Zero(t, r.Repeats)

	var table, doc bytes.Buffer
	require.NoError(t, r.table(&table))
	for _, name := range names {
		require.Contains(t, table.String(), strings.TrimSpace(name))
	}
	require.NoError(t, r.json(&doc))
	var back Report
	require.NoError(t, json.Unmarshal(doc.Bytes(), &back))
	require.Equal(t, r.Figures, back.Figures)
	requireEmpty(t, p.Dir)
}

// stopAt ends a run when something is told of it.
type stopAt struct {
	word string
	stop context.CancelFunc
}

func (s stopAt) Write(b []byte) (int, error) {
	if strings.Contains(string(b), s.word) {
		s.stop()
	}
	return len(b), nil
}

func TestARunThatIsStoppedLeavesNothingBehind(t *testing.T) {
	for _, word := range []string{"a backlog of", "run 1 of 2", "isolation, pair 1"} {
		t.Run(word, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			p := tiny(t)
			_, err := measure(ctx, p, stopAt{word, stop})
			require.ErrorIs(t, err, context.Canceled)
			requireEmpty(t, p.Dir) // and no goroutine, which TestMain sees to
		})
	}
}

func requireEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestTheCommandLineIsCheckedBeforeAnythingStarts(t *testing.T) {
	for _, args := range [][]string{
		{"--runs", "0"}, {"--round", "1ms"}, {"--round", "1h"}, {"--pairs", "-1"}, {"--streams", "0"}, {"--streams", "1000000"},
		{"--rate", "-5"}, {"--colour"},
	} {
		var out, errs bytes.Buffer
		require.Equal(t, exitUsage, run(t.Context(), args, &out, &errs), "%v", args)
		require.Contains(t, errs.String(), args[0])
		require.Empty(t, out.String())
	}
}
