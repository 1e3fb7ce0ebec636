package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"offhook/bench/e2e"
	"offhook/bench/figures"
	"offhook/bench/suite"
)

type benchCmd struct {
	Suite []string      `help:"Suites to run, by name; all of them without. --list names them." placeholder:"NAME"`
	List  bool          `help:"List the suites."`
	Runs  int           `default:"5" help:"Runs of everything; the table has the median, the least and the most."`
	Round time.Duration `default:"1500ms" help:"How long one measurement of one run takes, about."`
	Quick bool          `help:"A look: a tenth of the subscribers and calls where there are many."`
	Rate  []int         `help:"Events a second of open loops, as e2e has them. Those of the budgets without." placeholder:"N"`
	Part  []string      `help:"Parts of a suite; all of them without." placeholder:"NAME"`
	Dir   string        `help:"Where data directories are made: the disk decides much. The system's for temporary files if empty." placeholder:"DIR"`
	JSON  string        `help:"Write all there is to a file, for tools." placeholder:"FILE"`
	Text  string        `help:"Write it for benchstat." placeholder:"FILE"`
	SVG   string        `name:"svg" help:"Draw it, a file for each suite." placeholder:"DIR"`

	Target string `help:"Measure events to webhooks of an offhook that runs on this machine, by the URL of its admin listener; its token is in OFFHOOK_ADMIN_TOKEN. What is made there is removed." placeholder:"URL"`

	CPUProfile string `name:"cpu-profile" help:"Write a CPU profile of all of it, baselines too." placeholder:"FILE"`
	Profiles   string `help:"Write the CPU profiles of the offhook that e2e starts to a directory." placeholder:"DIR"`

	Against string `help:"Hold it against the ratios and counts that --keep wrote to a file; fail if something is worse." placeholder:"FILE"`
	Keep    string `help:"Write its ratios and counts to a file, to hold others against; those of other suites in it stay." placeholder:"FILE"`
}

// Validate is kong's: what is wrong here is the command line.
func (c *benchCmd) Validate() error {
	_, err := suite.Find(c.Suite)
	plan := c.plan()
	return errors.Join(err, plan.Validate())
}

func (c *benchCmd) plan() figures.Plan {
	return figures.Plan{Runs: c.Runs, Round: c.Round, Quick: c.Quick, Only: c.Part, Rates: c.Rate, Dir: c.Dir, Profiles: c.Profiles}
}

func (c *benchCmd) Run(p *program) error {
	if c.List {
		for _, s := range suite.All() {
			fmt.Fprintf(p.stdout, "%-10s %s\n", s.Name, s.About)
		}
		return nil
	}
	suites, err := suite.Find(c.Suite)
	if err != nil {
		return err
	}
	if c.Target != "" {
		s := e2e.Suite{Target: e2e.Target{Admin: c.Target, Token: p.env["OFFHOOK_ADMIN_TOKEN"]}}
		suites = []suite.Suite{{Name: "e2e", Measure: s.Measure}}
	}
	plan := c.plan()
	plan.Progress = func(format string, args ...any) { fmt.Fprintf(p.stderr, format+"\n", args...) }
	return p.untilSignal(newLogger(p.stderr, Log{}), func(ctx context.Context) error {
		report, verdicts, err := c.profiled(ctx, suites, plan)
		if report != nil && len(report.Rows) > 0 {
			err = errors.Join(err, report.Table(p.stdout), c.write(report))
		}
		if err != nil || c.Against == "" {
			return err
		}
		fmt.Fprintln(p.stdout)
		err = figures.Verdicts(p.stdout, verdicts)
		if slices.ContainsFunc(verdicts, func(v figures.Verdict) bool { return !v.Passed() }) {
			err = errors.Join(err, errWorse)
		}
		return err
	})
}

var errWorse = errors.New("bench: something is worse than it was, or too much noise was in it to say so: see the table above")

// profiled takes a profile meanwhile, if one was asked for.
func (c *benchCmd) profiled(ctx context.Context, suites []suite.Suite, plan figures.Plan) (r *figures.Report, list []figures.Verdict, err error) {
	if c.CPUProfile == "" {
		return c.measure(ctx, suites, plan)
	}
	f, err := os.Create(c.CPUProfile)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, nil, err
	}
	defer pprof.StopCPUProfile()
	return c.measure(ctx, suites, plan)
}

// measure measures the suites, and holds them against what was kept.
func (c *benchCmd) measure(ctx context.Context, suites []suite.Suite, plan figures.Plan) (*figures.Report, []figures.Verdict, error) {
	if c.Against != "" {
		f, err := os.Open(c.Against)
		if err != nil {
			return nil, nil, err
		}
		defer f.Close()
		kept, err := figures.ReadBaseline(f)
		if err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", c.Against, err)
		}
		return suite.Check(ctx, kept, suites, plan)
	}
	if c.Keep != "" {
		var err error
		if suites, err = suite.Gated(suites, &plan); err != nil {
			return nil, nil, err
		}
	}
	report, err := suite.Run(ctx, suites, plan)
	return report, nil, err
}

// kept is what is to be kept of a report, with what was kept of suites that it
// has not.
func (c *benchCmd) kept(r *figures.Report) (*figures.Baseline, error) {
	f, err := os.Open(c.Keep)
	if errors.Is(err, os.ErrNotExist) {
		return r.Keep(), nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	kept, err := figures.ReadBaseline(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", c.Keep, err)
	}
	kept.Renew(r.Keep())
	return kept, nil
}

// write writes the files that were asked for.
func (c *benchCmd) write(r *figures.Report) error {
	var errs []error
	file := func(path string, write func(io.Writer) error) {
		if path == "" {
			return
		}
		f, err := os.Create(path) // #nosec G304 -- a file that was asked for
		if err == nil {
			err = errors.Join(write(f), f.Close())
		}
		errs = append(errs, err)
	}
	file(c.JSON, r.JSON)
	if c.Keep != "" {
		kept, err := c.kept(r)
		if errs = append(errs, err); err == nil {
			file(c.Keep, kept.Write)
		}
	}
	file(c.Text, r.Stat)
	if c.SVG != "" {
		errs = append(errs, os.MkdirAll(c.SVG, 0o750))
		for name, drawn := range r.Plots() {
			file(filepath.Join(c.SVG, name+".svg"), func(w io.Writer) error {
				_, err := io.Copy(w, strings.NewReader(drawn.SVG()))
				return err
			})
		}
	}
	return errors.Join(errs...)
}
