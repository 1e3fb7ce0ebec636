package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"offhook/bench/busy"
	"offhook/bench/figures"
)

// growthBusy subscribers are busy at a time, whatever grows. How figures change
// with their number is in the journal's suite.
const growthBusy = 128

// measureGrowth measures transitions as what they happen among grows.
func measureGrowth(ctx context.Context, p figures.Plan) (rows []figures.Row, err error) {
	dir, remove, err := scratch(&p)
	if err != nil {
		return nil, err
	}
	defer remove()
	for _, part := range []struct {
		name    string
		measure func(context.Context, *figures.Plan, string) ([]figures.Row, error)
	}{{"subscribers", growSubscribers}, {"apps", growApps}, {"endpoints", growEndpoints}} {
		if !p.Wants(part.name) {
			continue
		}
		more, err := part.measure(ctx, &p, dir)
		rows = append(rows, more...)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return rows, nil
}

// growing is a point of a curve: a rate and its p99.
type growing struct {
	x, what     string // "subscribers", "durable transitions"
	at          int
	rate, late  []float64
	unit, extra string
}

func (g *growing) add(r *busy.Result) {
	g.rate, g.late = append(g.rate, r.Rate()), append(g.late, millis(r, 0.99))
}

func (g *growing) rows() []figures.Row {
	point := func(plot string) *figures.Point {
		return &figures.Point{Plot: plot, Line: "offhook", Axis: g.x, X: float64(g.at), Log: true}
	}
	name := fmt.Sprintf("%s %s", figures.Grouped(g.at), g.x)
	return []figures.Row{
		{Suite: "growth", Name: g.what + ", " + name, Unit: g.unit, Ours: g.rate, Point: point(g.what + " as " + g.x + " grow"), Note: g.extra},
		{Suite: "growth", Name: g.what + ", p99, " + name, Unit: ms, Ours: g.late, Point: point("p99 as " + g.x + " grow")},
	}
}

// rounds measures Runs rounds on one office.
func rounds(ctx context.Context, p *figures.Plan, g *growing, o *busy.Office, workers int, worker func(int) func() error) error {
	for run := range p.Runs {
		rest()
		r, err := busy.Closed(ctx, workers, p.Round, worker)
		if err != nil {
			return err
		}
		g.add(r)
		p.Say("growth, %d %s, run %d of %d: %.0f %s", g.at, g.x, run+1, p.Runs, r.Rate(), g.unit)
	}
	return nil
}

// growSubscribers has calls wander over all subscribers there are: each call is
// somebody else's, who is woken from the store and parked when it ends.
func growSubscribers(ctx context.Context, p *figures.Plan, dir string) (rows []figures.Row, err error) {
	for _, n := range []int{1_000, 10_000, 100_000, 1_000_000} {
		if n > max(p.Many(1_000_000), 1_000) {
			break
		}
		g := &growing{x: "subscribers", what: "durable transitions", at: n, unit: perSecond, extra: fmt.Sprintf("%d calls at a time, each of another subscriber than the one before", growthBusy)}
		if err := inOffice(ctx, dir, busy.Config{}, func(o *busy.Office) error {
			if err := o.Provision(ctx, 0, n, 0, busy.Everybody); err != nil {
				return err
			}
			if err := o.Start(ctx); err != nil {
				return err
			}
			walks := walksOver(o, n, growthBusy)
			if err := rounds(ctx, p, g, o, growthBusy, func(i int) func() error { return walks[i].step }); err != nil {
				return err
			}
			return checkWalks(walks)
		}); err != nil {
			return rows, err
		}
		rows = append(rows, g.rows()...)
	}
	return rows, nil
}

// walk goes from subscriber to subscriber, a call each.
type walk struct {
	o            *busy.Office
	from, to, at int
	phone        *busy.Phone
	tell         func() error
	calls        map[int]int // that each subscriber had
}

// walksOver shares so many subscribers out between walks.
func walksOver(o *busy.Office, subscribers, walks int) []*walk {
	all := make([]*walk, walks)
	for i := range all {
		from, to := subscribers*i/walks, subscribers*(i+1)/walks
		all[i] = &walk{o: o, at: from, from: from, to: to, calls: map[int]int{}}
	}
	return all
}

func (w *walk) step() error {
	if w.phone == nil || w.phone.Steps%busy.Steps == 0 {
		if w.phone != nil {
			w.calls[w.at]++
			if w.at++; w.at == w.to {
				w.at = w.from
			}
		}
		w.phone = busy.NewPhone(w.at)
		w.phone.Steps = w.calls[w.at] * busy.Steps
		w.tell = w.o.Tell(w.phone)
	}
	return w.tell()
}

// checkWalks compares the subscriber whom each is at with what is stored.
func checkWalks(walks []*walk) error {
	for _, w := range walks {
		if w.phone == nil { // the round was over before it had its turn
			continue
		}
		if err := w.o.Check(w.phone); err != nil {
			return err
		}
	}
	return nil
}

// growApps has more and more apps follow each subscriber: each transition makes
// an event for each of them.
func growApps(ctx context.Context, p *figures.Plan, dir string) (rows []figures.Row, err error) {
	for _, n := range []int{1, 2, 4, 8, 16, 32} {
		g := &growing{x: "apps of a subscriber", what: "durable transitions", at: n, unit: perSecond, extra: fmt.Sprintf("%d busy subscribers; a transition makes an event for each app", growthBusy)}
		if err := inOffice(ctx, dir, busy.Config{Apps: n}, func(o *busy.Office) error {
			all := make([]int, n)
			for i := range all {
				all[i] = i
			}
			err := errors.Join(o.Provision(ctx, 0, growthBusy, 0, func(int) []int { return all }), o.Start(ctx))
			if err != nil {
				return err
			}
			phones := busy.Phones(0, growthBusy)
			tells := make([]func() error, growthBusy)
			for i, phone := range phones {
				tells[i] = o.Tell(phone)
			}
			if err := rounds(ctx, p, g, o, growthBusy, func(i int) func() error { return tells[i] }); err != nil {
				return err
			}
			return o.Check(slices.Clone(phones)...)
		}); err != nil {
			return rows, err
		}
		rows = append(rows, g.rows()...)
	}
	return rows, nil
}

// inOffice opens an office in a directory of its own.
func inOffice(ctx context.Context, dir string, c busy.Config, do func(*busy.Office) error) (err error) {
	if c.Dir, err = os.MkdirTemp(dir, "office-"); err != nil {
		return err
	}
	o, err := busy.Open(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close(), os.RemoveAll(c.Dir)) }()
	return errors.Join(do(o), ctx.Err())
}
