package e2e

import (
	"context"
	"errors"
	"fmt"
	"time"

	"offhook/bench/child"
	"offhook/bench/figures"
)

// The parts that a plan may want.
const (
	PartChannel  = "channel"  // events over a channel: latency at fixed rates, the highest rate, the profile
	PartContact  = "contact"  // events that are POSTed
	PartCommands = "commands" // of the API
)

const suiteName = "e2e"

// Suite is what is measured. Its zero value measures this program, which then
// is offhook itself.
type Suite struct {
	Program string // the offhook that is started; empty for this program
	Target  Target // measured instead of an offhook of our own, as far as an operator's can be: over the channel
	Lines   int    // that are followed; zero means 1,000

	rates    []int
	profiles string
}

// The rates that there are budgets for.
const (
	gentle = 100
	brisk  = 2000
	// maxRate is more than any offhook on one machine.
	maxRate = 100_000
)

func (s *Suite) fill(p *figures.Plan) {
	if s.rates = p.Rates; len(s.rates) == 0 {
		s.rates = []int{gentle, brisk}
	}
	s.profiles = p.Profiles
	if s.Lines == 0 {
		s.Lines = p.Many(1000)
	}
}

// Measure measures the parts that the plan wants.
func (s Suite) Measure(ctx context.Context, p figures.Plan) (rows []figures.Row, err error) {
	s.fill(&p)
	for _, rate := range s.rates {
		if rate < 1 || rate > maxRate {
			return nil, fmt.Errorf("a rate is 1 to %d events a second", maxRate)
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	b, err := newBed(ctx, s.Program, p.Dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	if b.target = s.Target; b.target.Admin != "" {
		return s.channel(ctx, &p, b)
	}
	for _, part := range []struct {
		name    string
		measure func(context.Context, *figures.Plan, *bed) ([]figures.Row, error)
	}{{PartChannel, s.channel}, {PartContact, s.contact}, {PartCommands, s.commands}} {
		if !p.Wants(part.name) {
			continue
		}
		more, err := part.measure(ctx, &p, b)
		if err != nil {
			return nil, fmt.Errorf("e2e, %s: %w", part.name, err)
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// window is how many events are not acknowledged at a time when it is about the
// highest rate. More would only wait.
const window = 1024

// fewest events make a percentile worth telling.
const fewest = 500

func length(p *figures.Plan, rate int) time.Duration {
	return max(p.Round, fewest*time.Second/time.Duration(rate))
}

// channel measures what comes over a channel. Each run has an offhook of its own.
func (s *Suite) channel(ctx context.Context, p *figures.Plan, b *bed) ([]figures.Row, error) {
	took := make([]latencies, len(s.rates))
	var rates, acks []float64
	var profiles []*profile
	for run := range p.Runs {
		r, err := b.begin(ctx, setting{lines: s.Lines, stories: true})
		if err != nil {
			return nil, err
		}
		err = func() error {
			if _, _, err := r.play(ctx, Pace{Rate: brisk, Length: p.Round / 4, Seed: 1}); err != nil { // connections are opened
				return err
			}
			for i, rate := range s.rates {
				h, late, err := r.play(ctx, Pace{Rate: rate, Length: length(p, rate), Seed: uint64(run)}) // #nosec G115 -- a count
				if err != nil {
					return fmt.Errorf("%d events/s: %w", rate, err)
				}
				took[i].add(h, late)
				p.Say("run %d of %d, %d events/s: p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms; left late by %.2f ms, p99", run+1, p.Runs, rate,
					took[i].last(took[i].p50), took[i].last(took[i].p99), took[i].last(took[i].p999), took[i].last(took[i].late))
			}
			rate, acked, prof, err := s.rush(ctx, r, p.Round)
			if err != nil {
				return err
			}
			rates, acks, profiles = append(rates, rate), append(acks, acked), append(profiles, prof)
			p.Say("run %d of %d, sustained: %.0f events/s; %.1f %% of the processor is garbage collection", run+1, p.Runs, rate, prof.collecting())
			return nil
		}()
		t, endErr := r.end(ctx)
		if err := errors.Join(err, endErr); err != nil {
			return nil, err
		}
		p.Say("run %d of %d: %d events acknowledged by %d requests, %d of them again", run+1, p.Runs, t.Acked, t.Requests, t.Repeats)
	}
	var rows []figures.Row
	for i, rate := range s.rates {
		rows = append(rows, took[i].rows(rate)...)
	}
	return append(append(rows,
		figures.Row{
			Suite: suiteName, Name: "events to webhooks, sustained", Unit: "events/s", Ours: rates, Budget: &figures.Budget{AtLeast: true, Limit: 10_000},
			Note: fmt.Sprintf("%d lines; in order, every event acknowledged, platform and receiver on the same cores", s.Lines),
		},
		figures.Row{Suite: suiteName, Name: "  of them acknowledged", Unit: "events/s", Ours: acks},
	), profileRows(profiles)...), nil
}

// play plays a pace, and waits until everything arrived.
func (r *round) play(ctx context.Context, pace Pace) (took *histogram, late float64, err error) {
	played, err := child.Ask[Played](ctx, r.platform, "Play", pace)
	if err != nil {
		return nil, 0, err
	}
	page, err := r.catchUp(ctx)
	if err != nil {
		return nil, 0, err
	}
	due := make(map[Due]int64, len(played.Due))
	for _, d := range played.Due {
		due[Due{Line: d.Line, Step: d.Step}] = d.At
	}
	took = newHistogram()
	from := played.Due[0].At + int64(pace.Length/10)
	for _, a := range page.Arrivals {
		at, ok := due[Due{Line: a.Line, Step: a.Sequence}]
		if !ok {
			return nil, 0, fmt.Errorf("%w: number %d of line %d", errWrong, a.Sequence, a.Line)
		}
		if at >= from {
			took.record(a.At - at)
		}
	}
	return took, float64(figures.Quantile(played.Late, 0.99)) / 1e6, nil
}

// catchUp waits until everything told so far has arrived, and checks it.
func (r *round) catchUp(ctx context.Context) (Page, error) {
	t, err := child.Ask[Tally](ctx, r.platform, "Count", 0)
	if err != nil {
		return Page{}, err
	}
	events := 0
	for _, steps := range t.Steps {
		events += steps
	}
	page, err := r.await(ctx, events)
	if err != nil {
		return page, err
	}
	return page, t.whole(&page)
}

// rush measures the highest rate: from the first event on the wire to the last
// webhook. A profile of offhook is taken meanwhile.
func (s *Suite) rush(ctx context.Context, r *round, length time.Duration) (rate, acked float64, prof *profile, err error) {
	var rushed Rushed
	prof, err = s.during(ctx, r.node, "channel", length, func() (err error) {
		rushed, err = child.Ask[Rushed](ctx, r.platform, "Rush", Rush{Window: window, Length: length})
		return err
	})
	if err != nil {
		return 0, 0, nil, err
	}
	page, err := r.catchUp(ctx)
	if err != nil {
		return 0, 0, nil, err
	}
	if len(page.Arrivals) != rushed.Events {
		return 0, 0, nil, fmt.Errorf("%w: %d of %d came", errLoss, len(page.Arrivals), rushed.Events)
	}
	return perSecond(&page, rushed), float64(rushed.Events) / length.Seconds(), prof, nil
}

// perSecond is the rate from the beginning to the last arrival.
func perSecond(p *Page, r Rushed) float64 {
	last := p.Arrivals[len(p.Arrivals)-1].At
	return float64(r.Events) / time.Duration(last-r.Began).Seconds()
}
