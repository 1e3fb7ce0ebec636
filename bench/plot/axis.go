package plot

import (
	"fmt"
	"math"
	"slices"
)

// axis places values on the line below a panel: 0 is its begin, 1 its end.
type axis struct {
	low, high float64
	log       bool
	values    []float64 // of the points, sorted, each once
}

func (p *Panel) axis() axis {
	a := axis{log: p.Log}
	for _, l := range p.Lines {
		for _, pt := range l.Points {
			a.values = append(a.values, pt.X)
		}
	}
	slices.Sort(a.values)
	a.values = slices.Compact(a.values)
	if len(a.values) == 0 {
		a.values = []float64{0, 1}
	}
	a.low, a.high = 0, Round(max(a.values[len(a.values)-1], 1))
	if a.log {
		a.low, a.high = a.values[0], a.values[len(a.values)-1]
	}
	return a
}

func (a *axis) at(v float64) float64 {
	if a.high <= a.low {
		return 0
	}
	if a.log {
		return math.Log(v/a.low) / math.Log(a.high/a.low)
	}
	return (v - a.low) / (a.high - a.low)
}

// ticks are the values that are written below: quarters, or where the axis
// grows by factors those that were measured, as far as they do not touch.
func (a *axis) ticks() (ticks []float64) {
	if !a.log {
		for k := range 5 {
			ticks = append(ticks, a.low+(a.high-a.low)*float64(k)/4)
		}
		return ticks
	}
	const apart = 0.1
	last := -1.0
	for _, v := range a.values {
		if at := a.at(v); at-last >= apart {
			ticks, last = append(ticks, v), at
		}
	}
	return ticks
}

// most is the end of the axis beside a panel.
func (p *Panel) most() float64 {
	most := 0.0
	for _, l := range p.Lines {
		for _, pt := range l.Points {
			most = max(most, pt.Y, pt.High)
		}
	}
	return Round(most)
}

// Round is the next number above that is easy to divide by four.
func Round(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, k := range []float64{1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10} {
		if unit*k >= v {
			return unit * k
		}
	}
	return unit * 10
}

// Short writes a number for an axis.
func Short(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.4gM", v/1e6)
	case v >= 10_000:
		return fmt.Sprintf("%.4gk", v/1000)
	case v >= 1:
		return fmt.Sprintf("%.6g", math.Round(v*100)/100)
	}
	return fmt.Sprintf("%.3g", v)
}
