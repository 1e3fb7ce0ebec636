package figures

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"strings"
)

// Baseline is what reports are held against later: of each row its ratio to what
// was measured beside it, and of what is counted the count. Times by themselves
// are not kept, since they are the machine's.
type Baseline struct {
	Commit  string           `json:"commit,omitempty"`
	Machine string           `json:"machine"`
	Values  map[string]Value `json:"values"` // by Row.Key
}

// Value is one of them.
type Value struct {
	Median float64 `json:"median"`
	Spread float64 `json:"spread,omitempty"` // standard deviation of a run, as a share of the median
	Runs   int     `json:"runs"`
	More   bool    `json:"more_is_better,omitempty"`
	Exact  bool    `json:"exact,omitempty"` // a count
}

// Key names a row over time.
func (r *Row) Key() string { return r.Suite + ": " + strings.TrimSpace(r.Name) + ", " + r.Unit }

// steady is what of a row can be held against another sitting's: counts, and
// the ratios that are gated or have a budget.
func (r *Row) steady() []float64 {
	switch {
	case r.Exact:
		return r.Ours
	case r.Gate || r.Budget != nil:
		return r.Ratios()
	}
	return nil
}

// more reports whether a larger value is better: where a rate was measured, and
// not a time.
func (r *Row) more() bool {
	if r.Budget != nil {
		return r.Budget.AtLeast
	}
	return strings.HasSuffix(r.Unit, "/s")
}

// Keep makes a baseline of a report.
func (r *Report) Keep() *Baseline {
	m := r.Machine
	b := &Baseline{Commit: m.Commit, Machine: fmt.Sprintf("%d cores, %s, %s, %s", m.Cores, m.Model, m.System, m.Go), Values: map[string]Value{}}
	for i := range r.Rows {
		row := &r.Rows[i]
		if values := row.steady(); len(values) > 0 {
			v := Value{Median: Of(values).Median, Runs: len(values), More: row.more(), Exact: row.Exact}
			if !v.Exact {
				v.Spread = deviation(values, v.Median)
			}
			b.Values[row.Key()] = v
		}
	}
	return b
}

// Renew takes the values of the suites that a newer one has from it, and leaves
// those of others.
func (b *Baseline) Renew(newer *Baseline) {
	has := map[string]bool{}
	for key := range newer.Values {
		has[suiteOf(key)] = true
	}
	for key := range b.Values {
		if has[suiteOf(key)] {
			delete(b.Values, key)
		}
	}
	maps.Copy(b.Values, newer.Values)
	b.Commit, b.Machine = newer.Commit, newer.Machine
}

func suiteOf(key string) string {
	suite, _, _ := strings.Cut(key, ":")
	return suite
}

// ReadBaseline reads one that was written.
func ReadBaseline(r io.Reader) (*Baseline, error) {
	b := &Baseline{}
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	return b, d.Decode(b)
}

// Write writes it in an order that stays, so that a change of it can be read.
func (b *Baseline) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(b)
}
