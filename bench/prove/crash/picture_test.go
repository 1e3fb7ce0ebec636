package crash

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"offhook/engine"
	"offhook/engine/clock"
	"offhook/engine/tenant"
	"offhook/store"
)

// picture is everything a disk holds, as a store that is opened on it says.
type picture struct {
	rows    map[string]string
	subs    map[string]*engine.Subscriber // by folded id
	events  map[place]stored
	calls   map[string]int64 // rows of calls that ended → when
	intents map[string]*engine.Intent
	trimmed map[string]uint64 // by app
	index   uint64            // of the last event

	nameless []place // events in the log that are not found by their number
	prefixOf int     // the submissions it has, once it was checked
}

// stored is an event as it was found.
type stored struct {
	engine.StoredEvent
	waits bool
}

// catalog is what may be on the disk and can only be asked for by name.
type catalog struct {
	subs    []string
	calls   []engine.CallID
	intents []engine.Intent // with the subscriber in place of its number
	users   []string

	// A picture that is not thorough leaves out what was not written lately, and
	// says so: it is in those before it, and a thorough one comes soon.
	thorough bool
	hot      map[string]bool // rows of calls and intents that were
	app      string          // the one whose links are read
}

// few is how many events of a stream's outbox are read where it is not to be
// thorough.
const few = 2

// options are those of every store here: small, with a clock of its own.
func (w *world) options(fs vfs.FS) store.Options {
	return store.Options{
		FS: fs, SweepEvery: -1, CacheBytes: 256 << 10, MemTable: w.memTable, Retention: retention, History: retention, Clock: clock.New(w.now, nil),
		Exit: w.exits, Ahead: []int{0, 1, 2 << 10}[w.seed%3],
	}
}

var errUnopened = errors.New("the disk cannot be opened")

// look opens a disk and reads all of it.
func (w *world) look(fs vfs.FS, c *catalog) (p *picture, err error) {
	opts := w.options(fs)
	opts.MemTable = 32 << 10
	s, err := store.Open(dataDir, opts)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnopened, err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return read(s, c)
}

func read(s *store.Store, c *catalog) (*picture, error) {
	p := &picture{
		rows: map[string]string{}, subs: map[string]*engine.Subscriber{}, events: map[place]stored{}, calls: map[string]int64{},
		intents: map[string]*engine.Intent{}, trimmed: map[string]uint64{}, index: s.Durable(),
	}
	p.rows[installation] = s.Installation()
	for _, a := range s.Apps() {
		p.rows["app/"+a.ID] = appRow(a)
	}
	for _, part := range []func(*store.Store, *catalog) error{p.log, p.outbox, p.subscribers, p.named} {
		if err := part(s, c); err != nil {
			return nil, err
		}
	}
	return p, p.whole()
}

// appRow leaves out what the store puts in by itself.
func appRow(a *tenant.App) string {
	b := *a
	b.Calls.Since, b.Subscriber.Since = 0, 0
	return text(&b)
}

func (p *picture) log(s *store.Store, _ *catalog) error {
	for _, app := range apps {
		oldest, err := s.Events(app, 0, 0, func(ev engine.StoredEvent) error {
			at := place{ev.Stream(), ev.Sequence}
			if _, twice := p.events[at]; twice {
				return fmt.Errorf("number %d of %v is in the log twice", ev.Sequence, at.stream)
			}
			p.events[at] = stored{StoredEvent: ev}
			p.rows[at.row("ev/")] = eventRow(ev.Index, &ev.Notification)
			return nil
		})
		if err != nil {
			return err
		}
		p.trimmed[app] = oldest - 1
	}
	return nil
}

func (p *picture) outbox(s *store.Store, c *catalog) error {
	var firsts []engine.Waiting
	if err := s.Waiting(engine.StreamID{}, 0, func(w engine.Waiting) error { firsts = append(firsts, w); return nil }); err != nil {
		return err
	}
	for _, w := range firsts {
		for behind, n := w.Sequence-1, 0; ; n++ {
			if n == few && !c.thorough {
				p.unread(w.Stream, behind)
				break
			}
			ev, found, err := s.Next(w.Stream, behind)
			if err != nil {
				return fmt.Errorf("outbox of %v: %w", w.Stream, err)
			}
			if !found {
				break
			}
			at := place{w.Stream, ev.Sequence}
			p.rows[at.row("wait/")] = present
			logged := p.events[at]
			if logged.EventID != ev.EventID {
				return fmt.Errorf("number %d of %v waits as %q and is in the log as %q", ev.Sequence, w.Stream, ev.EventID, logged.EventID)
			}
			logged.waits = true
			p.events[at] = logged
			behind = ev.Sequence
		}
	}
	if !c.thorough {
		return nil
	}
	for at := range p.events {
		ev, found, err := s.Event(at.stream, at.sequence)
		switch {
		case err != nil:
			return err
		case !found:
			p.nameless = append(p.nameless, at)
		case ev.Index != p.events[at].Index:
			return fmt.Errorf("number %d of %v is found at %d and is in the log at %d", at.sequence, at.stream, ev.Index, p.events[at].Index)
		}
	}
	return nil
}

