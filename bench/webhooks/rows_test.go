package webhooks

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/figures"
)

func TestIsolationIsAFigureForEachPair(t *testing.T) {
	rows, err := Isolation(t.Context(), figures.Plan{Runs: 2, Round: 200 * time.Millisecond, Few: 4, Dir: t.TempDir(), Progress: t.Logf})
	require.NoError(t, err)
	require.Len(t, rows, 3)
	for _, r := range rows {
		require.Len(t, r.Ours, 2, r.Name)
	}
	_, judged := rows[2].Met()
	require.True(t, judged)
	require.False(t, rows[2].Budget.AtLeast)
}
