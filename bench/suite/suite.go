// Package suite is what the bench suite measures, each beside its baseline in
// the same run, against the budgets of docs/benchmarks.md. Every measurement
// checks that the work was done, and fails if it was not; a figure of work that
// was not done would be the best one.
package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"offhook/bench/e2e"
	"offhook/bench/figures"
	"offhook/bench/webhooks"
)

// Suite is a group of measurements.
type Suite struct {
	Name    string
	About   string // what is measured, in a line
	Measure func(ctx context.Context, p figures.Plan) ([]figures.Row, error)
}

// All are the suites, in the order in which they are measured.
func All() []Suite {
	return []Suite{
		{"step", "engine.Step on the transitions of a call", measureStep},
		{"inbox", "an ask of a subscriber's owner, beside a goroutine and a channel", measureInbox},
		{"decode", "BroadWorks events, beside encoding/xml", measureDecode},
		{"body", "webhook bodies and signatures, beside encoding/json and hmac", measureBody},
		{"journal", "durable transitions, beside bare Pebble and bare syncs", measureJournal},
		{"peers", "durable transitions, beside PostgreSQL, Redis and NATS where they are", measurePeers},
		{"lists", "lists of live calls over HTTP, beside bare fasthttp", measureLists},
		{"memory", "memory of subscribers, idle and with a call", measureMemory},
		{"restart", "from a data directory to ready", measureRestart},
		{"growth", "transitions as subscribers, apps and endpoints grow", measureGrowth},
		{"e2e", "event bytes in to webhooks out, and commands, with real processes", e2e.Suite{}.Measure},
		{"isolation", "what a receiver that never answers costs a hundred others", webhooks.Isolation},
	}
}

// Find finds suites by their names; without names it is all of them.
func Find(names []string) ([]Suite, error) {
	all := All()
	if len(names) == 0 {
		return all, nil
	}
	var found []Suite
	for _, name := range names {
		i := slices.IndexFunc(all, func(s Suite) bool { return s.Name == name })
		if i < 0 {
			return nil, noSuch(name, all)
		}
		if !slices.ContainsFunc(found, func(s Suite) bool { return s.Name == name }) {
			found = append(found, all[i])
		}
	}
	return found, nil
}

func noSuch(name string, all []Suite) error {
	var names []string
	best, most := "", 3 // more letters away is not what was meant
	for _, s := range all {
		names = append(names, s.Name)
		if d := distance(strings.ToLower(name), s.Name); d < most || strings.HasPrefix(s.Name, strings.ToLower(name)) && name != "" {
			best, most = s.Name, d
		}
	}
	text := fmt.Sprintf("there is no suite %q; there are %s", name, strings.Join(names, ", "))
	if best != "" {
		text = fmt.Sprintf("there is no suite %q; did you mean %s? There are %s", name, best, strings.Join(names, ", "))
	}
	return errors.New(text)
}

// distance is how many letters differ: Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			swap := before
			if a[i] != b[j] {
				swap++
			}
			before, row[j+1] = row[j+1], min(swap, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// Run measures suites one after the other. What was found before an error is in
// the report all the same.
func Run(ctx context.Context, suites []Suite, p figures.Plan) (*figures.Report, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if p.Dir == "" {
		p.Dir = os.TempDir()
	}
	began := time.Now()
	r := &figures.Report{Runs: p.Runs, Round: p.Round.String(), Quick: p.Quick}
	own, remove, err := scratch(&p)
	if err != nil {
		return nil, err
	}
	defer remove()
	if r.Machine, err = figures.Describe(own); err != nil {
		return nil, err
	}
	for _, s := range suites {
		p.Say("%s: %s", s.Name, s.About)
		var rows []figures.Row
		if rows, err = s.Measure(ctx, p); err != nil {
			err = fmt.Errorf("%s: %w", s.Name, err)
			break
		}
		r.Rows = append(r.Rows, rows...)
	}
	r.Took = time.Since(began).Round(time.Second).String()
	return r, err
}

// scratch makes a directory that is gone when remove was called.
func scratch(p *figures.Plan) (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp(p.Dir, "offhook-bench-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}
