package plot

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// wellFormed fails where a browser would.
func wellFormed(t *testing.T, svg string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); err == io.EOF {
			return
		} else {
			require.NoError(t, err)
		}
	}
}

func TestEachLineIsDrawnAndNamed(t *testing.T) {
	p := Plot{Title: "a < b & c", Panels: []Panel{
		{Name: "rate, transitions/s", X: "busy subscribers", Log: true, Lines: []Line{
			{Name: "offhook", Points: []Point{{1, 4000, 3900, 4100}, {128, 140_000, 0, 0}, {8192, 240_000, 200_000, 250_000}}},
			{Name: "bare", Dashed: true, Points: []Point{{1, 5000, 0, 0}, {128, 150_000, 0, 0}, {8192, 260_000, 0, 0}}},
		}},
		{Name: "nothing yet", X: "calls"},
	}}
	svg := p.SVG()
	wellFormed(t, svg)
	require.Equal(t, 2+2, strings.Count(svg, `class="line"`), "two lines and their keys")
	require.Equal(t, 2, strings.Count(svg, `class="spread"`))
	require.Equal(t, 2, strings.Count(svg, "stroke-dasharray"), "the bare line and its key")
	for _, text := range []string{"offhook", "bare", "busy subscribers", "nothing yet", "a &lt; b &amp; c", ">128</text>", ">8192</text>"} {
		require.Contains(t, svg, text)
	}
}

func TestALongLineIsThinned(t *testing.T) {
	l := Line{}
	for i := range 20_000 {
		l.Points = append(l.Points, Point{X: float64(i), Y: 1})
	}
	svg := Plot{Panels: []Panel{{Lines: []Line{l}}}}.SVG()
	require.Less(t, len(svg), 20_000)
	wellFormed(t, svg)
}

func TestAxesEndWhereTheyCanBeRead(t *testing.T) {
	for _, v := range []float64{0.0004, 0.2, 1, 3, 47, 999, 1_000_000} {
		require.GreaterOrEqual(t, Round(v), v)
		require.Less(t, Round(v), v*1.7)
	}
	require.Equal(t, 1.0, Round(0))
	for v, text := range map[float64]string{0.25: "0.25", 12.345: "12.35", 9999: "9999", 25_000: "25k", 1_200_000: "1.2M", 0: "0"} {
		require.Equal(t, text, Short(v))
	}
}

func TestAxesThatGrowByFactorsAreEven(t *testing.T) {
	p := Panel{Log: true, Lines: []Line{{Points: []Point{{X: 1}, {X: 10}, {X: 100}, {X: 101}}}}}
	a := p.axis()
	require.InDelta(t, 0.5, a.at(10), 0.01)
	require.Equal(t, []float64{1, 10, 100}, a.ticks(), "101 would be written over 100")
}
