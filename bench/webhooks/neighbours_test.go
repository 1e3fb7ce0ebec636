package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNeighboursAreWhatIsNotOurs(t *testing.T) {
	began := time.Unix(1000, 0)
	before := usage{at: began, busy: 100, ours: 10, known: true}
	after := usage{at: began.Add(time.Hour), busy: 4600, ours: 3610, known: true}
	share, ok := after.others(before)
	require.True(t, ok)
	require.Positive(t, share) // 900 s, over an hour of all processors
	require.LessOrEqual(t, share, 0.25)

	_, ok = usage{}.others(before)
	require.False(t, ok, "nothing is known where there is no /proc")

	after.busy = 200 // the clocks of the two are not the same
	share, ok = after.others(before)
	require.True(t, ok)
	require.Zero(t, share)
}
