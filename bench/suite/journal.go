package suite

import (
	"context"
	"errors"
	"fmt"
	"os"

	"offhook/bench/busy"
	"offhook/bench/figures"
)

// load are the numbers of subscribers that are busy at the same time.
var load = []int{1, 16, 128, 1024, 8192}

const (
	tapePhones = 64  // whose rows the bare database writes
	hotFlight  = 128 // events of one subscriber under way
	barePebble = "bare Pebble, coalesced commits of the same rows"
)

// journalBench measures in directories of its own: each measurement has a new
// one, so that none pays for the compactions of another.
type journalBench struct {
	p    figures.Plan
	tape *busy.Tape
	dir  string
	rows []figures.Row
}

// measureJournal measures events that are stepped and made durable, through the
// owners of subscribers and the store, beside a bare Pebble that commits the very
// rows that the store writes.
func measureJournal(ctx context.Context, p figures.Plan) ([]figures.Row, error) {
	dir, remove, err := scratch(&p)
	if err != nil {
		return nil, err
	}
	defer remove()
	p.Say("journal: recording the rows that the store writes")
	tape, err := busy.Record(ctx, tapePhones)
	if err != nil {
		return nil, err
	}
	b := &journalBench{p: p, tape: tape, dir: dir}
	if p.Wants("one") {
		err = errors.Join(err, b.one(ctx))
	}
	for _, n := range load {
		if err == nil && (p.Wants("busy") || p.Wants(fmt.Sprint(n))) && p.Room(n) {
			err = b.busy(ctx, n)
		}
	}
	if err == nil && p.Wants("hot") {
		err = b.hot(ctx)
	}
	return b.rows, err
}

func (b *journalBench) note() string {
	rows, size := b.tape.Size()
	return fmt.Sprintf("a transition is %.1f rows, %.0f bytes of keys and values, in both, once each subscriber has had a few calls, which his record remembers; one linked app with a webhook; closed loop, one event of each busy subscriber at a time, each with a goroutine that waits for it, in both", rows, size)
}

// office opens one with so many phones, in a directory of its own.
func (b *journalBench) office(ctx context.Context, phones int) (o *busy.Office, closeAll func() error, err error) {
	dir, err := os.MkdirTemp(b.dir, "office-")
	if err != nil {
		return nil, nil, err
	}
	o, err = busy.Open(busy.Config{Dir: dir})
	if err != nil {
		return nil, nil, err
	}
	closeAll = func() error { return errors.Join(o.Close(), os.RemoveAll(dir)) }
	if err := errors.Join(o.Provision(ctx, 0, phones, 0, busy.Everybody), o.Start(ctx)); err != nil {
		return nil, nil, errors.Join(err, closeAll())
	}
	return o, closeAll, nil
}

// ours measures on an office of its own.
func (b *journalBench) ours(ctx context.Context, phones int, measure func(*busy.Office) (*busy.Result, error)) (r *busy.Result, err error) {
	o, done, err := b.office(ctx, phones)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	rest()
	return measure(o)
}

// bare measures on a bare database of its own.
func (b *journalBench) bare(measure func(*busy.Bare) (*busy.Result, error)) (r *busy.Result, err error) {
	dir, err := os.MkdirTemp(b.dir, "bare-")
	if err != nil {
		return nil, err
	}
	db, err := busy.OpenBare(dir, b.tape)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close(), os.RemoveAll(dir)) }()
	rest()
	return measure(db)
}

