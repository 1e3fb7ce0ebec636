package figures

import "slices"

// Row is one line of the table: a figure of ours, run by run, and where it has
// one its baseline in the same run.
type Row struct {
	Suite  string    `json:"suite"`            // journal
	Name   string    `json:"name"`             // durable transitions, 128 busy subscribers
	Unit   string    `json:"unit"`             // transitions/s, ns, ms, B, allocs
	Ours   []float64 `json:"ours"`             // a value for each run, in the order they were measured
	Beside string    `json:"beside,omitempty"` // what the baseline is; empty if the budget is absolute
	Base   []float64 `json:"base,omitempty"`   // the baseline's value in the same run, as many as Ours; nil without
	Budget *Budget   `json:"budget,omitempty"` // nil: told, not judged
	Note   string    `json:"note,omitempty"`   // what a reader must know: counts, what was not possible
	Point  *Point    `json:"point,omitempty"`  // where it stands in a plot; nil: in none
	Exact  bool      `json:"exact,omitempty"`  // counted and not timed: no noise is in it
	Gate   bool      `json:"gate,omitempty"`   // its ratio is held against the kept one, though it has no budget
}

// Budget is a row of the design's budgets: of the ratio Ours/Base where there
// is a baseline, else of Ours itself.
type Budget struct {
	AtLeast bool    `json:"at_least"` // else at most
	Limit   float64 `json:"limit"`
	Aim     float64 `json:"aim,omitempty"` // 0: none
}

// Point is the place of a row in a plot. The rows of one Plot and Line are
// joined in the order of X; Y is the row's value.
type Point struct {
	Plot string  `json:"plot"` // title of the plot, which has one unit
	Line string  `json:"line"`
	Axis string  `json:"axis"` // what X is
	X    float64 `json:"x"`
	Log  bool    `json:"log,omitempty"` // X grows by factors
}

// Ratios is Ours over Base, run by run; nil without a baseline. A run whose
// baseline found nothing is left out.
func (r *Row) Ratios() []float64 {
	var of []float64
	for i, v := range r.Ours {
		if i < len(r.Base) && r.Base[i] != 0 {
			of = append(of, v/r.Base[i])
		}
	}
	return of
}

// Judged is what the budget is about: the ratios, or the values themselves.
func (r *Row) Judged() []float64 {
	if r.Beside != "" || len(r.Base) > 0 {
		return r.Ratios()
	}
	return slices.Clone(r.Ours)
}

// Met reports whether the median is within the budget. judged is false where
// there is no budget or nothing was measured.
func (r *Row) Met() (met, judged bool) {
	values := r.Judged()
	if r.Budget == nil || len(values) == 0 {
		return false, false
	}
	return r.Budget.allows(r.Budget.Limit, Of(values).Median), true
}

// Aimed reports whether the median reaches what the budget aims at.
func (r *Row) Aimed() bool {
	values := r.Judged()
	return r.Budget != nil && r.Budget.Aim != 0 && len(values) > 0 && r.Budget.allows(r.Budget.Aim, Of(values).Median)
}

func (b *Budget) allows(bound, v float64) bool {
	if b.AtLeast {
		return v >= bound
	}
	return v <= bound
}
