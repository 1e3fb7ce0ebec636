package webhooks

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"offhook/bench/figures"
)

// Report is what a run found.
type Report struct {
	Machine  figures.Machine `json:"machine"`
	Settings Settings        `json:"settings"`
	Figures  []Figure        `json:"figures"`
	Took     string          `json:"took"`
	Events   int             `json:"events"`  // that arrived in all, the bare client's too
	Repeats  int             `json:"repeats"` // that arrived again
	Quiet    Quiet           `json:"quiet"`

	samples [][]sample // by number of streams, then run
}

// Settings are how it was found.
type Settings struct {
	Runs        int    `json:"runs"`
	Round       string `json:"round"`
	Backlog     int    `json:"backlog_events"`
	Rate        int    `json:"rate_events_per_second"` // of the latency and isolation rounds
	Connections int    `json:"connections"`
	Pairs       int    `json:"pairs"`
	Endpoints   int    `json:"endpoints"`
}

// Figure is one line of the table.
type Figure struct {
	Name   string    `json:"name"`
	Unit   string    `json:"unit"`
	Values []float64 `json:"values"` // in the order they were measured
	figures.Spread
	OfBare *figures.Spread `json:"of_bare,omitempty"` // ratio to the bare client's round beside it
}

// sample is what one round of one number of streams found: events a second,
// and ns.
type sample struct{ bare, drained, through, p50, p99, p999, late float64 }

const (
	perSec  = "events/s"
	millis  = "ms"
	percent = "%"
)

func newReport(p plan) *Report {
	return &Report{
		Settings: Settings{
			Runs: p.Runs, Round: p.Round.String(), Connections: connections, Pairs: p.Pairs, Endpoints: p.Endpoints,
		},
		samples: make([][]sample, len(p.Streams)),
	}
}

// measured adds a sample of the number of streams at a place in the plan.
func (r *Report) measured(at int, s sample) { r.samples[at] = append(r.samples[at], s) }

func (r *Report) add(name, unit string, values []float64) *Figure {
	r.Figures = append(r.Figures, Figure{Name: name, Unit: unit, Values: values, Spread: figures.Of(values)})
	return &r.Figures[len(r.Figures)-1]
}

// isolated adds what the pairs found.
func (r *Report) isolated(pairs []pair) {
	var healthy, disturbed, moved []float64
	for _, p := range pairs {
		healthy, disturbed, moved = append(healthy, p.healthy/ms), append(disturbed, p.disturbed/ms), append(moved, 100*p.moved())
	}
	n := r.Settings.Endpoints
	r.add(fmt.Sprintf("p99 of %d receivers, one more is healthy", n-1), millis, healthy)
	r.add(fmt.Sprintf("p99 of %d receivers, one more never answers", n-1), millis, disturbed)
	r.add("  moved, pair by pair", percent, moved)
}

// streams makes the figures of the samples.
func (r *Report) streams(numbers []int) {
	each := func(at int, of func(sample) float64) (values []float64) {
		for _, s := range r.samples[at] {
			values = append(values, of(s))
		}
		return values
	}
	for at, n := range numbers {
		r.add(fmt.Sprintf("bare client, bodies of %s streams", figures.Grouped(n)), perSec, each(at, func(s sample) float64 { return s.bare }))
	}
	besides := func(what string, of func(sample) float64) {
		for at, n := range numbers {
			f := r.add(fmt.Sprintf("%s, %s streams", what, figures.Grouped(n)), perSec, each(at, of))
			ratio := figures.Of(each(at, func(s sample) float64 { return of(s) / s.bare }))
			f.OfBare = &ratio
		}
	}
	besides("delivered from a backlog", func(s sample) float64 { return s.drained })
	besides("journaled and delivered", func(s sample) float64 { return s.through })
	for at, n := range numbers {
		name := fmt.Sprintf("event to receipt, %s streams, ", figures.Grouped(n))
		r.add(name+"p50", millis, each(at, func(s sample) float64 { return s.p50 / ms }))
		r.add(name+"p99", millis, each(at, func(s sample) float64 { return s.p99 / ms }))
		r.add(name+"p99.9", millis, each(at, func(s sample) float64 { return s.p999 / ms }))
	}
	var late []float64
	for at := range numbers {
		late = append(late, each(at, func(s sample) float64 { return s.late / ms })...)
	}
	r.add("  of it ours: submitted late, p99", millis, late)
}

// table prints the report for people.
func (r *Report) table(w io.Writer) error {
	m, s := r.Machine, r.Settings
	fmt.Fprintf(w, "offhook webhooks over loopback: %d cores (%s), %s, %s; a synced write of 4 KiB takes %.2f ms", m.Cores, m.Model, m.System, m.Go, m.Sync/1e3)
	if m.Commit != "" {
		fmt.Fprintf(w, "; commit %s", m.Commit)
	}
	fmt.Fprintf(w, "\n%d runs; backlogs of %s events; latency at %s events/s for %s; %d pairs of rounds for isolation; %s in all\n\n",
		s.Runs, figures.Grouped(s.Backlog), figures.Grouped(s.Rate), s.Round, s.Pairs, r.Took)
	fmt.Fprintf(w, "%s events arrived: none was lost, %s came twice, and each stream of the dispatcher came as 1, 2, 3, ….", figures.Grouped(r.Events), figures.Grouped(r.Repeats))
	if q := r.Quiet; q.Known {
		fmt.Fprintf(w, " Other programs used %.0f %% of the processors meanwhile", 100*q.Others)
		if q.Again > 0 {
			fmt.Fprintf(w, "; %d measurements that they disturbed were made again", q.Again)
		}
		fmt.Fprint(w, ".")
		if q.Disturbed > 0 {
			fmt.Fprintf(w, " %d of %d measurements were disturbed, by up to %.0f %%: do not keep these numbers.", q.Disturbed, q.Kept, 100*q.Most)
		}
	}
	fmt.Fprint(w, "\n\n")
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "figure\tmedian\tmin – max\tof the bare client")
	for _, f := range r.Figures {
		of := "–"
		if f.OfBare != nil {
			of = fmt.Sprintf("%.2f (%.2f – %.2f)", f.OfBare.Median, f.OfBare.Min, f.OfBare.Max)
		}
		fmt.Fprintf(t, "%s\t%s %s\t%s – %s\t%s\n", f.Name, f.text(f.Median), f.Unit, f.text(f.Min), f.text(f.Max), of)
	}
	return t.Flush()
}

// text writes a value as exactly as its unit deserves.
func (f *Figure) text(v float64) string {
	switch f.Unit {
	case perSec:
		return figures.Grouped(int(v))
	case percent:
		return fmt.Sprintf("%+.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func (r *Report) json(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
