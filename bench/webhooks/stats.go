package main

import (
	"errors"
	"math"
	"runtime"
	"slices"
)

const ms = 1e6 // ns

// quantile is the smallest value that a share q of them do not exceed. It
// sorts what it is given.
func quantile(values []int64, q float64) float64 {
	slices.Sort(values)
	at := int(math.Ceil(q*float64(len(values)))) - 1
	return float64(values[min(max(at, 0), len(values)-1)])
}

// Spread is what several runs found.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func spread(values []float64) Spread {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	if n == 0 {
		return Spread{}
	}
	return Spread{Median: (v[(n-1)/2] + v[n/2]) / 2, Min: v[0], Max: v[n-1]}
}

// rest clears up before a measurement, so that it does not pay for what came
// before.
func rest() { runtime.GC() }

// closed adds an error of closing to the one that matters more.
func closed(err, closing error) error {
	if err != nil {
		return err
	}
	return errors.Join(closing)
}
