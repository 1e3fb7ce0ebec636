package figures

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Report is what a run found, and how.
type Report struct {
	Machine Machine `json:"machine"`
	Runs    int     `json:"runs"`
	Round   string  `json:"round"`
	Quick   bool    `json:"quick,omitempty"`
	Took    string  `json:"took"`
	Rows    []Row   `json:"rows"`
}

// Table prints the report for people: what is judged first, then the rest.
func (r *Report) Table(w io.Writer) error {
	m := r.Machine
	fmt.Fprintf(w, "offhook on %d cores (%s), %s, %s; a synced write of 4 KiB takes %.2f ms", m.Cores, m.Model, m.System, m.Go, m.Sync/1e3)
	if m.Commit != "" {
		fmt.Fprintf(w, "; commit %s", m.Commit)
	}
	fmt.Fprintf(w, "\nmedian (least – most) of %d runs, about %s each; %s in all", r.Runs, r.Round, r.Took)
	if r.Quick {
		fmt.Fprint(w, "; a quick look, with a tenth of what there should be many of")
	}
	fmt.Fprint(w, "\n\n")

	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "what\tours\tbeside\tratio\tbudget\taim\t")
	met, missed := 0, 0
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Budget == nil {
			continue
		}
		verdict := "not measured"
		if ok, judged := row.Met(); judged {
			switch {
			case ok:
				met++
				verdict = "met"
			default:
				missed++
				verdict = "MISSED"
			}
		}
		aim := "–"
		if row.Budget.Aim != 0 {
			aim = row.budgetText(row.Budget.Aim)
			if row.Aimed() {
				aim += " reached"
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", row.title(), row.oursText(), row.besideText(), row.ratioText(), row.budgetText(row.Budget.Limit), aim, verdict)
	}
	if met+missed > 0 {
		fmt.Fprintf(t, "\n%d of %d budgets met\n\n", met, met+missed)
	}
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Budget == nil {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t\t\t\n", row.title(), row.oursText(), row.besideText(), row.ratioText())
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return r.notes(w)
}

// notes prints each note once, with what it is about.
func (r *Report) notes(w io.Writer) error {
	fmt.Fprintln(w)
	told := map[string]bool{}
	for i := range r.Rows {
		row := &r.Rows[i]
		if key := row.Suite + row.Note; row.Note != "" && !told[key] {
			told[key] = true
			fmt.Fprintf(w, "%s: %s\n", row.title(), row.Note)
		}
	}
	return nil
}

func (r *Row) title() string { return r.Suite + ": " + r.Name }

func (r *Row) oursText() string { return valuesText(r.Ours, r.Unit) }

func (r *Row) besideText() string {
	if r.Beside == "" {
		return "–"
	}
	return valuesText(r.Base, r.Unit) + ", " + r.Beside
}

func valuesText(values []float64, unit string) string {
	if len(values) == 0 {
		return "–"
	}
	s := Of(values)
	if s.Min == s.Max {
		return Text(s.Median) + " " + unit
	}
	return fmt.Sprintf("%s %s (%s – %s)", Text(s.Median), unit, Text(s.Min), Text(s.Max))
}

func (r *Row) ratioText() string {
	ratios := r.Ratios()
	if len(ratios) == 0 {
		return "–"
	}
	s := Of(ratios)
	return fmt.Sprintf("%s (%s – %s)", Text(s.Median), Text(s.Min), Text(s.Max))
}

func (r *Row) budgetText(bound float64) string {
	sign := "≤ "
	if r.Budget.AtLeast {
		sign = "≥ "
	}
	if r.Beside == "" {
		return sign + Text(bound) + " " + r.Unit
	}
	return sign + Text(bound) + " ×"
}

// Text writes a value to three figures, and thousands apart.
func Text(v float64) string {
	switch {
	case v >= 1000 || v <= -1000:
		return Grouped(int(v))
	case v >= 100 || v <= -100:
		return fmt.Sprintf("%.0f", v)
	}
	text := fmt.Sprintf("%.3g", v)
	if strings.Contains(text, "e") {
		return fmt.Sprintf("%.5f", v)
	}
	return text
}

// JSON writes all there is, for tools.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
