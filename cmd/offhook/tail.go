package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"offhook/transport/client"
)

type eventsCmd struct {
	Tail tailCmd       `cmd:"" help:"Print events as they happen, until it is stopped."`
	List listEventsCmd `cmd:"" help:"Print the events of an app that are kept, the oldest first."`
}

// tailCmd follows the streams of apps. Without a key it makes one for each app
// that can only read, and revokes it at the end: streams are for apps.
type tailCmd struct {
	remote
	App        []string `help:"Of these apps; of all if left out. Also OFFHOOK_APP." placeholder:"ID"`
	Subscriber string   `help:"Of one subscriber." placeholder:"ID"`
	Type       []string `help:"Of these types: ${enum}." enum:"call.state,call.detail,call.transferred,call.forwarded,call.picked_up,call.retrieved,call.recording,call.conference,subscriber.provisioned" placeholder:"TYPE"`
	State      []string `help:"Of calls in these states: ${enum}." enum:"ringing,active,held,released" placeholder:"STATE"`
	After      string   `help:"Begin behind this cursor." placeholder:"CURSOR"`
	Count      int      `help:"Stop after so many; 0 is never." default:"0" placeholder:"N"`
	Color      string   `help:"${enum}; auto is on a terminal, unless NO_COLOR is set." enum:"auto,always,never" default:"auto" placeholder:"WHEN"`
}

func (c *tailCmd) Run(p *program) error {
	if c.Count < 0 {
		return usage("--count", "must not be negative")
	}
	if len(c.App) == 0 && p.env[envApp] != "" {
		c.App = []string{p.env[envApp]}
	}
	if c.After != "" && len(c.App) != 1 {
		return usage("--after", "needs one --app: a cursor is good for one")
	}
	t := &tailing{tailCmd: c, errs: p.stderr, colour: colours(c.Color, p)}
	follow := func(ctx context.Context, out io.Writer) error {
		t.out = out
		if key := first(c.APIKey, p.env[envAPIKey]); key != "" {
			if len(c.App) != 1 {
				return usage("--app", "is needed once with a key: the app it is of")
			}
			api, err := c.public(p, key)
			if err != nil {
				return err
			}
			defer api.Close()
			return t.follow(ctx, []*client.App{api.App(c.App[0])})
		}
		return t.asOperator(ctx, p)
	}
	err := p.until(func(ctx context.Context) error { return p.whileRead(ctx, follow) })
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	if err == nil && !c.JSON && len(c.App) == 1 && t.cursor != "" {
		fmt.Fprintf(p.stderr, "go on with --after=%s\n", clean(t.cursor))
	}
	return explained(err)
}

