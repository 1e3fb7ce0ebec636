//go:build maybe

package maybe

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestASiteIsOnInAQuarterOfSeedsAndFiresAQuarterOfTheTime(t *testing.T) {
	defer Disarm()
	const site, seeds, times = "a quarter of a quarter", 400, 100
	on, fired := 0, 0
	for seed := range uint64(seeds) {
		Arm(seed, 0.25, 0.25)
		before := fired
		for range times {
			if Now(site) {
				fired++
			}
		}
		if fired > before {
			on++
		}
	}
	require.InDelta(t, seeds/4, on, 30)
	require.InDelta(t, on*times/4, fired, float64(on*times)/40)
	require.EqualValues(t, seeds*times, Counts()[site].Reached)
	require.EqualValues(t, fired, Counts()[site].Fired)
}

func TestNothingHappensBeforeItIsArmedOrAfterwards(t *testing.T) {
	for range 100 {
		require.False(t, Now("unarmed"))
		require.Equal(t, time.Hour, Early("unarmed", time.Hour))
	}
	require.NotContains(t, Counts(), "unarmed")
}

func TestOnlyOneSiteFires(t *testing.T) {
	defer Disarm()
	defer Only("")
	Only("the one")
	Arm(1, 1, 1)
	require.True(t, Now("the one"))
	require.False(t, Now("another"))
	Only("")
	require.True(t, Now("another"))
}

func TestASeedDoesTheSameAgain(t *testing.T) {
	defer Disarm()
	line := func() (all string) {
		Arm(7, 0.5, 0.5)
		defer Disarm()
		for i := range 200 {
			all += fmt.Sprint(Now(fmt.Sprint("site ", i%9)), Early("timer", time.Hour), " ")
		}
		return all
	}
	require.Equal(t, line(), line())
}

func TestAShortReadLosesNothing(t *testing.T) {
	defer Disarm()
	Arm(1, 1, 0.5)
	text := strings.Repeat("0123456789", 500)
	got, err := io.ReadAll(Reader("short", strings.NewReader(text)))
	require.NoError(t, err)
	require.Equal(t, text, string(got))
	require.Positive(t, Counts()["short"].Fired)
}

func TestADelayEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer Disarm()
		Arm(1, 1, 1)
		began, watched := time.Now(), 0
		Watch(func(site string) {
			require.Equal(t, "late", site)
			watched++
		})
		defer Watch(nil)
		for range 20 {
			Delay("late", time.Minute)
		}
		require.Equal(t, 20, watched)
		require.Greater(t, time.Since(began), time.Minute)
		require.Less(t, time.Since(began), 20*time.Minute)
		require.Less(t, Early("early", time.Hour), time.Hour)
	})
}
