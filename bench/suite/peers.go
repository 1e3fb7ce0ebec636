package suite

import (
	"context"
	"errors"
	"fmt"
	"os"

	"offhook/bench/busy"
	"offhook/bench/figures"
	"offhook/bench/peers"
)

// measurePeers measures durable transitions beside systems that people would
// build this with. One that is not on this machine is told as not measured.
func measurePeers(ctx context.Context, p figures.Plan) (rows []figures.Row, err error) {
	dir, remove, err := scratch(&p)
	if err != nil {
		return nil, err
	}
	defer remove()
	for _, kind := range peers.All() {
		if !p.Wants(kind.Name) {
			continue
		}
		row := figures.Row{
			Suite: "peers", Name: fmt.Sprintf("durable transitions, %d at a time, and %s", peers.Clients, kind.Title), Unit: perSecond,
			Beside: kind.Title + ": " + kind.About, Budget: &kind.Budget,
		}
		floor := figures.Row{
			Suite: "peers", Name: fmt.Sprintf("a bare Pebble, two rows, %d at a time, and %s", peers.Clients, kind.Title), Unit: perSecond, Beside: row.Beside,
			Note: floorNote,
		}
		if err := besidePeer(ctx, &p, dir, kind, &row, &floor); err != nil {
			return rows, fmt.Errorf("%s: %w", kind.Name, err)
		}
		if rows = append(rows, row); len(floor.Ours) > 0 {
			rows = append(rows, floor)
		}
	}
	return rows, nil
}

const floorNote = "what is left where nothing is asked of the machine but the two rows that the others write: the record replaced, the body appended, in coalesced commits; no calls, no state machine, no order, no queue, no client. Each turn has a directory of its own. Where the budget beside it is above this, no store that writes these two rows for each transition meets it on the machine"

// besidePeer measures by turns: while one works, the others have nothing to do.
func besidePeer(ctx context.Context, p *figures.Plan, dir string, kind peers.Kind, row, floor *figures.Row) (err error) {
	peer, err := kind.Open(ctx, *p)
	if absent := peers.Absent(""); errors.As(err, &absent) {
		p.Say("%s: %v", kind.Name, absent)
		row.Note = kind.Title + ": " + absent.Error()
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, peer.Close()) }()
	row.Note = peer.About()
	return inOffice(ctx, dir, busy.Config{}, func(o *busy.Office) error {
		if err := errors.Join(o.Provision(ctx, 0, peers.Subscribers, 0, busy.Everybody), o.Start(ctx)); err != nil {
			return err
		}
		walks := walksOver(o, peers.Subscribers, peers.Clients)
		err := figures.Turns(p.Runs, func(run int) error {
			rest()
			r, err := busy.Closed(ctx, len(walks), p.Round, func(i int) func() error { return walks[i].step })
			if err != nil {
				return err
			}
			row.Ours = append(row.Ours, r.Rate())
			p.Say("peers, run %d of %d: %.0f transitions/s", run+1, p.Runs, r.Rate())
			return checkWalks(walks)
		}, func(run int) error {
			rest()
			rate, err := peer.Round(ctx, p.Round)
			if err != nil {
				return err
			}
			row.Base = append(row.Base, rate)
			p.Say("peers, run %d of %d: %.0f transitions/s, %s", run+1, p.Runs, rate, kind.Name)
			r, err := onFloor(ctx, p, dir)
			if err != nil {
				return err
			}
			floor.Ours, floor.Base = append(floor.Ours, r.Rate()), append(floor.Base, rate)
			p.Say("peers, run %d of %d: %.0f transitions/s, bare Pebble", run+1, p.Runs, r.Rate())
			return nil
		})
		return err
	})
}

// onFloor measures a bare Pebble in a directory of its own. It is closed behind
// its turn: nobody else pays for its compactions.
func onFloor(ctx context.Context, p *figures.Plan, dir string) (r *busy.Result, err error) {
	if dir, err = os.MkdirTemp(dir, "floor-"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	f, err := busy.OpenFloor(dir, peers.Subscribers, peers.RecordSize, peers.BodySize)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	rest()
	return f.Round(ctx, peers.Clients, p.Round)
}