// unread notes that nobody looked whether the events behind one wait.
func (p *picture) unread(stream engine.StreamID, behind uint64) {
	for at, ev := range p.events {
		if at.stream == stream && at.sequence > behind && ev.Queue {
			p.rows[at.row("wait/")] = unsaid
		}
	}
}

func (p *picture) subscribers(s *store.Store, c *catalog) error {
	err := s.Subscribers("", 0, func(i *tenant.SubscriberInfo) error {
		p.rows["id/"+engine.Fold(i.Profile.ID)] = present
		return nil
	})
	if err != nil {
		return err
	}
	for _, app := range apps {
		if !c.thorough && app != c.app {
			for _, id := range c.subs {
				p.rows["link/"+app+"/"+id] = unsaid
			}
			continue
		}
		err := s.Linked(app, "", 0, func(i *tenant.SubscriberInfo) error {
			if !slices.Contains(i.Apps, app) {
				return fmt.Errorf("%s is listed for %s, and its record says otherwise", i.Profile.ID, app)
			}
			p.rows["link/"+app+"/"+engine.Fold(i.Profile.ID)] = present
			return nil
		})
		if err != nil {
			return err
		}
	}
	return s.Unsettled(func(id string, marked bool) error {
		if marked {
			p.rows["mark/"+id] = present
			p.rows["live/"+id] = unsaid
			return nil
		}
		p.rows["live/"+id] = present
		return nil
	})
}

// unsaid is the value of a row that a picture does not show.
const unsaid = "?"

func (p *picture) named(s *store.Store, c *catalog) error {
	for _, id := range c.subs {
		sub, err := s.Load(id)
		if err != nil {
			return err
		}
		if sub != nil {
			p.subs[id] = sub
			p.rows["sub/"+id] = text(sub)
		}
	}
	for _, id := range c.calls {
		if key := "call/" + id.String(); !c.thorough && !c.hot[key] {
			p.rows[key], p.rows["next/"+id.String()] = unsaid, unsaid
			continue
		}
		owner, err := s.Owner(id)
		if err != nil {
			return err
		}
		ended, err := s.Ended(id)
		if err != nil {
			return err
		}
		if owner != "" {
			key := "call/" + id.String()
			if by := wentOn(ended); by != 0 {
				p.rows["next/"+id.String()] = by.String()
			}
			p.rows[key] = callRow(owner, ended)
			if ended != nil {
				p.calls[key] = ended.ReleasedAt
			}
		}
	}
	for i := range c.intents {
		k := &c.intents[i]
		if key := intentRow(k.App, k.SubscriberNumber, k.Key); !c.thorough && !c.hot[key] {
			p.rows[key] = unsaid
			continue
		}
		in, err := s.Intent(k.App, k.SubscriberNumber, k.Key)
		if err != nil {
			return err
		}
		if in != nil {
			key := intentRow(k.App, k.SubscriberNumber, k.Key)
			p.rows[key], p.intents[key] = text(in), in
		}
	}
	for _, user := range c.users {
		id, err := s.UserOf(network, user)
		if err != nil {
			return err
		}
		if id != "" {
			p.rows[userRow(network, user)] = id
		}
	}
	return nil
}

// whole checks what needs no memory of how it came: every stream is numbered
// from 1 to what its subscriber's record says.
func (p *picture) whole() error {
	top := map[engine.StreamID]uint64{}
	count := map[engine.StreamID]uint64{}
	for at := range p.events {
		top[at.stream] = max(top[at.stream], at.sequence)
		count[at.stream]++
	}
	for id, sub := range p.subs {
		for i := range sub.Streams {
			t := &sub.Streams[i]
			for kind, want := range map[engine.StreamKind]uint64{engine.StreamCalls: t.Calls, engine.StreamSubscriber: t.Subscriber} {
				stream := engine.StreamOf(t.App, id, kind)
				switch {
				case p.trimmed[t.App] > 0 && top[stream] <= want: // what is old may be gone
				case top[stream] != want, count[stream] != want:
					return fmt.Errorf("%v has %d events up to number %d, and its subscriber's record counts %d", stream, count[stream], top[stream], want)
				}
			}
		}
	}
	return nil
}
