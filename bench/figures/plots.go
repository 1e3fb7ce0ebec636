package figures

import (
	"cmp"
	"slices"

	"offhook/bench/plot"
)

// Plots are the drawings of the rows that stand in one: a plot for each suite,
// with a panel for each of its titles.
func (r *Report) Plots() map[string]plot.Plot {
	drawn := map[string]plot.Plot{}
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Point == nil || len(row.Ours) == 0 {
			continue
		}
		p := drawn[row.Suite]
		p.Title = "offhook: " + row.Suite
		panel := panelOf(&p, row)
		join(panel, row.Point.Line, row.Point.X, row.Ours, false)
		if len(row.Base) > 0 {
			join(panel, row.Beside, row.Point.X, row.Base, true)
		}
		drawn[row.Suite] = p
	}
	for _, p := range drawn {
		for i := range p.Panels {
			for _, l := range p.Panels[i].Lines {
				slices.SortStableFunc(l.Points, func(a, b plot.Point) int { return cmp.Compare(a.X, b.X) })
			}
		}
	}
	return drawn
}

func panelOf(p *plot.Plot, row *Row) *plot.Panel {
	name := row.Point.Plot + ", " + row.Unit
	for i := range p.Panels {
		if p.Panels[i].Name == name {
			return &p.Panels[i]
		}
	}
	p.Panels = append(p.Panels, plot.Panel{Name: name, X: row.Point.Axis, Log: row.Point.Log})
	return &p.Panels[len(p.Panels)-1]
}

func join(panel *plot.Panel, line string, x float64, values []float64, dashed bool) {
	s := Of(values)
	pt := plot.Point{X: x, Y: s.Median, Low: s.Min, High: s.Max}
	for i := range panel.Lines {
		if panel.Lines[i].Name == line {
			panel.Lines[i].Points = append(panel.Lines[i].Points, pt)
			return
		}
	}
	panel.Lines = append(panel.Lines, plot.Line{Name: line, Dashed: dashed, Points: []plot.Point{pt}})
}
