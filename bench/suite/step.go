package suite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"offhook/bench/busy"
	"offhook/bench/figures"
	"offhook/engine"
)

const (
	stepCalls = 64 // of one subscriber until the events come again, more than he remembers
	stepLines = 64 // subscribers that make the same transition, one after the other
)

// measureStep steps the events of calls that ring, are answered, held, retrieved
// and released. The events are made before.
func measureStep(ctx context.Context, p figures.Plan) ([]figures.Row, error) {
	b, err := newStepBench()
	if err != nil {
		return nil, err
	}
	took := make([][]float64, busy.Steps)
	// A time of its own says nothing on another machine, so the gate has it beside
	// one of the standard library.
	mean := figures.Row{
		Suite: "step", Name: "engine.Step, mean of the five", Unit: "ns", Beside: "encoding/json of one body", Gate: true,
		Note: "the baseline is there to make times of two machines comparable",
	}
	body, err := newBodyEvent()
	if err != nil {
		return nil, err
	}
	err = figures.Turns(p.Runs, func(run int) error {
		rest()
		var sum [busy.Steps]time.Duration
		n, all := 0, 0.0
		for end := time.Now().Add(p.Round); n == 0 || time.Now().Before(end); n++ {
			if err := errors.Join(b.call(&sum), ctx.Err()); err != nil {
				return err
			}
		}
		for at := range took {
			each := float64(sum[at].Nanoseconds()) / float64(n*stepLines)
			took[at] = append(took[at], each)
			all += each / float64(busy.Steps)
		}
		mean.Ours = append(mean.Ours, all)
		p.Say("step, run %d of %d: %.0f ns, the mean over %d calls", run+1, p.Runs, all, n*stepLines)
		return nil
	}, func(int) error {
		rest()
		ns, err := perOp(ctx, p.Round/2, 100, func() error {
			for range 100 {
				if _, err := json.Marshal(&body.std); err != nil {
					return err
				}
			}
			return nil
		})
		mean.Base = append(mean.Base, ns)
		return err
	})
	if err != nil {
		return nil, err
	}
	var rows []figures.Row
	for at, values := range took {
		rows = append(rows, figures.Row{
			Suite: "step", Name: "engine.Step, " + busy.StepName(at), Unit: "ns", Ours: values, Budget: &figures.Budget{Limit: 150, Aim: 50},
			Note: "one linked app; its body is made by whoever stores it, and measured in the suite body",
		})
	}
	rows = append(rows, mean)
	var none [busy.Steps]time.Duration
	var failed error
	rows = append(rows, counts("step", "engine.Step", 0, stepLines*busy.Steps, func() {
		if err := b.call(&none); err != nil {
			failed = err
		}
	})...)
	return rows, failed
}

type stepBench struct {
	lines [stepLines]struct {
		sub    engine.Subscriber
		out    engine.Effects
		events [stepCalls][busy.Steps]*engine.Event
		event  engine.Event // the one that happens now, and its fact
		fact   [1]engine.Fact
	}
	calls int
	now   int64
	seed  uint64
	read  byte
}

func newStepBench() (*stepBench, error) {
	b := &stepBench{now: time.Now().UnixMilli()}
	for i := range b.lines {
		l := &b.lines[i]
		profile := busy.Profile(i)
		for _, in := range []engine.Input{{Profile: &profile}, {Link: busy.App(0)}} {
			if err := engine.Step(&l.sub, &in, b.now, &l.out); err != nil {
				return nil, err
			}
		}
		phone := busy.NewPhone(i)
		for c := range l.events {
			for at := range l.events[c] {
				l.events[c][at] = phone.Next()
			}
		}
	}
	var warm [busy.Steps]time.Duration
	for range 2 * stepCalls { // what grows once has grown
		if err := b.call(&warm); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// bring has the events at hand, as they are when a decoder has just made them:
// what it takes to get 20,000 old ones out of memory is nothing of a step.
func (b *stepBench) bring(c, at int) {
	for i := range b.lines {
		l := &b.lines[i]
		l.event = *l.events[c][at]
		l.fact[0] = l.event.Facts[0]
		l.event.Facts = l.fact[:]
		for _, text := range []string{l.event.ID, l.fact[0].ProviderID, l.fact[0].TrackingID, l.fact[0].RemoteNumber, l.fact[0].RemoteName} {
			b.read += text[0]
		}
	}
}

// call lets every subscriber have one call, and adds up how long each of its
// transitions takes.
func (b *stepBench) call(took *[busy.Steps]time.Duration) error {
	c := b.calls % stepCalls
	b.calls++
	for at := range busy.Steps {
		b.now += 1000
		b.bring(c, at)
		began := time.Now()
		for i := range b.lines {
			l := &b.lines[i]
			l.out.Reset()
			b.seed++
			in := engine.Input{Event: &l.event, Entropy: [2]uint64{b.seed, b.seed * 0x9e3779b97f4a7c15}}
			if err := engine.Step(&l.sub, &in, b.now, &l.out); err != nil {
				return err
			}
		}
		took[at] += time.Since(began)
		for i := range b.lines {
			if n := len(b.lines[i].out.Emit); n != 1 {
				return fmt.Errorf("%s made %d events", busy.StepName(at), n)
			}
		}
	}
	return nil
}
