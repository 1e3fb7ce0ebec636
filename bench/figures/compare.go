package figures

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
)

const (
	median = 1.2533 // how much wider a median of runs scatters than their mean

	trimmed = 1.5 // a normal spread over that of its inner four fifths

	sure  = 3    // standard errors that are more than noise
	least = 0.05 // a change for the worse that is never worth an alarm
	most  = 0.10 // a margin beyond which nothing is judged: a fifth could hide in it
	round = 0.02 // of a count of bytes, which the runtime rounds now and then
)

// deviation is the standard deviation of one run, as a share of the median. The
// fifth of the runs that lies furthest away is left out, since a few that were
// disturbed would make everything else look like noise; trimmed makes up for it.
func deviation(values []float64, of float64) float64 {
	if of == 0 || len(values) < 2 {
		return 0
	}
	var away []float64
	for _, v := range values {
		away = append(away, (v/of-1)*(v/of-1))
	}
	slices.Sort(away)
	keep := len(away) - len(away)/5
	sum := 0.0
	for _, v := range away[:keep] {
		sum += v
	}
	spread := math.Sqrt(sum / float64(max(keep-1, 1)))
	if keep < len(away) {
		spread *= trimmed
	}
	return spread
}

// Outcome is how a row compares with what was kept.
type Outcome uint8

// The outcomes, the worst last.
const (
	Same    Outcome = iota // within the margin
	Better                 // beyond it, for the better: worth keeping
	Unsure                 // so much noise that a real change could hide in it: more runs are needed
	Missing                // it was kept, and is not in a report of its suite
	Worse                  // beyond the margin
)

func (o Outcome) String() string {
	return [...]string{"same", "better", "UNSURE", "MISSING", "WORSE"}[o]
}

// Verdict is what became of one row.
type Verdict struct {
	Suite, Key string
	Was, Now   float64
	Change     float64 // for the worse, as a share; below 0 for the better
	Margin     float64 // that noise may take
	Outcome    Outcome
}

// Passed reports whether the row is no reason to stop.
func (v *Verdict) Passed() bool { return v.Outcome <= Better }

// Compare holds a report against what was kept, the worst first. Rows of suites
// that were not run are left out.
func (b *Baseline) Compare(r *Report) []Verdict {
	now, ran := map[string]*Row{}, map[string]bool{}
	for i := range r.Rows {
		now[r.Rows[i].Key()] = &r.Rows[i]
		ran[r.Rows[i].Suite] = true
	}
	var list []Verdict
	for key, was := range b.Values {
		suite := suiteOf(key)
		v := Verdict{Suite: suite, Key: key, Was: was.Median, Outcome: Missing}
		if row := now[key]; row != nil && len(row.steady()) > 0 {
			v.judge(was, row)
		}
		if ran[suite] {
			list = append(list, v)
		}
	}
	slices.SortFunc(list, func(a, b Verdict) int {
		return cmp.Or(cmp.Compare(b.Outcome, a.Outcome), cmp.Compare(a.Key, b.Key))
	})
	return list
}

// judge compares medians. The margin is as many standard errors of their
// difference as noise does not reach, the spread being the larger of the two.
func (v *Verdict) judge(was Value, row *Row) {
	values := row.steady()
	v.Now = Of(values).Median
	switch {
	case was.Median != 0:
		v.Change = v.Now/was.Median - 1
	case v.Now != 0:
		v.Change = math.Inf(1)
	}
	if was.More {
		v.Change = -v.Change
	}
	if was.Exact {
		if row.Unit == "B" {
			v.Margin = round
		}
	} else {
		spread := max(was.Spread, deviation(values, v.Now))
		noise := sure * median * spread * math.Sqrt(1/float64(max(was.Runs, 1))+1/float64(len(values)))
		v.Margin = max(noise, least)
	}
	switch {
	case v.Change > v.Margin:
		v.Outcome = Worse
	case v.Margin > most:
		v.Outcome = Unsure
	case v.Change < -v.Margin:
		v.Outcome = Better
	default:
		v.Outcome = Same
	}
}

// Verdicts prints them for people, and how many passed.
func Verdicts(w io.Writer, list []Verdict) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "what\twas\tis\tfor the worse\tmargin\t")
	passed := 0
	for i := range list {
		v := &list[i]
		if v.Passed() {
			passed++
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%+.1f %%\t%.1f %%\t%s\n", v.Key, Text(v.Was), Text(v.Now), 100*v.Change, 100*v.Margin, v.Outcome)
	}
	fmt.Fprintf(t, "\n%d of %d are no worse\n", passed, len(list))
	return t.Flush()
}

// Pool adds the runs of another report of the same suites to r's rows. What is
// counted is taken from the other one.
func (r *Report) Pool(more *Report) {
	at := map[string]int{}
	for i := range r.Rows {
		at[r.Rows[i].Key()] = i
	}
	for i := range more.Rows {
		row := &more.Rows[i]
		have, ok := at[row.Key()]
		switch {
		case !ok:
			r.Rows = append(r.Rows, *row)
		case row.Exact:
			r.Rows[have] = *row
		default:
			r.Rows[have].Ours = append(r.Rows[have].Ours, row.Ours...)
			r.Rows[have].Base = append(r.Rows[have].Base, row.Base...)
		}
	}
}
