package main

import (
	"strings"

	"offhook/engine/actor"
	"offhook/transport/adminapi"
	"offhook/transport/console"
)

// console is what the console shows; d is the demo, nil for none.
func (n *node) console(d *liveDemo) (*adminapi.Console, error) {
	pages, err := console.NewPages()
	if err != nil {
		return nil, err
	}
	c := &adminapi.Console{Pages: pages, Board: n.board, Calls: n.directory, Version: version}
	if d != nil {
		c.Simulator = strings.TrimPrefix(d.simulator, "http://")
	}
	return c, nil
}

// boardOf is the directory of a node, for what is made before it.
type boardOf struct{ *node }

func (b boardOf) Board(part int) []actor.Shown { return b.directory.Board(part) }

func (b boardOf) ShownOf(subscriber string) (actor.Shown, bool) {
	return b.directory.ShownOf(subscriber)
}
