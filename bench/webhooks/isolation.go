package webhooks

import (
	"context"

	"offhook/bench/figures"
)

// isolation measures what one receiver that accepts and never answers costs
// those of the other apps. Two beds live side by side, one with such a
// receiver and one without, and take turns at the same pace; so the bed with
// it is seen before its breaker opens, while it is open, and with probes.
type isolation struct {
	endpoints, perApp int
	pairs             int
	pace              pace
	quiet             *quiet
	tell              func(format string, args ...any)
}

// pair is the p99 of the other receivers, in ns, without and with the deaf one.
type pair struct{ healthy, disturbed float64 }

// moved is how far the p99 moved, as a fraction.
func (p pair) moved() float64 { return p.disturbed/p.healthy - 1 }

func (is isolation) run(ctx context.Context, k *keeper, m making) (pairs []pair, err error) {
	deaf := is.endpoints - 1
	m.apps, m.perApp, m.deaf = is.endpoints, is.perApp, -1
	healthy, err := newBed(ctx, k, m)
	if err != nil {
		return nil, err
	}
	defer func() { err = closed(err, healthy.close()) }()
	m.deaf = deaf
	disturbed, err := newBed(ctx, k, m)
	if err != nil {
		return nil, err
	}
	defer func() { err = closed(err, disturbed.close()) }()
	healthy.start()
	disturbed.start()

	for i := range is.pairs + 1 { // in the first, connections are opened
		var p pair
		turns := []func() error{
			func() (err error) { p.healthy, err = is.p99(ctx, healthy, deaf); return err },
			func() (err error) { p.disturbed, err = is.p99(ctx, disturbed, deaf); return err },
		}
		if i%2 == 1 {
			turns[0], turns[1] = turns[1], turns[0]
		}
		both := func() error {
			if err := turns[0](); err != nil {
				return err
			}
			return turns[1]()
		}
		if i == 0 {
			if err := both(); err != nil {
				return nil, err
			}
			continue
		}
		if err := is.quiet.during(ctx, both); err != nil {
			return nil, err
		}
		pairs = append(pairs, p)
		is.tell("isolation, pair %d of %d: p99 %.2f ms, with a deaf receiver %.2f ms: %+.1f %%", i, is.pairs, p.healthy/ms, p.disturbed/ms, 100*p.moved())
	}
	if err := healthy.finish(ctx); err != nil {
		return nil, err
	}
	return pairs, disturbed.finish(ctx)
}

func (is isolation) p99(ctx context.Context, b *bed, deaf int) (float64, error) {
	rest()
	took, _, err := b.play(ctx, is.pace, deaf)
	if err != nil {
		return 0, err
	}
	return float64(figures.Quantile(took, 0.99)), nil
}
