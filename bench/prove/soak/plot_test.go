package soak

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// panels are the figures that are drawn.
var panels = []int{goroutines, descriptors, heap, disk}

const (
	plotWidth, plotHeight = 860, 520
	panelWidth            = 350.0
	panelHeight           = 160.0
)

// plot draws the figures over the calls: an SVG that can be read on a light and
// on a dark page.
func plot(title string, samples []sample) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="system-ui, sans-serif" font-size="12">
<title>%s</title>
<style>
svg { color: #24292f; background: #ffffff }
@media (prefers-color-scheme: dark) { svg { color: #e6edf3; background: #0d1117 } }
text { fill: currentColor }
.axis { stroke: currentColor; stroke-opacity: 0.5; fill: none }
.grid { stroke: currentColor; stroke-opacity: 0.15; fill: none }
.line { stroke: #4f8cc9; stroke-width: 1.5; fill: none; stroke-linejoin: round }
</style>
<rect width="100%%" height="100%%" fill="none"/>
<text x="60" y="24" font-size="14">%s</text>
`, plotWidth, plotHeight, plotWidth, plotHeight, html.EscapeString(title), html.EscapeString(title))
	for i, f := range panels {
		panel(&b, figures[f], f, samples, 60+float64(i%2)*(panelWidth+70), 64+float64(i/2)*(panelHeight+72))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// panel draws one figure with its axes; x and y are its upper left corner.
func panel(b *strings.Builder, f figure, i int, samples []sample, x, y float64) {
	most, calls := 0.0, 1.0
	for _, s := range samples {
		most, calls = max(most, s.use[i]), max(calls, s.calls)
	}
	most, calls = round(most), round(calls)
	name := f.name
	if f.unit != "" {
		name += ", " + f.unit
	}
	fmt.Fprintf(b, "<text x=\"%.0f\" y=\"%.0f\" font-weight=\"600\">%s</text>\n", x, y-10, name)
	for k := range 5 {
		part := float64(k) / 4
		at := y + panelHeight*(1-part)
		fmt.Fprintf(b, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>\n", x, at, x+panelWidth)
		fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", x-6, at+4, short(most*part))
		fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n", x+panelWidth*part, y+panelHeight+16, short(calls*part))
	}
	fmt.Fprintf(b, "<path class=\"axis\" d=\"M%.1f %.1fV%.1fH%.1f\"/>\n", x, y, y+panelHeight, x+panelWidth)
	fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">calls</text>\n", x+panelWidth, y+panelHeight+32)
	b.WriteString(`<path class="line" d="`)
	each := max(1, len(samples)/600)
	for n := 0; n < len(samples); n += each {
		move := "L"
		if n == 0 {
			move = "M"
		}
		fmt.Fprintf(b, "%s%.1f %.1f", move, x+samples[n].calls/calls*panelWidth, y+panelHeight*(1-samples[n].use[i]/most))
	}
	b.WriteString("\"/>\n")
}

// round is the next number above that is easy to divide by four.
func round(v float64) float64 {
	unit := 1.0
	for ; unit*10 < v; unit *= 10 {
	}
	for _, k := range []float64{1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10} {
		if unit*k >= v {
			return unit * k
		}
	}
	return unit * 10
}

func short(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%gM", v/1e6)
	case v >= 10_000:
		return fmt.Sprintf("%gk", v/1000)
	}
	return fmt.Sprintf("%g", float64(int(v*100+0.5))/100)
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
	svg := plot("a million calls", samples)
	for _, f := range panels {
		require.Contains(t, svg, figures[f].name)
	}
	require.Equal(t, len(panels), strings.Count(svg, `class="line"`))
	require.Equal(t, len(panels), strings.Count(svg, ">1M</text>"), "each has its calls to the end")
	require.Less(t, len(svg), 100_000)
	for _, v := range []float64{1, 3, 47, 999, 1_000_000} {
		require.GreaterOrEqual(t, round(v), v)
		require.Less(t, round(v), v*1.7)
	}
	require.True(t, slices.Contains([]string{"1M", "1.2M"}, short(round(999_500))))
}
