package clocktest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSetMovesTheWallAlone(t *testing.T) {
	for _, by := range []time.Duration{0, time.Second, -time.Second, time.Hour, -time.Hour, 10 * 365 * 24 * time.Hour, -10 * 365 * 24 * time.Hour} {
		now := time.Now()
		set := Set(now, by)
		require.Zero(t, set.Sub(now))
		require.Equal(t, now.UnixMilli()+by.Milliseconds(), set.UnixMilli())
		require.Equal(t, time.Minute, set.Add(time.Minute).Sub(now))
	}
}
