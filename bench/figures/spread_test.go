package figures

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQuantiles(t *testing.T) {
	hundred := make([]int64, 100)
	for i := range hundred {
		hundred[i] = int64(100 - i)
	}
	require.EqualValues(t, 50, Quantile(hundred, 0.5))
	require.EqualValues(t, 99, Quantile(hundred, 0.99))
	require.EqualValues(t, 100, Quantile(hundred, 0.999))
	require.EqualValues(t, 7, Quantile([]int64{7}, 0.99))
}

func TestSpread(t *testing.T) {
	require.Equal(t, Spread{Median: 2, Min: 1, Max: 9}, Of([]float64{9, 1, 2}))
	require.Equal(t, Spread{Median: 2.5, Min: 1, Max: 4}, Of([]float64{4, 1, 2, 3}))
	require.Zero(t, Of(nil))
}

func TestThousandsAreSetApart(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 12345: "12,345", 1000007: "1,000,007"} {
		require.Equal(t, want, Grouped(n))
	}
}
