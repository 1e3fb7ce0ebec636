package peers

import (
	"context"
	"fmt"
	"time"

	"offhook/bench/busy"
	"offhook/bench/figures"
)

// Clients is how many make transitions at the same time, each one after the
// other; PostgreSQL has as many as suit it best.
const Clients = 128

// Kind is a system that may be there.
type Kind struct {
	Name   string // a word, for Plan.Only
	Title  string // what it is called
	About  string // how it is measured, as the table tells it
	Budget figures.Budget
	Open   func(ctx context.Context, p figures.Plan) (Peer, error)
}

// All are the systems that offhook has a budget beside.
func All() []Kind {
	return []Kind{
		{"postgres", "PostgreSQL", "update and outbox in one statement, its best number of clients", figures.Budget{AtLeast: true, Limit: 6, Aim: 10}, PostgreSQL},
		{"redis", "Redis", "appendfsync always, 128 clients that do not pipeline", figures.Budget{AtLeast: true, Limit: 1.5, Aim: 2}, Redis},
		{"nats", "NATS JetStream", "R1, sync always, 128 publishers", figures.Budget{AtLeast: true, Limit: 20, Aim: 30}, NATS},
	}
}

// Peer is a system that runs and has the records of all subscribers.
type Peer interface {
	// About says what is measured: its version, settings, number of clients.
	About() string
	// Round makes transitions for so long, after a warm-up, and returns how many
	// a second were durable. It fails if there are not as many as were
	// acknowledged.
	Round(ctx context.Context, round time.Duration) (perSecond float64, err error)
	// Close ends it and removes what it wrote.
	Close() error
}

// Absent is why a system cannot be measured here, and what would change that.
type Absent string

func (a Absent) Error() string { return "not measured: " + string(a) }

// miscounted is that a system does not hold what it acknowledged.
func miscounted(what string, acknowledged, held int64) error {
	if acknowledged == held {
		return nil
	}
	return fmt.Errorf("%d transitions were acknowledged, and there are %d %s", acknowledged, held, what)
}

// warmUp is how much of a round is left out, before it.
func warmUp(round time.Duration) time.Duration { return busy.WarmUp(round) }
