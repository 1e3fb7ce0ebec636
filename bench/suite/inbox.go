package suite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"

	"offhook/bench/busy"
	"offhook/bench/figures"
	"offhook/engine"
)

const (
	inboxCallers     = 64
	inboxSubscribers = 100_000
)

// measureInbox asks the owners of subscribers that chance picks, each of whom
// has a live call and so is in memory. The ask is the least there is: to unlink
// an app that is not linked. It goes the whole way, directory, inbox, a goroutine
// that wakes, a step, effects, reply, and changes nothing. What stands beside it
// changes a number.
func measureInbox(ctx context.Context, p figures.Plan) ([]figures.Row, error) {
	n := p.Many(inboxSubscribers)
	row := figures.Row{
		Suite: "inbox", Name: fmt.Sprintf("ask of an owner, %d callers, %s subscribers", inboxCallers, figures.Grouped(n)), Unit: "ns",
		Beside: "a goroutine and a channel each", Budget: &figures.Budget{Limit: 1.2},
		Note: "time for one ask, all callers together: elapsed / asks. No journal is in it; the subscribers have a live call each",
	}
	change := figures.Row{
		Suite: "inbox", Name: "a transition without a store", Unit: "ns", Beside: row.Beside, Gate: true,
		Note: "an event of the provider, stepped by the engine with its webhook body, through a journal that is done at once and keeps nothing",
	}
	err := figures.Turns(p.Runs, func(run int) error {
		asks, changes, err := askOwners(ctx, &p, n)
		row.Ours, change.Ours = append(row.Ours, asks), append(change.Ours, changes)
		p.Say("inbox, run %d of %d: %.0f ns for an ask, %.0f ns for a transition", run+1, p.Runs, asks, changes)
		return err
	}, func(run int) error {
		v, err := askGoroutines(ctx, &p, n)
		row.Base = append(row.Base, v)
		p.Say("inbox, run %d of %d: %.0f ns for an ask of a goroutine", run+1, p.Runs, v)
		return err
	})
	if err != nil {
		return nil, err
	}
	change.Base = row.Base
	exact, err := inboxCounts(ctx)
	return append([]figures.Row{row, change}, exact...), err
}

// talking is an office without a store whose phones have a live call each.
func talking(ctx context.Context, n int) (o *busy.Office, journal *instant, err error) {
	journal = newInstant()
	o = busy.Without(journal, journal)
	if err := errors.Join(o.Start(ctx), o.Advance(ctx, 0, n, 2, inboxCallers)); err != nil {
		err = errors.Join(err, o.Close())
		journal.close()
		return nil, nil, err
	}
	return o, journal, nil
}

func askOwners(ctx context.Context, p *figures.Plan, n int) (asks, changes float64, err error) {
	o, journal, err := talking(ctx, n)
	if err != nil {
		return 0, 0, err
	}
	defer journal.close()
	defer func() { err = errors.Join(err, o.Close()) }()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = busy.ID(i)
	}
	for _, id := range ids { // each once, so that none meets memory for the first time
		if err := asked(o, id); err != nil {
			return 0, 0, err
		}
	}
	rest()
	asks, err = busy.PerOp(ctx, inboxCallers, p.Round, func(worker int) func() error {
		random := rand.New(rand.NewPCG(uint64(worker), 1)) // #nosec G115 G404 -- a seed
		return func() error { return asked(o, ids[random.IntN(n)]) }
	})
	if err != nil {
		return 0, 0, err
	}
	rest()
	before := journal.events.Load()
	var phones []*busy.Phone
	changes, err = busy.PerOp(ctx, inboxCallers, p.Round, func(worker int) func() error {
		// Each worker has phones of its own, and goes from one to the next.
		own := busy.Phones(n*worker/inboxCallers, n*(worker+1)/inboxCallers)
		for _, phone := range own {
			phone.Steps = 2
		}
		phones = append(phones, own...)
		tell, at := make([]func() error, len(own)), 0
		return func() error {
			at = (at + 1) % len(own)
			if tell[at] == nil {
				tell[at] = o.Tell(own[at])
			}
			return tell[at]()
		}
	})
	if err != nil {
		return 0, 0, err
	}
	happened := int64(0)
	for _, phone := range phones {
		happened += int64(phone.Steps - 2)
	}
	if made := journal.events.Load() - before; made != happened {
		return 0, 0, fmt.Errorf("%d transitions made %d events", happened, made)
	}
	return asks, changes, nil
}

// asked asks again where an inbox is full: where subscribers are few, all callers
// can be waiting for the one whose owner the machine has just put aside.
func asked(o *busy.Office, id string) error {
	for {
		err := o.Directory.Unlink(context.Background(), "nobody", id)
		switch {
		case err == nil:
			return nil
		case err.Code != engine.CodeBusy:
			return err
		}
		runtime.Gosched()
	}
}

// slot is what a permanent goroutine takes from its channel.
type slot struct {
	add   int
	reply chan int
}

// askGoroutines is the baseline: each subscriber is a goroutine for ever, with a
// channel of one slot, and each ask brings a buffered channel for its reply.
func askGoroutines(ctx context.Context, p *figures.Plan, n int) (v float64, err error) {
	inboxes := make([]chan slot, n)
	var wg sync.WaitGroup
	for i := range inboxes {
		in := make(chan slot, 1)
		inboxes[i] = in
		wg.Go(func() {
			sum := 0
			for s := range in {
				sum += s.add
				s.reply <- sum
			}
		})
	}
	defer wg.Wait()
	defer func() {
		for _, in := range inboxes {
			close(in)
		}
	}()
	for _, in := range inboxes {
		s := slot{1, make(chan int, 1)}
		in <- s
		<-s.reply
	}
	rest()
	return busy.PerOp(ctx, inboxCallers, p.Round, func(worker int) func() error {
		random := rand.New(rand.NewPCG(uint64(worker), 1)) // #nosec G115 G404 -- a seed
		return func() error {
			s := slot{1, make(chan int, 1)}
			inboxes[random.IntN(n)] <- s
			if sum := <-s.reply; sum < 1 {
				return fmt.Errorf("a goroutine counted to %d", sum)
			}
			return nil
		}
	})
}

// inboxCounts is what an ask, and a transition, leaves to the collector.
func inboxCounts(ctx context.Context) (rows []figures.Row, err error) {
	o, journal, err := talking(ctx, 1)
	if err != nil {
		return nil, err
	}
	defer journal.close()
	defer func() { err = errors.Join(err, o.Close()) }()
	var failed error
	id := busy.ID(0)
	rows = counts("inbox", "ask of an owner", -1, 1, func() { failed = errors.Join(failed, asked(o, id)) })
	phone := busy.NewPhone(0)
	phone.Steps = 2
	tell := o.Tell(phone)
	for range 3 { // to the end of its call
		failed = errors.Join(failed, tell())
	}
	return append(rows, counts("inbox", "transitions of a call, five", -1, 1, func() {
		for range busy.Steps {
			failed = errors.Join(failed, tell())
		}
	})...), failed
}
