package soak

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/plot"
)

// panels are the figures that are drawn.
var panels = []int{goroutines, descriptors, heap, disk}

// draw draws the figures over the calls.
func draw(title string, samples []sample) string {
	p := plot.Plot{Title: title}
	for _, i := range panels {
		name := figures[i].name
		if figures[i].unit != "" {
			name += ", " + figures[i].unit
		}
		var line plot.Line
		for _, s := range samples {
			line.Points = append(line.Points, plot.Point{X: s.calls, Y: s.use[i]})
		}
		p.Panels = append(p.Panels, plot.Panel{Name: name, X: "calls", Lines: []plot.Line{line}})
	}
	return p.SVG()
}

func TestAPlotHasAnAxisForEachFigure(t *testing.T) {
	var samples []sample
	for i := range 2000 {
		s := sample{calls: float64(i * 500)}
		for k := range s.use {
			s.use[k] = float64(40 + i%7)
		}
		samples = append(samples, s)
	}
	svg := draw("a million calls", samples)
	for _, f := range panels {
		require.Contains(t, svg, figures[f].name)
	}
	require.Equal(t, len(panels), strings.Count(svg, `class="line"`))
	require.Equal(t, len(panels), strings.Count(svg, ">1M</text>"), "each has its calls to the end")
	require.Less(t, len(svg), 100_000)
	require.True(t, slices.Contains([]string{"1M", "1.2M"}, plot.Short(plot.Round(999_500))))
}
