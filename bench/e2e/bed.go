package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"

	"offhook/bench/child"
	"offhook/bench/webhooks"
)

// roles are the processes that a measurement starts this program in: its main
// begins with Become.
var roles = child.Roles{
	"platform":   func() (any, error) { return &Platform{}, nil },
	"receiver":   newReceiver,
	"dispatcher": newDispatcher,
	"bare":       newBare,
}

// Become runs the part of a measurement that this process was started for.
func Become() (code int, child bool) {
	all := maps.Clone(roles)
	maps.Copy(all, webhooks.Roles)
	return all.Become()
}

// bed is what a measurement stands on: a platform and a receiver, each a
// process of its own, and for a round an offhook between them.
type bed struct {
	program  string
	target   Target
	dir      string
	stderr   io.Writer
	platform *child.Process
	receiver *child.Process
	hooks    string // the receiver's URL
}

func newBed(ctx context.Context, program, dir string) (b *bed, err error) {
	b = &bed{program: program, dir: dir, stderr: os.Stderr}
	if b.program == "" {
		if b.program, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if b.platform, err = child.Start("platform", b.stderr); err != nil {
		return b, err
	}
	if b.receiver, err = child.Start("receiver", b.stderr); err != nil {
		return b, err
	}
	b.hooks, err = child.Ask[string](ctx, b.receiver, "Where", 0)
	return b, err
}

func (b *bed) close() error {
	var errs []error
	for _, p := range []*child.Process{b.platform, b.receiver} {
		if p != nil {
			errs = append(errs, p.End())
		}
	}
	return errors.Join(errs...)
}

// round is one offhook with its lines, all followed.
type round struct {
	*bed
	node  *node
	lines int
}

// setting says what kind of round is wanted.
type setting struct {
	lines   int
	contact bool // events are POSTed
	stories bool // every call is a whole life
}

// begin starts an offhook and waits until it follows every line.
func (b *bed) begin(ctx context.Context, s setting) (r *round, err error) {
	url, err := child.Ask[string](ctx, b.platform, "Begin", s.lines)
	if err != nil {
		return nil, err
	}
	var n *node
	if b.target.Admin != "" {
		n, err = attach(ctx, b.target, url, b.hooks, s.lines)
	} else {
		n, err = startNode(ctx, b.program, b.dir, url, b.hooks, s.lines, s.contact)
	}
	if err != nil {
		return nil, err
	}
	r = &round{bed: b, node: n, lines: s.lines}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.stop())
		}
	}()
	if _, err := child.Ask[int](ctx, b.receiver, "Open", Opening{Secret: n.secret, Lines: s.lines, Stories: s.stories}); err != nil {
		return nil, err
	}
	followed, err := child.Ask[bool](ctx, b.platform, "Followed", 0)
	if err == nil && !followed {
		err = fmt.Errorf("not every line is followed:\n%s", n.lastWords())
	}
	return r, err
}

// await waits for so many webhooks, in all of the round.
func (b *bed) await(ctx context.Context, events int) (Page, error) {
	return child.Ask[Page](ctx, b.receiver, "Await", events)
}

// end checks that nothing is left on either side, and ends the offhook.
func (r *round) end(ctx context.Context) (t Tally, err error) {
	defer func() { err = errors.Join(err, r.node.stop()) }()
	settled, err := child.Ask[bool](ctx, r.platform, "Settled", 0)
	if err != nil {
		return t, err
	}
	if t, err = child.Ask[Tally](ctx, r.platform, "Count", 0); err != nil {
		return t, err
	}
	if !settled || t.Open != 0 {
		return t, fmt.Errorf("%d events were never acknowledged", t.Open)
	}
	return t, nil
}

// whole checks that what arrived last is what happened last, on every line.
func (t *Tally) whole(p *Page) error {
	for i, steps := range t.Steps {
		if int(p.Last[i]) != steps {
			return fmt.Errorf("%w: line %d ended at %d of %d", errLoss, i, p.Last[i], steps)
		}
	}
	return nil
}
