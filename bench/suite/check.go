package suite

import (
	"context"
	"slices"

	"offhook/bench/figures"
)

// gated are the suites that are held against what was kept; of the journal the
// parts that have budgets.
var (
	gated      = []string{"step", "inbox", "decode", "body", "journal"}
	gatedParts = []string{"one", "128", "1024"}
)

// again is how often what did not pass is measured once more.
const again = 3

// Check measures what is gated and holds it against what was kept. What does not
// pass is measured again and the runs are pooled: noise averages out, and a
// regression stays. suites are those to measure; none means all that are gated.
func Check(ctx context.Context, kept *figures.Baseline, suites []Suite, p figures.Plan) (*figures.Report, []figures.Verdict, error) {
	suites, err := Gated(suites, &p)
	if err != nil {
		return nil, nil, err
	}
	r, err := Run(ctx, suites, p)
	if err != nil {
		return r, nil, err
	}
	for range again {
		list := kept.Compare(r)
		var doubtful []Suite
		for _, s := range suites {
			at := slices.IndexFunc(list, func(v figures.Verdict) bool { return v.Suite == s.Name && !v.Passed() })
			if at >= 0 {
				doubtful = append(doubtful, s)
				p.Say("%s: %s, %+.1f %% with a margin of %.1f %%: once more", list[at].Key, list[at].Outcome, 100*list[at].Change, 100*list[at].Margin)
			}
		}
		if len(doubtful) == 0 {
			return r, list, nil
		}
		more, err := Run(ctx, doubtful, p)
		if err != nil {
			return r, nil, err
		}
		r.Pool(more)
	}
	return r, kept.Compare(r), nil
}

// Gated are those of suites that are gated, all that are without any, and in p
// the parts of them.
func Gated(suites []Suite, p *figures.Plan) ([]Suite, error) {
	if len(p.Only) == 0 {
		p.Only = gatedParts
	}
	if len(suites) == len(All()) || len(suites) == 0 {
		return Find(gated)
	}
	return suites, nil
}
