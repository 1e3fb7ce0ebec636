//go:build !maybe

package maybe

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWithoutTheTagNothingEverHappens(t *testing.T) {
	Arm(1, 1, 1)
	r := strings.NewReader("")
	for range 100 {
		require.False(t, Now("here"))
		require.Equal(t, time.Hour, Early("here", time.Hour))
		Delay("here", time.Hour)
	}
	require.Same(t, r, Reader("here", r))
	require.Nil(t, Counts())
	require.False(t, On)
}
