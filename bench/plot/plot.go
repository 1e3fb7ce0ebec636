// Package plot draws figures as SVG: panels of lines that can be read on a light
// and on a dark page, with nothing but text and paths in them.
package plot

import (
	"fmt"
	"html"
	"strings"
)

// Plot is a page of panels, two beside each other.
type Plot struct {
	Title  string
	Panels []Panel
}

// Panel has one unit and one axis below.
type Panel struct {
	Name  string // with the unit
	X     string // what the axis below is
	Log   bool   // the axis below grows by factors
	Lines []Line
}

// Line joins its points in their order.
type Line struct {
	Name   string // empty: needs none
	Dashed bool
	Points []Point
}

// Point may have a spread, which is drawn where High is above Low.
type Point struct{ X, Y, Low, High float64 }

const (
	panelWidth  = 350.0
	panelHeight = 160.0
	left, top   = 60.0, 64.0
	across      = panelWidth + 70
	down        = panelHeight + 72
)

// colors are told apart on both pages, and by those who see few colors.
var colors = []string{"#4f8cc9", "#d9822b", "#4fa37a", "#b65fa6", "#8f8f8f", "#c5a02c"}

// SVG is the drawing.
func (p Plot) SVG() string {
	columns := min(max(len(p.Panels), 1), 2)
	rows := (len(p.Panels) + 1) / 2
	width, height := int(left+float64(columns)*across-40), int(top+float64(rows)*down-8)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="system-ui, sans-serif" font-size="12">
<title>%s</title>
<style>
svg { color: #24292f; background: #ffffff }
@media (prefers-color-scheme: dark) { svg { color: #e6edf3; background: #0d1117 } }
text { fill: currentColor }
.axis { stroke: currentColor; stroke-opacity: 0.5; fill: none }
.grid { stroke: currentColor; stroke-opacity: 0.15; fill: none }
.line { stroke-width: 1.5; fill: none; stroke-linejoin: round }
.spread { stroke-width: 1; stroke-opacity: 0.6; fill: none }
</style>
<rect width="100%%" height="100%%" fill="none"/>
<text x="%.0f" y="24" font-size="14">%s</text>
`, width, height, width, height, html.EscapeString(p.Title), left, html.EscapeString(p.Title))
	for i := range p.Panels {
		p.Panels[i].draw(&b, left+float64(i%2)*across, top+float64(i/2)*down)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// draw draws a panel; x and y are its upper left corner.
func (p *Panel) draw(b *strings.Builder, x, y float64) {
	fmt.Fprintf(b, "<text x=\"%.0f\" y=\"%.0f\" font-weight=\"600\">%s</text>\n", x, y-10, html.EscapeString(p.Name))
	over, up := p.axis(), p.most()
	for k := range 5 {
		part := float64(k) / 4
		at := y + panelHeight*(1-part)
		fmt.Fprintf(b, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>\n", x, at, x+panelWidth)
		fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", x-6, at+4, Short(up*part))
	}
	for _, v := range over.ticks() {
		fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n", x+panelWidth*over.at(v), y+panelHeight+16, Short(v))
	}
	fmt.Fprintf(b, "<path class=\"axis\" d=\"M%.1f %.1fV%.1fH%.1f\"/>\n", x, y, y+panelHeight, x+panelWidth)
	fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", x+panelWidth, y+panelHeight+32, html.EscapeString(p.X))
	place := func(v, w float64) (float64, float64) {
		return x + panelWidth*over.at(v), y + panelHeight*(1-w/up)
	}
	for i, l := range p.Lines {
		l.draw(b, colors[i%len(colors)], place)
		if l.Name != "" {
			const each = 15
			at := y + 4 + float64(i)*each
			fmt.Fprintf(b, "<path class=\"line\" stroke=\"%s\"%s d=\"M%.1f %.1fh18\"/>\n", colors[i%len(colors)], l.dash(), x+8, at)
			fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n", x+31, at+4, html.EscapeString(l.Name))
		}
	}
}

func (l *Line) dash() string {
	if l.Dashed {
		return ` stroke-dasharray="5 3"`
	}
	return ""
}

// maxPoints of one line; more are not seen.
const maxPoints = 600

func (l *Line) draw(b *strings.Builder, color string, place func(x, y float64) (float64, float64)) {
	each := max(1, len(l.Points)/maxPoints)
	fmt.Fprintf(b, `<path class="line" stroke="%s"%s d="`, color, l.dash())
	for n := 0; n < len(l.Points); n += each {
		move := "L"
		if n == 0 {
			move = "M"
		}
		x, y := place(l.Points[n].X, l.Points[n].Y)
		fmt.Fprintf(b, "%s%.1f %.1f", move, x, y)
	}
	b.WriteString("\"/>\n")
	for _, p := range l.Points {
		if p.High > p.Low {
			x, low := place(p.X, p.Low)
			_, high := place(p.X, p.High)
			fmt.Fprintf(b, "<path class=\"spread\" stroke=\"%s\" d=\"M%.1f %.1fV%.1f\"/>\n", color, x, low, high)
		}
	}
}
