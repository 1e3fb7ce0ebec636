package adminapi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine/clock/clocktest"
)

// Who has to wait waits as long, whoever sets the clock, and no longer.
func TestSettingTheClockLocksNobodyOut(t *testing.T) {
	for _, by := range []time.Duration{time.Minute, -time.Minute, time.Hour, -time.Hour, 365 * 24 * time.Hour, -365 * 24 * time.Hour} {
		now := time.Now()
		g := newGuesses(Guesses{Now: func() time.Time { return now }})
		require.Zero(t, g.judge(operatorAt, true))
		for range 8 {
			for wait := g.judge(guesserAt, false); wait != 0; wait = g.judge(guesserAt, false) {
				now = now.Add(time.Duration(wait) * time.Second)
			}
		}
		require.Equal(t, 8, g.judge(guesserAt, false))
		now = clocktest.Set(now, by)
		require.Equal(t, 8, g.judge(guesserAt, false), by)
		require.Zero(t, g.judge(operatorAt, true))
		now = now.Add(8 * time.Second)
		require.Zero(t, g.judge(guesserAt, false), by)
		require.Equal(t, 16, g.judge(guesserAt, true), "and nothing is forgotten")
		for range 20 { // whoever is familiar waits ten seconds at most
			g.judge(operatorAt, false)
			now = clocktest.Set(now, by).Add(10 * time.Second)
			require.Zero(t, g.judge(operatorAt, true), by)
			now = clocktest.Set(now, -by)
		}
	}
}
