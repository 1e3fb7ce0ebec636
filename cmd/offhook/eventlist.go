package main

import (
	"context"
	"fmt"

	"offhook/transport/client"
)

// listEventsCmd reads the log of an app. Unlike tail it needs no key.
type listEventsCmd struct {
	appFlag
	After      string `help:"Begin behind this cursor; at the oldest that is kept if it is left out." placeholder:"CURSOR"`
	Subscriber string `help:"Of one subscriber." placeholder:"ID"`
	Limit      int    `help:"At most so many; 0 is all." default:"100" placeholder:"N"`
	Color      string `help:"${enum}; auto is on a terminal, unless NO_COLOR is set." enum:"auto,always,never" default:"auto" placeholder:"WHEN"`
}

// readEvents is a part of the log as --json has it.
type readEvents struct {
	Events []client.Event `json:"events"`
	Cursor string         `json:"cursor"` // to go on behind
	Gap    string         `json:"gap"`    // why events behind the cursor asked with are missing
	More   bool           `json:"more"`   // there is more to read now
}

func (c *listEventsCmd) Run(p *program) error {
	if c.Limit < 0 {
		return usage("--limit", "must not be negative")
	}
	line := &tailing{tailCmd: &tailCmd{}, colour: colours(c.Color, p)}
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		all := readEvents{Events: []client.Event{}, Cursor: c.After, More: true}
		for all.More && (c.Limit == 0 || len(all.Events) < c.Limit) {
			size := maxEvents
			if c.Limit > 0 {
				size = min(size, c.Limit-len(all.Events))
			}
			page, err := a.ListEvents(ctx, all.Cursor, c.Subscriber, size)
			if err != nil {
				return cursorRefused(err)
			}
			all.Events, all.Cursor, all.Gap, all.More = append(all.Events, page.Events...), page.Cursor, first(all.Gap, page.Gap), page.More
		}
		if c.JSON {
			return printJSON(p.stdout, all)
		}
		if all.Gap != "" {
			fmt.Fprintf(p.stderr, "events are missing before these: %s\n", clean(all.Gap))
		}
		for i := range all.Events {
			if _, err := fmt.Fprintln(p.stdout, line.line(&all.Events[i])); err != nil {
				return err
			}
		}
		more := "that is all for now"
		if all.More {
			more = "there is more"
		}
		// With “=”, since a cursor may begin with a dash.
		_, err := fmt.Fprintf(p.stderr, "%s; go on with --after=%s\n", more, clean(all.Cursor))
		return err
	})
}

const maxEvents = 1000 // of a page
