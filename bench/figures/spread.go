package figures

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Spread is what several runs found.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// Of is the spread of values; zero without any.
func Of(values []float64) Spread {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	if n == 0 {
		return Spread{}
	}
	return Spread{Median: (v[(n-1)/2] + v[n/2]) / 2, Min: v[0], Max: v[n-1]}
}

// Quantile is the smallest value that a share q of them do not exceed. It
// sorts what it is given, which must not be empty.
func Quantile[T cmp.Ordered](values []T, q float64) T {
	slices.Sort(values)
	at := int(math.Ceil(q*float64(len(values)))) - 1
	return values[min(max(at, 0), len(values)-1)]
}

// Grouped writes 12345 as 12,345.
func Grouped(n int) string {
	if n < 0 {
		return "-" + Grouped(-n)
	}
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return Grouped(n/1000) + fmt.Sprintf(",%03d", n%1000)
}
