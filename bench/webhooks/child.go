package webhooks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"os/exec"
	"time"
)

// roleVar in the environment makes this program a receiver.
const roleVar = "OFFHOOK_BENCH_ROLE"

const (
	asReceiver = "receiver"
	// patience is how long anything may take that ought to come.
	patience = 60 * time.Second
)

// child is the receiver's process, seen from here.
type child struct {
	cmd   *exec.Cmd
	calls *rpc.Client
	addr  Addresses

	events, repeats int // of all books, as far as they were read
}

// startChild starts this program again, as a receiver.
func startChild(ctx context.Context, stderr io.Writer) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start the receiver: %w", err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVar+"="+asReceiver)
	cmd.Stderr = stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the receiver: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the receiver: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the receiver: %w", err)
	}
	c := &child{cmd: cmd, calls: rpc.NewClient(pipe{out, in})}
	if c.addr, err = call[Addresses](ctx, c, "Where", 0); err != nil {
		return nil, errors.Join(err, c.end())
	}
	return c, nil
}

// call asks the receiver. ctx only ends the waiting: what is answered after
// that goes where nobody looks.
func call[Reply any](ctx context.Context, c *child, what string, args any) (answer Reply, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience+5*time.Second)
	defer cancel()
	reply := new(Reply)
	call := c.calls.Go(service+"."+what, args, reply, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
		if call.Error != nil {
			return answer, fmt.Errorf("the receiver: %s: %w", what, call.Error)
		}
		return *reply, nil
	case <-ctx.Done():
		return answer, fmt.Errorf("the receiver: %s: %w", what, ctx.Err())
	}
}

// used is the processor time of the machine, of this process and of the child.
func (c *child) used(ctx context.Context) (usage, error) {
	its, err := call[float64](ctx, c, "Used", 0)
	u := used()
	u.ours += its
	return u, err
}

// end ends the process: by closing its input, or by force.
func (c *child) end() error {
	err := c.calls.Close()
	timer := time.AfterFunc(5*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer timer.Stop()
	return errors.Join(err, c.cmd.Wait())
}

// ledger is books that the receiver keeps for us.
type ledger struct {
	c  *child
	id int

	events, repeats int // when it was read last
}

func (c *child) open(ctx context.Context, streams int, ordered bool) (*ledger, error) {
	id, err := call[int](ctx, c, "Open", Opening{streams, ordered})
	return &ledger{c: c, id: id}, err
}

// url is where events for these books go.
func (l *ledger) url() string { return fmt.Sprintf("http://%s/%d", l.c.addr.Hooks, l.id) }

// wait waits for that many events in all.
func (l *ledger) wait(ctx context.Context, events int) error {
	came, err := call[bool](ctx, l.c, "Wait", Goal{l.id, events, patience})
	if err != nil {
		return err
	}
	if !came {
		p, err := l.turn(ctx)
		if err := errors.Join(err, p.check()); err != nil {
			return err
		}
		return fmt.Errorf("%w: %d of %d arrived within %v", errLoss, p.Got, events, patience)
	}
	return nil
}

// turn returns what is in the books. Arrivals are told once.
func (l *ledger) turn(ctx context.Context) (p Page, err error) {
	if p, err = call[Page](ctx, l.c, "Turn", l.id); err != nil {
		return p, err
	}
	l.c.events += p.Got - l.events
	l.c.repeats += p.Repeats - l.repeats
	l.events, l.repeats = p.Got, p.Repeats
	return p, nil
}

func (l *ledger) close(ctx context.Context) error {
	_, err := call[int](ctx, l.c, "Close", l.id)
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
