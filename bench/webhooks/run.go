package webhooks

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

	"offhook/bench/figures"
)

// bench is one run of everything.
type bench struct {
	plan   plan
	stderr io.Writer // progress, and what the receiver has to say
	began  time.Time
	keeper *keeper
	dir    string
	log    *slog.Logger
	random *rand.Rand
	quiet  *quiet

	bareEvents, drainEvents int // of one round
	rate                    int // of latency and isolation
	report                  *Report
}

// measure does all of a plan. Whatever happens, the receiver's process is over
// and the directories are gone when it returns.
func measure(ctx context.Context, p plan, stderr io.Writer) (r *Report, err error) {
	b := &bench{
		plan: p, stderr: stderr, began: time.Now(), report: newReport(p), random: rand.New(rand.NewPCG(1, 2)),
		log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	}
	if b.dir, err = os.MkdirTemp(p.Dir, "offhook-bench-"); err != nil {
		return nil, err
	}
	defer func() { err = closed(err, os.RemoveAll(b.dir)) }()
	if b.keeper, err = startKeeper(ctx, stderr); err != nil {
		return nil, err
	}
	b.quiet = &quiet{used: b.keeper.used, spare: p.Quiet, pause: 500 * time.Millisecond, tell: b.tell}
	err = b.all(ctx)
	if err = closed(err, b.keeper.End()); err != nil {
		return nil, err
	}
	b.report.Events, b.report.Repeats = b.keeper.events, b.keeper.repeats
	b.report.Quiet = b.quiet.report()
	b.report.Took = time.Since(b.began).Round(time.Second).String()
	return b.report, nil
}

func (b *bench) all(ctx context.Context) (err error) {
	if b.report.Machine, err = figures.Describe(b.dir); err != nil {
		return err
	}
	if err := b.quiet.during(ctx, func() error { return b.size(ctx) }); err != nil {
		return err
	}
	for run := range b.plan.Runs {
		for i, streams := range b.plan.Streams {
			var s sample
			err := b.quiet.during(ctx, func() (err error) { s, err = b.round(ctx, run, streams); return err })
			if err != nil {
				return err
			}
			b.report.measured(i, s)
			b.tell("run %d of %d, %d streams: %.0f events/s, with the journal %.0f (bare client %.0f); p50 %.2f ms, p99 %.2f ms",
				run+1, b.plan.Runs, streams, s.drained, s.through, s.bare, s.p50/ms, s.p99/ms)
		}
	}
	if b.plan.Runs > 0 {
		b.report.streams(b.plan.Streams)
	}
	if b.plan.Pairs == 0 {
		return nil
	}
	is := isolation{endpoints: b.plan.Endpoints, perApp: b.plan.PerApp, pairs: b.plan.Pairs, pace: b.pace(), quiet: b.quiet, tell: b.tell}
	pairs, err := is.run(ctx, b.keeper, making{dir: b.dir, log: b.log})
	if err != nil {
		return fmt.Errorf("isolation: %w", err)
	}
	b.report.isolated(pairs)
	return nil
}

// tell reports progress.
func (b *bench) tell(format string, args ...any) {
	fmt.Fprintf(b.stderr, "%5.0fs  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

func (b *bench) making(streams int) making {
	return making{dir: b.dir, apps: 1, perApp: streams, deaf: -1, log: b.log}
}

func (b *bench) pace() pace {
	return pace{rate: b.rate, length: b.plan.Round, warmUp: b.plan.Round / 8, random: b.random}
}

// size finds how many events fill a round, and the rate of the open loops.
func (b *bench) size(ctx context.Context) error {
	b.bareEvents, b.drainEvents, b.rate = b.plan.Events, b.plan.Events, b.plan.Rate
	if b.plan.Events == 0 || b.plan.Rate == 0 {
		streams := b.plan.Streams[len(b.plan.Streams)/2]
		b.tell("first rounds, to find out how long the others are")
		without, err := bare(ctx, b.keeper, streams, trial)
		if err != nil {
			return err
		}
		with, err := drain(ctx, b.keeper, b.making(streams), trial)
		if err != nil {
			return err
		}
		gentle := pace{rate: 1000, length: time.Second, random: b.random}
		_, _, through, err := live(ctx, b.keeper, b.making(streams), gentle, trial)
		if err != nil {
			return err
		}
		if b.plan.Events == 0 {
			b.bareEvents, b.drainEvents = b.filling(without), b.filling(with)
		}
		if b.plan.Rate == 0 {
			b.rate = min(max(100, int(through*loadShare)/100*100), b.plan.mostRate())
		}
	}
	b.report.Settings.Rate, b.report.Settings.Backlog = b.rate, b.drainEvents
	b.tell("%d runs: a backlog of %d events, %d by the bare client, then %d events/s for %v", b.plan.Runs, b.drainEvents, b.bareEvents, b.rate, b.plan.Round)
	return nil
}

func (b *bench) filling(rate float64) int {
	return min(max(int(rate*b.plan.Round.Seconds())/1000*1000, 1000), maxEvents)
}

// round measures one number of streams: the bare client and the dispatcher
// next to each other, the first in turn, then latency.
func (b *bench) round(ctx context.Context, run, streams int) (s sample, err error) {
	turns := []func() error{
		func() (err error) { s.bare, err = bare(ctx, b.keeper, streams, b.bareEvents); return err },
		func() (err error) {
			s.drained, err = drain(ctx, b.keeper, b.making(streams), b.drainEvents)
			return err
		},
	}
	if run%2 == 1 {
		turns[0], turns[1] = turns[1], turns[0]
	}
	for _, turn := range turns {
		if err := turn(); err != nil {
			return s, fmt.Errorf("%d streams: %w", streams, err)
		}
	}
	took, late, through, err := live(ctx, b.keeper, b.making(streams), b.pace(), b.drainEvents)
	if err != nil {
		return s, fmt.Errorf("%d streams at %d events/s: %w", streams, b.rate, err)
	}
	s.through, s.late = through, float64(figures.Quantile(late, 0.99))
	s.p50, s.p99, s.p999 = float64(figures.Quantile(took, 0.5)), float64(figures.Quantile(took, 0.99)), float64(figures.Quantile(took, 0.999))
	return s, nil
}
