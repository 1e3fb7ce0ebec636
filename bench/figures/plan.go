package figures

import (
	"errors"
	"slices"
	"time"
)

// Plan is how much is measured, and where.
type Plan struct {
	Runs     int           // of everything; the table has the median, the least and the most
	Round    time.Duration // how long one measurement of one run takes, about
	Dir      string        // where data directories are made: the disk decides much. Empty means the system's for temporary files
	Profiles string        // directory for processor profiles of what runs in a process of its own; empty keeps none
	Quick    bool          // a look: a tenth of the subscribers and calls where there are many, which the notes say
	Few      int           // at most so many subscribers and calls, for tests; zero means as many as there should be
	Rates    []int         // events a second of open loops; empty means those that there are budgets for
	Only     []string      // names of parts of a suite; empty means all of them
	Progress func(format string, args ...any)
}

// Say tells how far long work is.
func (p *Plan) Say(format string, args ...any) {
	if p.Progress != nil {
		p.Progress(format, args...)
	}
}

// Wants reports whether a part of a suite is to be measured.
func (p *Plan) Wants(part string) bool { return len(p.Only) == 0 || slices.Contains(p.Only, part) }

// Many is n, or a tenth of it for a quick look.
func (p *Plan) Many(n int) int {
	if p.Quick {
		n = max(n/10, 1)
	}
	if p.Few > 0 {
		n = min(n, p.Few)
	}
	return n
}

// Room reports whether there may be so many.
func (p *Plan) Room(n int) bool { return p.Few == 0 || n <= p.Few }

// Validate keeps a run bounded.
func (p *Plan) Validate() error {
	if p.Runs < 1 || p.Runs > 100 {
		return errors.New("--runs is 1 to 100")
	}
	if p.Round < time.Millisecond || p.Round > time.Minute {
		return errors.New("--round is 1ms to 1m")
	}
	return nil
}

// Turns calls ours and base once for each run, and has them take turns in going
// first, so that neither always meets the machine as the other one left it.
func Turns(runs int, ours, base func(run int) error) error {
	for run := range runs {
		first, second := ours, base
		if run%2 == 1 {
			first, second = base, ours
		}
		if err := first(run); err != nil {
			return err
		}
		if err := second(run); err != nil {
			return err
		}
	}
	return nil
}