// busy has so many subscribers busy at the same time.
func (b *journalBench) busy(ctx context.Context, n int) error {
	name := "subscribers"
	if n == 1 {
		name = "subscriber"
	}
	name = fmt.Sprintf("%s busy %s", figures.Grouped(n), name)
	rate := figures.Row{Suite: "journal", Name: "durable transitions, " + name, Unit: perSecond, Beside: barePebble, Note: b.note()}
	rate.Point = &figures.Point{Plot: "durable transitions", Line: "offhook", Axis: "busy subscribers", X: float64(n), Log: true}
	if n == 128 || n == 1024 {
		rate.Budget = &figures.Budget{AtLeast: true, Limit: 0.85}
	}
	late := figures.Row{Suite: "journal", Name: "event to durable, p99, " + name, Unit: ms, Beside: barePebble}
	late.Point = &figures.Point{Plot: "event to durable, p99", Line: "offhook", Axis: "busy subscribers", X: float64(n), Log: true}
	err := figures.Turns(b.p.Runs, func(run int) error {
		r, err := b.ours(ctx, n, func(o *busy.Office) (*busy.Result, error) { return o.Busy(ctx, busy.Phones(0, n), b.p.Round) })
		if err != nil {
			return err
		}
		rate.Ours, late.Ours = append(rate.Ours, r.Rate()), append(late.Ours, millis(r, 0.99))
		b.p.Say("journal, %s, run %d of %d: %.0f transitions/s", name, run+1, b.p.Runs, r.Rate())
		return nil
	}, func(run int) error {
		r, err := b.bare(func(db *busy.Bare) (*busy.Result, error) { return db.Busy(ctx, n, b.p.Round) })
		if err != nil {
			return err
		}
		rate.Base, late.Base = append(rate.Base, r.Rate()), append(late.Base, millis(r, 0.99))
		b.p.Say("journal, %s, run %d of %d: %.0f transitions/s, bare", name, run+1, b.p.Runs, r.Rate())
		return nil
	})
	b.rows = append(b.rows, rate, late)
	return err
}

// one has one subscriber make one transition at a time.
func (b *journalBench) one(ctx context.Context) error {
	_, size := b.tape.Size()
	p50 := figures.Row{
		Suite: "journal", Name: "one subscriber, one transition at a time, p50", Unit: ms, Beside: "bare synced Pebble commit of the same rows",
		Budget: &figures.Budget{Limit: 1.2}, Note: "from the event to its acknowledgement; the bare commit is made by the goroutine that waits for it",
	}
	floor := figures.Row{
		Suite: "journal", Name: "one subscriber, one transition at a time, p50, beside a sync", Unit: ms, Beside: "bare write and fsync",
		Note: fmt.Sprintf("%.0f bytes appended to a file that grows, each with a sync of its own: no database is durable sooner", size),
	}
	err := figures.Turns(b.p.Runs, func(run int) error {
		r, err := b.ours(ctx, 1, func(o *busy.Office) (*busy.Result, error) { return o.Busy(ctx, busy.Phones(0, 1), b.p.Round) })
		if err == nil {
			p50.Ours = append(p50.Ours, millis(r, 0.5))
		}
		return err
	}, func(run int) error {
		r, err := b.bare(func(db *busy.Bare) (*busy.Result, error) { return db.One(ctx, b.p.Round) })
		if err != nil {
			return err
		}
		p50.Base = append(p50.Base, millis(r, 0.5))
		if r, err = busy.Sync(ctx, b.dir, int(size), b.p.Round); err != nil {
			return err
		}
		floor.Base = append(floor.Base, millis(r, 0.5))
		b.p.Say("journal, one at a time, run %d of %d: bare commit %.3f ms, bare sync %.3f ms", run+1, b.p.Runs, p50.Base[run], floor.Base[run])
		return nil
	})
	floor.Ours = p50.Ours
	b.rows = append(b.rows, p50, floor)
	return err
}

// hot has one subscriber make many transitions at a time.
func (b *journalBench) hot(ctx context.Context) error {
	row := figures.Row{
		Suite: "journal", Name: fmt.Sprintf("one hot subscriber, %d events under way", hotFlight), Unit: perSecond, Beside: barePebble,
		Note: fmt.Sprintf("one owner steps all of them; the bare commits are those of %d subscribers, since rows of one would overwrite each other", hotFlight),
	}
	err := figures.Turns(b.p.Runs, func(run int) error {
		r, err := b.ours(ctx, 1, func(o *busy.Office) (*busy.Result, error) {
			return o.Hot(ctx, busy.NewPhone(0), hotFlight, b.p.Round)
		})
		if err == nil {
			row.Ours = append(row.Ours, r.Rate())
			b.p.Say("journal, one hot subscriber, run %d of %d: %.0f transitions/s", run+1, b.p.Runs, r.Rate())
		}
		return err
	}, func(run int) error {
		r, err := b.bare(func(db *busy.Bare) (*busy.Result, error) { return db.Busy(ctx, hotFlight, b.p.Round) })
		if err == nil {
			row.Base = append(row.Base, r.Rate())
		}
		return err
	})
	b.rows = append(b.rows, row)
	return err
}
