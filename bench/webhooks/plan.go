package webhooks

import (
	"errors"
	"time"
)

// plan is what one run of the benchmark does.
type plan struct {
	Runs    int           // of everything but isolation
	Round   time.Duration // how long one measurement takes, about
	Streams []int
	Rate    int // events a second for latency and isolation; zero means a share of what can be journaled and delivered
	Events  int // of one backlog; zero means as many as leave in a Round

	Pairs     int // of rounds for the isolation figure; zero leaves it out
	Endpoints int // of which one is deaf
	PerApp    int // streams of each endpoint

	Quiet time.Duration // that may be spent, in all, on waiting for other programs and measuring again what they disturbed

	Dir string // for the stores; empty means the system's for temporary files
}

const (
	loadShare = 0.3             // of what can be journaled and delivered, for latency and isolation
	trial     = 20_000          // events of the first rounds, which only find the others' size
	maxEvents = 500_000         // of one round
	maxPairs  = 5 * time.Minute // of rounds for the isolation figure, whose stores live all the while
)

// mostRate bounds the events of one round.
func (p *plan) mostRate() int { return int(maxEvents / p.Round.Seconds()) }

// validate keeps a run bounded.
func (p *plan) validate() error {
	for _, rule := range []struct {
		ok   bool
		says string
	}{
		{p.Runs >= 1 && p.Runs <= 100, "--runs is 1 to 100"},
		{p.Round >= 100*time.Millisecond && p.Round <= time.Minute, "--round is 100ms to 1m"},
		{p.Rate >= 0 && p.Rate <= 100_000, "--rate is 0 to 100000 events a second"},
		{p.Rate <= p.mostRate(), "--rate by --round is up to 500000 events"},
		{p.Pairs >= 0 && time.Duration(p.Pairs) <= maxPairs/p.Round, "--pairs is 0 to as many rounds as fit into 5m"},
		{p.Endpoints >= 2 && p.Endpoints <= 1000 && p.PerApp >= 1 && p.PerApp <= 1000, "isolation takes 2 to 1000 endpoints with 1 to 1000 streams each"},
		{p.Quiet >= 0 && p.Quiet <= time.Hour, "--quiet is up to 1h"},
		{p.Events >= 0 && p.Events <= maxEvents, "a backlog has up to 500000 events"},
		{len(p.Streams) >= 1 && len(p.Streams) <= 10, "--streams takes 1 to 10 numbers"},
	} {
		if !rule.ok {
			return errors.New(rule.says)
		}
	}
	for _, n := range p.Streams {
		if n < 1 || n > 100_000 {
			return errors.New("--streams are numbers from 1 to 100000")
		}
	}
	return nil
}
