package crash

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"offhook/engine"
)

// platform is what calls really live on. It keeps each event until it is
// acknowledged, tells everything again after offhook was away, dials what it is
// asked to, and outlives every power cut. Like everything outside offhook it is
// guarded by w.mu.
type platform struct {
	w      *world
	users  []*user
	names  int // of calls
	events int
	dials  map[string]int // calls placed on request, by number
	well   bool           // does what it is asked to, every time

	queue   []told
	more    chan struct{}
	stop    chan struct{}
	running sync.WaitGroup
}

type user struct {
	id           string
	calls        []engine.Fact
	subscription string
	subscribed   int
	sequence     uint32
	unsettled    []told
}

// told is one event on its way.
type told struct {
	u  *user
	ev *engine.Event
}

func newPlatform(w *world) *platform {
	p := &platform{w: w, dials: map[string]int{}}
	for i := range users {
		u := &user{id: fmt.Sprintf("User%d@platform.example", i)}
		p.users = append(p.users, u)
		p.subscribe(u)
	}
	return p
}

func (p *platform) subscribe(u *user) {
	u.subscribed++
	u.subscription, u.sequence = fmt.Sprintf("%s-%d", u.id, u.subscribed), 0
}

// say tells of something; w.mu is held.
func (p *platform) say(u *user, kind engine.EventKind, facts ...engine.Fact) {
	p.events++
	u.sequence++
	t := told{u, &engine.Event{
		ID: fmt.Sprint("e", p.events), Subscription: u.subscription, Sequence: u.sequence, Kind: kind, Facts: slices.Clone(facts),
	}}
	u.unsettled = append(u.unsettled, t)
	p.tell(t)
}

func (p *platform) tell(t told) {
	p.queue = append(p.queue, t)
	select {
	case p.more <- struct{}{}:
	default:
	}
}

// connect begins to talk to a new life of offhook: what was not acknowledged
// comes again, and then all calls there are.
func (p *platform) connect() {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.more, p.stop, p.queue = make(chan struct{}, 1), make(chan struct{}), nil
	for _, u := range p.users {
		for _, t := range u.unsettled {
			p.tell(t)
		}
		p.say(u, engine.EventSnapshot, u.calls...)
	}
	p.running.Go(p.pump)
}

func (p *platform) disconnect() {
	close(p.stop)
	p.running.Wait()
}

// pump hands events over, one after the other.
func (p *platform) pump() {
	for {
		select {
		case <-p.more:
		case <-p.stop:
			return
		}
		for {
			p.w.mu.Lock()
			if len(p.queue) == 0 || p.w.dead {
				p.w.mu.Unlock()
				break
			}
			t := p.queue[0]
			p.queue = p.queue[1:]
			d := p.w.directory
			p.w.mu.Unlock()
			ev := *t.ev
			ev.Facts = slices.Clone(ev.Facts)
			d.Deliver(network, t.u.id, &ev, receipt{p, t})
		}
	}
}

// receipt is the acknowledgement of one event.
type receipt struct {
	p *platform
	t told
}

// Settle is actor.Receipt's.
func (r receipt) Settle() {
	w := r.p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return
	}
	w.left("an acknowledgement")
	u := r.t.u
	u.unsettled = slices.DeleteFunc(u.unsettled, func(t told) bool { return t.ev == r.t.ev })
	if r.t.ev.Subscription == u.subscription {
		w.promises.settled[u.id] = append(w.promises.settled[u.id], settled{w.promises.now(), u.subscription, r.t.ev.Sequence})
	}
}

// begin starts a call; w.mu is held.
func (p *platform) begin(u *user, f engine.Fact, kind engine.EventKind) engine.Fact {
	p.names++
	f.ProviderID, f.TrackingID = fmt.Sprint("call", p.names), fmt.Sprint("track", p.names)
	f.Status, f.StartTime = engine.StatusAlerting, p.w.now()
	u.calls = append(u.calls, f)
	p.say(u, kind, f)
	return f
}

// set moves a call; w.mu is held.
func (p *platform) set(u *user, i int, to engine.Status, kind engine.EventKind) {
	u.calls[i].Status = to
	f := u.calls[i]
	if to == engine.StatusReleased {
		f.ReleaseTime = p.w.now()
		u.calls = slices.Delete(u.calls, i, i+1)
	}
	p.say(u, kind, f)
}

// live lets people do something: call, answer, hold, hang up.
func (p *platform) live() {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	u := p.users[w.random.IntN(len(p.users))]
	if len(u.calls) == 0 || len(u.calls) < 3 && w.random.IntN(4) == 0 {
		number := fmt.Sprintf("+1512555%04d", w.random.IntN(10000))
		if w.random.IntN(3) == 0 {
			p.begin(u, engine.Fact{Personality: engine.Originator, RemoteNumber: number}, engine.EventOriginated)
		} else {
			p.begin(u, engine.Fact{Personality: engine.Terminator, RemoteNumber: number, RemoteName: "somebody"}, engine.EventReceived)
		}
		return
	}
	i := w.random.IntN(len(u.calls))
	end := w.random.IntN(3) == 0
	switch f := &u.calls[i]; {
	case end:
		p.set(u, i, engine.StatusReleased, engine.EventReleased)
	case f.Status == engine.StatusAlerting && f.Personality == engine.ClickToDial:
		f.Personality = engine.Originator
		p.say(u, engine.EventOriginated, *f)
	case f.Status == engine.StatusAlerting:
		p.set(u, i, engine.StatusActive, engine.EventAnswered)
	case f.Status == engine.StatusActive && w.random.IntN(2) == 0:
		p.set(u, i, engine.StatusRemoteHeld, engine.EventHeld)
	case f.Status == engine.StatusActive:
		p.set(u, i, engine.StatusHeld, engine.EventHeld)
	default:
		p.set(u, i, engine.StatusActive, engine.EventRetrieved)
	}
}