// colours reports whether to colour what is printed.
func colours(when string, p *program) bool {
	if when != "auto" {
		return when == "always"
	}
	f, ok := p.stdout.(*os.File)
	if !ok || p.env["NO_COLOR"] != "" || p.env["TERM"] == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// tailing is one run. Events of several apps are printed as they come.
type tailing struct {
	*tailCmd
	errs   io.Writer
	colour bool

	mu      sync.Mutex // guards what follows
	out     io.Writer
	printed int
	cursor  string // behind what was printed or not wanted, where there is one app
}

var errCounted = errors.New("that were enough")

// asOperator makes a key for each app.
func (t *tailing) asOperator(ctx context.Context, p *program) (err error) {
	a, err := t.admin(p)
	if err != nil {
		return err
	}
	defer a.Close()
	ids := t.App
	if len(ids) == 0 {
		apps, err := client.Collect(a.ListApps(ctx, client.Page{}), 0)
		if err != nil {
			return err
		}
		for _, i := range apps {
			ids = append(ids, i.AppID)
		}
		if len(ids) == 0 {
			return errors.New("there is no app yet; make one with “offhook app create NAME”")
		}
	}
	p.takeAwayLeft(ctx, a, t.at)
	made, gone := p.newLedger(), true
	defer func() { made.end(gone) }()
	var apps []*client.App
	for _, id := range ids {
		key, err := a.CreateKey(ctx, id, "calls:read")
		if err != nil {
			return err
		}
		made.add(passing{Admin: t.at, App: id, Key: key.KeyID})
		defer func() {
			switch left := revoke(ctx, a, id, key.KeyID); {
			case left == nil:
			case err == nil || errors.Is(err, context.Canceled) || errors.Is(err, errUnread):
				err, gone = left, false
			default:
				err, gone = errors.Join(err, left), false
			}
		}()
		api, err := t.public(p, key.APIKey)
		if err != nil {
			return err
		}
		defer api.Close()
		apps = append(apps, api.App(id))
	}
	return t.follow(ctx, apps)
}

// revoke takes a key away, though we were told to stop.
func revoke(ctx context.Context, a *client.Admin, app, key string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := a.DeleteKey(ctx, app, key)
	if client.CodeOf(err) == "not_found" {
		return nil // the app is gone
	}
	if err != nil {
		return fmt.Errorf("the key that was made to read events is still there; take it away with “offhook app key remove %s %s”: %w", app, key, err)
	}
	return nil
}

// follow prints the events of all apps until ctx ends or one cannot go on.
func (t *tailing) follow(ctx context.Context, apps []*client.App) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	for _, app := range apps {
		wg.Go(func() {
			if err := t.one(ctx, app); err != nil {
				stop(err)
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); !errors.Is(err, errCounted) {
		return err
	}
	return nil
}

func (t *tailing) one(ctx context.Context, app *client.App) error {
	lost := func(err error) { fmt.Fprintf(t.errs, "the stream ended (%v); going on where it was\n", err) }
	for e, err := range app.StreamEvents(ctx, t.After, t.Subscriber, lost) {
		switch {
		case err != nil:
			return cursorRefused(err)
		case e.Gap != "":
			fmt.Fprintf(t.errs, "events are missing here: %s\n", e.Gap)
		case e.Event != nil && t.wanted(e.Event):
			if err := t.print(e.Event, e.ID); err != nil {
				return err
			}
		default:
			t.mu.Lock()
			t.cursor = e.ID
			t.mu.Unlock()
		}
	}
	return nil
}

func (t *tailing) wanted(e *client.Event) bool {
	return (len(t.Type) == 0 || slices.Contains(t.Type, e.Type)) && (len(t.State) == 0 || slices.Contains(t.State, e.State))
}

func (t *tailing) print(e *client.Event, cursor string) error {
	line := t.line(e)
	if t.JSON {
		line = withCursor(line, cursor)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.Count > 0 && t.printed == t.Count {
		return errCounted
	}
	if _, err := io.WriteString(t.out, line+"\n"); err != nil {
		return err
	}
	t.cursor = cursor
	if t.printed++; t.printed == t.Count {
		return errCounted
	}
	return nil
}

// withCursor is a JSON object with the cursor behind it as another member.
func withCursor(object, cursor string) string {
	rest, ok := strings.CutSuffix(object, "}")
	text, err := json.Marshal(cursor)
	if !ok || err != nil {
		return object
	}
	if rest != "{" {
		rest += ","
	}
	return rest + `"cursor":` + string(text) + "}"
}

// cursorRefused says in the words of the command line which cursor was refused.
func cursorRefused(err error) error {
	var refused *client.Error
	if !errors.As(err, &refused) || refused.Field != "Last-Event-ID" && refused.Field != "after" {
		return err
	}
	own := *refused
	own.Field = "--after"
	return fmt.Errorf("%w; “events list” prints one at its end, and “events tail --json” with each event", &own)
}

// line is an event in a line: as it came, or for people.
func (t *tailing) line(e *client.Event) string {
	if t.JSON {
		var b strings.Builder
		if err := json.NewEncoder(&b).Encode(e); err == nil {
			return strings.TrimSpace(b.String())
		}
	}
	arrow := map[string]string{"incoming": "←", "outgoing": "→"}[e.Direction]
	state := fmt.Sprintf("%-8s", dash(e.State))
	if t.colour {
		state = paint(e.State) + state + "\x1b[0m"
	}
	what := clean(strings.Join(strings.Fields(strings.Join([]string{e.SubscriberID, arrow, e.RemoteNumber, e.RemoteName, e.CallID}, " ")), " "))
	if e.SequenceNumber != "" {
		what += " #" + clean(e.SequenceNumber)
	}
	if e.Type != "call.state" {
		what += " " + clean(e.Type)
	}
	return time.UnixMilli(e.Timestamp).Format("15:04:05.000Z07:00") + "  " + state + "  " + what
}

func paint(state string) string {
	switch state {
	case "ringing":
		return "\x1b[33m"
	case "active":
		return "\x1b[32m"
	case "held":
		return "\x1b[36m"
	}
	return "\x1b[2m"
}
