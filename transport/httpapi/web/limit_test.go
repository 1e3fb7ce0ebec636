package web

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine/clock/clocktest"
)

// Whoever sets the clock neither locks anybody out nor lets anybody in.
func TestSettingTheClockLeavesBucketsAsTheyAre(t *testing.T) {
	for _, by := range []time.Duration{time.Minute, -time.Minute, time.Hour, -time.Hour, 10 * 365 * 24 * time.Hour, -10 * 365 * 24 * time.Hour} {
		l := NewLimiter[string](Rate{PerSecond: 1, Burst: 3}, Rate{})
		now := time.Now()
		take := func(key string) bool { ok, _ := l.Take(key, now); return ok }
		for range 3 {
			require.True(t, take("app"))
		}
		now = clocktest.Set(now, by)
		ok, retry := l.Take("app", now)
		require.False(t, ok, "%s: as empty as before", by)
		require.Equal(t, 1, retry)
		require.True(t, take("another"))
		now = now.Add(time.Second)
		require.True(t, take("app"), "%s: it fills as fast as ever", by)
		require.False(t, take("app"))
		now = clocktest.Set(now, -by).Add(3 * time.Second)
		for range 3 {
			require.True(t, take("app"))
		}
		require.False(t, take("app"))
	}
}
