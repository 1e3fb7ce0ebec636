package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"offhook/bench/busy"
	"offhook/bench/figures"
)

const (
	houseSubscribers = 1_000_000
	houseLive        = 100_000 // of them with a live call, where there are any
	houseWoken       = 50_000  // of the idle ones that are woken, and fall asleep again
)

// fill provisions subscribers with the store's own API, a part at a time so that
// progress shows, and makes so many transitions of each.
func fill(ctx context.Context, p *figures.Plan, suite, dir string, from, to, steps int) (err error) {
	o, err := busy.Open(busy.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	const part = 250_000
	for ; from < to; from += part {
		until := min(from+part, to)
		if err := o.Provision(ctx, from, until, steps, busy.Everybody); err != nil {
			return err
		}
		p.Say("%s: %s of %s subscribers are provisioned", suite, figures.Grouped(until), figures.Grouped(to))
	}
	return nil
}

// footprint is what memory is in use after a collection.
type footprint struct{ heap, resident float64 }

func weigh() footprint {
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return footprint{heap: float64(m.HeapAlloc + m.StackInuse), resident: resident()}
}

// resident is what the process has of the machine's memory; 0 where there is no
// /proc.
func resident() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseFloat(fields[1], 64)
	if err != nil {
		return 0
	}
	return pages * float64(os.Getpagesize())
}

// open weighs an office that was opened and started on a directory.
func open(ctx context.Context, dir string, live, woken int) (f footprint, err error) {
	o, err := busy.Open(busy.Config{Dir: dir})
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	if err := o.Start(ctx); err != nil {
		return f, err
	}
	for n := range woken {
		if err := asked(o, busy.ID(n)); err != nil {
			return f, err
		}
	}
	if n := len(o.Directory.Live(busy.App(0))); n != live {
		return f, fmt.Errorf("%d calls are live instead of %d", n, live)
	}
	f = weigh()
	runtime.KeepAlive(o)
	return f, nil
}

// measureMemory weighs an office without subscribers, one with many idle ones,
// and one with live calls besides. The differences are what each of them takes.
func measureMemory(ctx context.Context, p figures.Plan) (rows []figures.Row, err error) {
	dir, remove, err := scratch(&p)
	if err != nil {
		return nil, err
	}
	defer remove()
	idle, live, woken := p.Many(houseSubscribers), p.Many(houseLive), p.Many(houseWoken)
	empty, full, talking := filepath.Join(dir, "empty"), filepath.Join(dir, "full"), filepath.Join(dir, "talking")
	err = errors.Join(fill(ctx, &p, "memory", empty, 0, 0, 0), fill(ctx, &p, "memory", full, 0, idle, 0), fill(ctx, &p, "memory", talking, 0, live, 2))
	if err != nil {
		return nil, err
	}
	row := func(name, unit string, most float64, note string) figures.Row {
		r := figures.Row{Suite: "memory", Name: name, Unit: unit, Note: note}
		if most > 0 {
			r.Budget = &figures.Budget{Limit: most}
		}
		return r
	}
	sleepers := row("a provisioned idle subscriber, heap", "B", 300,
		fmt.Sprintf("%s subscribers, of whom %s were woken and sleep again; after a collection, less what an office without any has", figures.Grouped(idle), figures.Grouped(woken)))
	talkers := row("a subscriber with a live call, heap", "B", 1500, fmt.Sprintf("%s of them, brought back from the store, with nothing to do", figures.Grouped(live)))
	sleepersRSS := row("a provisioned idle subscriber, resident", "B", 0, "the process as the system sees it; the store's cache of blocks, 64 MB at most, is in it")
	talkersRSS := row("a subscriber with a live call, resident", "B", 0, "")
	nothing := weigh()
	fixed, err := open(ctx, empty, 0, 0)
	if err != nil {
		return nil, err
	}
	// What there was before is taken off, and what an office has without anybody.
	one := func(dir string, live, woken, n int) (heap, resident float64, err error) {
		before := weigh()
		f, err := open(ctx, dir, live, woken)
		each := func(now, was, with, without float64) float64 { return (now - was - (with - without)) / float64(n) }
		return each(f.heap, before.heap, fixed.heap, nothing.heap), each(f.resident, before.resident, fixed.resident, nothing.resident), err
	}
	for run := range p.Runs {
		for _, of := range []struct {
			dir            string
			live, woken, n int
			heap, rss      *figures.Row
		}{{full, 0, woken, idle, &sleepers, &sleepersRSS}, {talking, live, 0, live, &talkers, &talkersRSS}} {
			heap, rss, err := one(of.dir, of.live, of.woken, of.n)
			if err != nil {
				return nil, err
			}
			of.heap.Ours = append(of.heap.Ours, heap)
			if fixed.resident > 0 {
				of.rss.Ours = append(of.rss.Ours, rss)
			}
		}
		p.Say("memory, run %d of %d: %.0f B idle, %.0f B with a call", run+1, p.Runs, sleepers.Ours[run], talkers.Ours[run])
	}
	return []figures.Row{sleepers, talkers, sleepersRSS, talkersRSS}, nil
}
