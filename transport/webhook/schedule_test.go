package webhook

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTheScheduleIsThatOfTheContract(t *testing.T) {
	// An event that fails at once each time, with the longest and the shortest jitter.
	for _, random := range []uint64{0, 1<<63 - 1} {
		var age time.Duration
		for i, want := range []time.Duration{1, 2, 5, 15, 30, 60, 120, 300, 300, 300} {
			d := delay(age, 0, 0, random%uint64(want*time.Second/2+1))
			require.LessOrEqual(t, d, want*time.Second, "wait %d", i)
			require.GreaterOrEqual(t, d, want*time.Second/2, "wait %d", i)
			age += d
		}
	}
}

func TestTheScheduleHoldsForAnyAge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		age := time.Duration(rapid.Int64Range(-int64(time.Hour), int64(1000*time.Hour)).Draw(t, "age"))
		failures := rapid.IntRange(0, 1_000_000).Draw(t, "failures")
		asked := time.Duration(rapid.Int64Range(0, int64(100*time.Hour)).Draw(t, "asked"))
		random := rapid.Uint64().Draw(t, "random")
		d := delay(age, failures, asked, random)
		step := steps[max(stepAt(age), min(failures-1, len(steps)-1))]
		if asked > 0 {
			if d < step || d > maxRetryAfter || (asked >= step && asked <= maxRetryAfter && d != asked) {
				t.Fatalf("asked for %v after %v: %v", asked, step, d)
			}
		} else if d < step/2 || d > step {
			t.Fatalf("%v is not within [%v, %v]", d, step/2, step)
		}
		if stepAt(age) < stepAt(age-time.Second) {
			t.Fatal("an older event is retried sooner")
		}
	})
}

func TestJitterUsesTheWholeRange(t *testing.T) {
	least, most := time.Hour, time.Duration(0)
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		d := delay(time.Hour, 0, 0, random.Uint64())
		least, most = min(least, d), max(most, d)
	}
	require.Less(t, least, 155*time.Second)
	require.Greater(t, most, 295*time.Second)
}

func TestAClockThatJumpedBackDoesNotHammer(t *testing.T) {
	require.GreaterOrEqual(t, delay(-time.Hour, 9, 0, 0), 150*time.Second)
}

func TestExhaustion(t *testing.T) {
	require.False(t, exhausted(72*time.Hour-1, 1000))
	require.True(t, exhausted(72*time.Hour, 3))
	require.False(t, exhausted(100*time.Hour, 1), "after a long stop of our own one failure parks nothing")
}
