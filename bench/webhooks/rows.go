package webhooks

import (
	"context"
	"fmt"
	"strings"

	"offhook/bench/figures"
)

// fewestPairs give a median that is worth telling.
const fewestPairs = 10

// Isolation measures what one receiver of a hundred that accepts and never
// answers costs the others, in pairs of rounds.
func Isolation(ctx context.Context, p figures.Plan) ([]figures.Row, error) {
	pairs := plan{Round: p.Round, Streams: []int{100}, Pairs: max(fewestPairs, p.Runs), Endpoints: 100, PerApp: 10, Dir: p.Dir}
	if p.Few > 0 {
		pairs.Pairs, pairs.Endpoints, pairs.PerApp, pairs.Rate, pairs.Events = p.Runs, min(p.Few, 4), 3, 500, 100
	}
	r, err := measure(ctx, pairs, teller(p.Say))
	if err != nil {
		return nil, err
	}
	var rows []figures.Row
	for _, f := range r.Figures {
		row := figures.Row{Suite: "isolation", Name: f.Name, Unit: f.Unit, Ours: f.Values}
		if f.Unit == percent {
			row.Budget = &figures.Budget{Limit: 10}
			row.Note = fmt.Sprintf("%d pairs at %s events/s", pairs.Pairs, figures.Grouped(r.Settings.Rate))
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// teller hands on what is written, line by line.
type teller func(format string, args ...any)

func (t teller) Write(b []byte) (int, error) {
	t("%s", strings.TrimRight(string(b), "\n"))
	return len(b), nil
}
