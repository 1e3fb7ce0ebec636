package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"

	"offhook/bench/child"
	"offhook/bench/figures"
)

// posting is how many connections a platform POSTs events on.
const posting = 128

// contact measures events that are POSTed: offhook and the least that could do
// it take turns.
func (s *Suite) contact(ctx context.Context, p *figures.Plan, b *bed) ([]figures.Row, error) {
	row := figures.Row{
		Suite: suiteName, Name: "events POSTed to webhooks, sustained", Unit: "events/s", Beside: "a minimal dispatcher",
		Budget: &figures.Budget{AtLeast: true, Limit: 0.6},
		Note:   fmt.Sprintf("%d lines on %d connections; the dispatcher knows nothing of calls", s.Lines, posting),
	}
	err := figures.Turns(p.Runs, func(run int) error {
		rate, err := s.contactRate(ctx, p, b)
		row.Ours = append(row.Ours, rate)
		p.Say("run %d of %d, POSTed: %.0f events/s", run+1, p.Runs, rate)
		return err
	}, func(run int) error {
		rate, err := s.leastRate(ctx, p, b)
		row.Base = append(row.Base, rate)
		p.Say("run %d of %d, POSTed to the minimal dispatcher: %.0f events/s", run+1, p.Runs, rate)
		return err
	})
	return []figures.Row{row}, err
}

// connections is as many as there are lines for.
func (s *Suite) connections() int { return min(posting, s.Lines) }

func (s *Suite) contactRate(ctx context.Context, p *figures.Plan, b *bed) (rate float64, err error) {
	r, err := b.begin(ctx, setting{lines: s.Lines, contact: true, stories: true})
	if err != nil {
		return 0, err
	}
	defer func() {
		_, endErr := r.end(ctx)
		err = errors.Join(err, endErr)
	}()
	to, err := child.Ask[string](ctx, b.platform, "Contact", 0)
	if err != nil {
		return 0, err
	}
	_, err = s.during(ctx, r.node, "contact", p.Round, func() (err error) {
		rate, err = s.rushTo(ctx, p, b, to)
		return err
	})
	return rate, err
}

// rushTo POSTs for a while to warm up, and then to be measured.
func (s *Suite) rushTo(ctx context.Context, p *figures.Plan, b *bed, to string) (float64, error) {
	r := round{bed: b, lines: s.Lines}
	for _, length := range []Rush{{s.connections(), p.Round / 4, to}, {s.connections(), p.Round, to}} {
		rushed, err := child.Ask[Rushed](ctx, b.platform, "Rush", length)
		if err != nil {
			return 0, err
		}
		page, err := r.catchUp(ctx)
		if err != nil {
			return 0, err
		}
		if length.Length == p.Round {
			return perSecond(&page, rushed), nil
		}
	}
	return 0, nil
}

// benchSecret signs what the minimal dispatcher sends.
const benchSecret = "whsec_b2ZmaG9vayBiZW5jaCBzZWNyZXQsIDMyIGJ5dGVzIQ==" // #nosec G101 -- for benchmarks only

func (s *Suite) leastRate(ctx context.Context, p *figures.Plan, b *bed) (rate float64, err error) {
	dir, err := os.MkdirTemp(b.dir, "dispatcher-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d, err := child.Start("dispatcher", b.stderr)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.End()) }()
	if _, err := child.Ask[string](ctx, b.platform, "Begin", s.Lines); err != nil {
		return 0, err
	}
	if _, err := child.Ask[int](ctx, b.receiver, "Open", Opening{Secret: benchSecret, Lines: s.Lines}); err != nil {
		return 0, err
	}
	to, err := child.Ask[string](ctx, d, "Begin", Dispatching{Dir: dir, Receiver: b.hooks, Secret: benchSecret, Lines: s.Lines})
	if err != nil {
		return 0, err
	}
	return s.rushTo(ctx, p, b, to)
}
