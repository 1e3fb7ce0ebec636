package webhooks

import (
	"context"
	"errors"
	"fmt"
	"io"

	"offhook/bench/child"
)

// ledgersRole is the process that takes webhooks and keeps books on them.
const ledgersRole = "ledgers"

// Roles are the processes that this program starts itself again for.
var Roles = child.Roles{ledgersRole: newLedgers}

// keeper is the receiver's process, seen from here.
type keeper struct {
	*child.Process
	addr Addresses

	events, repeats int // of all books, as far as they were read
}

func startKeeper(ctx context.Context, stderr io.Writer) (*keeper, error) {
	p, err := child.Start(ledgersRole, stderr)
	if err != nil {
		return nil, err
	}
	k := &keeper{Process: p}
	if k.addr, err = child.Ask[Addresses](ctx, p, "Where", 0); err != nil {
		return nil, errors.Join(err, p.End())
	}
	return k, nil
}

// used is the processor time of the machine, of this process and of the child.
func (k *keeper) used(ctx context.Context) (usage, error) {
	its, err := child.Ask[float64](ctx, k.Process, "Used", 0)
	u := used()
	u.ours += its
	return u, err
}

// ledger is books that the receiver keeps for us.
type ledger struct {
	k  *keeper
	id int

	events, repeats int // when it was read last
}

func (k *keeper) open(ctx context.Context, streams int, ordered bool) (*ledger, error) {
	id, err := child.Ask[int](ctx, k.Process, "Open", Opening{streams, ordered})
	return &ledger{k: k, id: id}, err
}

// url is where events for these books go.
func (l *ledger) url() string { return fmt.Sprintf("http://%s/%d", l.k.addr.Hooks, l.id) }

// wait waits for that many events in all.
func (l *ledger) wait(ctx context.Context, events int) error {
	came, err := child.Ask[bool](ctx, l.k.Process, "Wait", Goal{l.id, events, child.Patience})
	if err != nil {
		return err
	}
	if !came {
		p, err := l.turn(ctx)
		if err := errors.Join(err, p.check()); err != nil {
			return err
		}
		return fmt.Errorf("%w: %d of %d arrived within %v", errLoss, p.Got, events, child.Patience)
	}
	return nil
}

// turn returns what is in the books. Arrivals are told once.
func (l *ledger) turn(ctx context.Context) (p Page, err error) {
	if p, err = child.Ask[Page](ctx, l.k.Process, "Turn", l.id); err != nil {
		return p, err
	}
	l.k.events += p.Got - l.events
	l.k.repeats += p.Repeats - l.repeats
	l.events, l.repeats = p.Got, p.Repeats
	return p, nil
}

func (l *ledger) close(ctx context.Context) error {
	_, err := child.Ask[int](ctx, l.k.Process, "Close", l.id)
	return err
}

// check returns what was wrong with the order.
func (p *Page) check() error {
	if p.Wrongs == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d times, such as %q", errDisorder, p.Wrongs, p.Wrong)
}

var (
	errDisorder = errors.New("what arrived is not 1, 2, 3, … of each stream")
	errLoss     = errors.New("events were lost")
)