// resubscribe begins a new line of numbers, or tells all calls there are.
func (p *platform) resubscribe() {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	u := p.users[p.w.random.IntN(len(p.users))]
	if p.w.random.IntN(2) == 0 {
		p.subscribe(u)
	}
	p.say(u, engine.EventSnapshot, u.calls...)
}

// Ask is actor.Networks'. What was asked before the power went was asked; what
// the owners wanted to ask then never was.
func (p *platform) Ask(ctx context.Context, _ string, a engine.Ask) engine.Outcome {
	w := p.w
	w.mu.Lock()
	lag := time.Duration(w.dice.IntN(80)) * time.Millisecond
	w.mu.Unlock()
	select {
	case <-time.After(lag):
	case <-ctx.Done():
		return engine.Outcome{Kind: engine.OutcomeUnknown}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return engine.Outcome{Kind: engine.OutcomeUnknown}
	}
	if a.Verb == engine.VerbOriginate {
		w.left("a dial request")
		if by, known := w.rows.intents[a.Number]; known && by > w.rows.acked {
			w.violated("%s is dialled before its intent is durable", a.Number)
		}
	}
	luck := w.dice.IntN(20)
	switch {
	case p.well:
	case luck == 0:
		return engine.Outcome{Kind: engine.OutcomeNotSent}
	case luck == 1:
		return engine.Outcome{Kind: engine.OutcomeRefused}
	case luck == 2:
		p.do(a)
		return engine.Outcome{Kind: engine.OutcomeUnknown}
	case luck == 3:
		return engine.Outcome{Kind: engine.OutcomeUnknown}
	}
	return p.do(a)
}

// do carries out what was asked; w.mu is held.
func (p *platform) do(a engine.Ask) engine.Outcome {
	k := slices.IndexFunc(p.users, func(u *user) bool { return engine.Fold(u.id) == engine.Fold(a.User) })
	if k < 0 {
		return engine.Outcome{Kind: engine.OutcomeRefused}
	}
	u := p.users[k]
	switch a.Verb {
	case engine.VerbOriginate:
		if p.dials[a.Number]++; p.dials[a.Number] > 1 {
			p.w.violated("%s is dialled twice", a.Number)
		}
		f := p.begin(u, engine.Fact{Personality: engine.ClickToDial, RemoteNumber: a.Number}, engine.EventOriginating)
		return engine.Outcome{Fact: engine.Fact{ProviderID: f.ProviderID, TrackingID: f.TrackingID, Status: engine.StatusAlerting, Personality: engine.ClickToDial}}
	case engine.VerbSnapshot:
		if p.w.dice.IntN(2) == 0 {
			p.say(u, engine.EventSnapshot, u.calls...)
			return engine.Outcome{Snapshot: &engine.Snapshot{Coming: true}}
		}
		return engine.Outcome{Snapshot: &engine.Snapshot{Facts: slices.Clone(u.calls)}}
	}
	i := slices.IndexFunc(u.calls, func(f engine.Fact) bool { return f.ProviderID == a.ProviderID })
	if i < 0 {
		return engine.Outcome{Kind: engine.OutcomeGone}
	}
	f := &u.calls[i]
	switch {
	case a.Verb == engine.VerbReadBack:
		return engine.Outcome{Fact: *f}
	case a.Verb == engine.VerbEnd:
		p.set(u, i, engine.StatusReleased, engine.EventReleased)
	case a.Verb == engine.VerbAnswer && f.Personality == engine.ClickToDial:
		f.Personality = engine.Originator
		p.say(u, engine.EventOriginated, *f)
	case a.Verb == engine.VerbAnswer && f.Personality == engine.Terminator && f.Status == engine.StatusAlerting:
		p.set(u, i, engine.StatusActive, engine.EventAnswered)
	case a.Verb == engine.VerbHold && (f.Status == engine.StatusActive || f.Status == engine.StatusRemoteHeld):
		p.set(u, i, engine.StatusHeld, engine.EventHeld)
	case a.Verb == engine.VerbResume && f.Status == engine.StatusHeld:
		p.set(u, i, engine.StatusActive, engine.EventRetrieved)
	default:
		return engine.Outcome{Kind: engine.OutcomeRefused}
	}
	return engine.Outcome{}
}

// Follow and Unfollow are actor.Networks'. Everybody is followed.
func (p *platform) Platform(string) *engine.Platform { return nil }
func (p *platform) Follow(string, string)            {}
func (p *platform) Unfollow(string, string)          {}
