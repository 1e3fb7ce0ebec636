package pacer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestItIsNeverEarly(t *testing.T) {
	timer, err := New()
	require.NoError(t, err)
	defer func() { require.NoError(t, timer.Close()) }()
	for range 20 {
		due := time.Now().Add(500 * time.Microsecond)
		require.NoError(t, timer.Until(due))
		require.False(t, time.Now().Before(due))
	}
	require.NoError(t, timer.Until(time.Now().Add(-time.Hour)), "what has passed is not waited for")
}
