package suite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"offhook/bench/busy"
	"offhook/bench/figures"
)

// measureRestart opens a directory until everything is in place.
func measureRestart(ctx context.Context, p figures.Plan) ([]figures.Row, error) {
	dir, remove, err := scratch(&p)
	if err != nil {
		return nil, err
	}
	defer remove()
	all, live := p.Many(houseSubscribers), p.Many(houseLive)
	if err := errors.Join(fill(ctx, &p, "restart", dir, 0, live, 2), fill(ctx, &p, "restart", dir, live, all, 0)); err != nil {
		return nil, err
	}
	row := figures.Row{
		Suite: "restart", Name: fmt.Sprintf("to ready, %s live calls, %s subscribers", figures.Grouped(live), figures.Grouped(all)), Unit: "s",
		Budget: &figures.Budget{Limit: 3},
		Note:   "from opening the directory to every owner of a live call being in place, when listeners open; the system has the files in memory",
	}
	for run := range p.Runs {
		took, err := reopen(ctx, dir, live)
		if err != nil {
			return nil, err
		}
		row.Ours = append(row.Ours, took.Seconds())
		p.Say("restart, run %d of %d: %.2f s", run+1, p.Runs, took.Seconds())
	}
	return []figures.Row{row}, nil
}

func reopen(ctx context.Context, dir string, live int) (took time.Duration, err error) {
	rest()
	began := time.Now()
	o, err := busy.Open(busy.Config{Dir: dir})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	if err := o.Start(ctx); err != nil {
		return 0, err
	}
	took = time.Since(began)
	if n := len(o.Directory.Live(busy.App(0))); n != live {
		return 0, fmt.Errorf("%d calls came back instead of %d", n, live)
	}
	return took, nil
}
