package engine

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Whatever the line, the provider, the apps and the power supply do: what the
// apps are told keeps the promises, and in the end it is the truth.
func TestWhateverHappensTheTruthComesOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.step(Input{Profile: &Profile{ID: "alice", Number: "+15125550100", Network: "n", ProviderUser: "alice"}})
		w.step(Input{Link: "app1"})
		w.platform.snapshot()
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			w.something()
		}
		w.settle()
		w.check()
		w.again()
	})
}

type world struct {
	*rapid.T
	platform *platform
	watcher  *watcher
	shelf    shelf
	sub      *Subscriber
	now      int64
	random   uint64
	token    uint64
	wake     int64
	keys     map[string]Intent // what a store remembers of idempotency keys
	asks     []Ask
	answers  []Outcome
	dialled  map[uint64]bool // tokens of dial requests
	network  *Platform       // what it can do
	placed   []CallID        // calls whose 201 is being written
	onDisk   []CallID        // calls whose 201 waits for the disk

	inputs  []Input // all that happened, and when
	at      []int64
	effects []Effects
}

var everything = Platform{Verbs: ^VerbSet(0)}

func newWorld(t *rapid.T) *world {
	return &world{
		T: t, platform: &platform{t: t, dials: map[string]int{}}, keys: map[string]Intent{}, dialled: map[uint64]bool{}, watcher: newWatcher(t), sub: &Subscriber{}, now: 1_000_000,
		network: rapid.SampledFrom([]*Platform{&everything, &everything, nil}).Draw(t, "network"),
	}
}

func (w *world) step(in Input) {
	w.random++
	w.now += 10
	in.Entropy, in.Platform = [2]uint64{w.random, 7}, w.network
	if in.Command != nil {
		w.token++
		in.Command.Token = w.token
		w.watcher.asked[w.token] = true
		w.dialled[w.token] = in.Command.Verb == VerbOriginate || in.Command.Verb == VerbRetrieve
	}
	if in.Restart {
		w.sub, w.asks, w.answers, w.onDisk = reborn(w.sub), nil, nil, nil
	}
	var out Effects
	decided := w.decide(in.Command)
	if err := Step(w.sub, &in, w.now, &out); err != nil {
		w.Fatal(err)
	}
	decided(&out)
	w.capabilities()
	w.watcher.see(&in, &out, w.now)
	w.shelf.keep(w.T, w.sub, &out)
	w.asks = append(w.asks, out.Ask...)
	w.wake = out.Wake
	if w.wake != 0 && w.wake <= w.now {
		w.Fatalf("woken at %d for %d: it would spin", w.now, w.wake)
	}
	for _, r := range out.Put {
		switch r.Kind {
		case RecordIntent:
			w.keys[r.Intent.Key] = *r.Intent
		case RecordNoIntent:
			delete(w.keys, r.Intent.Key)
		}
	}
	for _, r := range out.Reply {
		if r.Err == nil && w.dialled[r.Token] {
			w.placed = append(w.placed, r.Call.ID)
		}
		if r.Holds {
			w.onDisk = append(w.onDisk, r.Call.ID)
		}
	}
	w.inputs, w.at, w.effects = append(w.inputs, in), append(w.at, w.now), append(w.effects, plain(out))
}

// reborn is what a store gives back: nothing that is not stored.
func reborn(sub *Subscriber) *Subscriber {
	kept := *sub
	kept.shown, kept.transient = nil, transient{written: written{behind: sub.written.behind}}
	kept.Streams, kept.Intents = slices.Clone(sub.Streams), slices.Clone(sub.Intents)
	kept.Calls, kept.Ended = slices.Clone(sub.Calls), slices.Clone(sub.Ended)
	for i := range kept.Calls {
		c := &kept.Calls[i]
		c.missed, c.echoes, c.echoed, c.told, c.checkAt, c.touched, c.consulted, c.Can = 0, 0, 0, false, 0, 0, false, 0 // what it can is found anew
	}
	for i := range kept.Ended {
		kept.Ended[i].at, kept.Ended[i].lost, kept.Ended[i].marks = 0, false, marks{}
	}
	return &kept
}

// plain is effects without what points into the subscriber, in full.
func plain(out Effects) Effects {
	out.calls, out.traces = nil, nil
	out.Emit = slices.Clone(out.Emit)
	for i := range out.Emit {
		out.Emit[i].Write()
	}
	out.Put = slices.Clone(out.Put)
	for i := range out.Put {
		out.Put[i].Subscriber = nil
	}
	return out
}

func (w *world) pass(ms int64) {
	until := w.now + ms
	for w.wake != 0 && w.wake <= until {
		w.now = max(w.now, w.wake-10) // a step takes ten
		w.step(Input{Tick: true})
	}
	w.now = max(w.now, until)
}

// something happens. What is drawn low is drawn often.
func (w *world) something() {
	switch rapid.IntRange(0, 15).Draw(w.T, "what") {
	default:
		w.deliver()
	case 1:
		w.carryOut()
	case 2:
		w.answer()
	case 3, 4:
		w.command()
	case 5, 6:
		w.pass(rapid.SampledFrom([]int64{1, 250, 1000, 2000, 5000, 13000}).Draw(w.T, "time"))
	case 7, 8:
		w.platform.change()
	case 9, 10:
		if len(w.platform.calls) < 4 {
			w.platform.arrive()
		}
	case 11, 12:
		w.originate()
	case 13:
		w.rarely()
	case 14:
		w.synced()
	}
}

// synced lets what waits for the disk go on.
func (w *world) synced() {
	for _, id := range w.onDisk {
		w.onDisk = w.onDisk[1:]
		w.step(Input{Handed: id})
	}
}

func (w *world) rarely() {
	switch rapid.IntRange(0, 7).Draw(w.T, "rarely") {
	case 0:
		w.step(Input{Restart: true})
		w.platform.snapshot()
	case 1:
		w.step(Input{Resync: true})
	case 2:
		w.step(Input{Link: "app2"})
	case 3:
		w.step(Input{Unlink: "app2"})
	case 4:
		w.network = rapid.SampledFrom([]*Platform{nil, &everything}).Draw(w.T, "platform")
	default:
		if len(w.placed) > 0 {
			w.step(Input{Lift: rapid.SampledFrom(w.placed).Draw(w.T, "lift")})
		}
	}
}

// deliver brings the next event, or not, or twice, or the one after it.
func (w *world) deliver() {
	p := w.platform
	if len(p.line) == 0 {
		return
	}
	i := 0
	switch rapid.IntRange(0, 9).Draw(w.T, "line") {
	case 0:
		p.line = p.line[1:]
		return
	case 1:
		w.step(Input{Event: p.line[0]})
	case 2:
		i = min(1, len(p.line)-1)
	}
	ev := p.line[i]
	p.line = slices.Delete(p.line, i, i+1)
	w.step(Input{Event: ev})
}

// carryOut has the provider do what it was asked; what it answers is on its way.
func (w *world) carryOut() {
	if len(w.asks) > 0 {
		w.answers = append(w.answers, w.platform.do(w.asks[0]))
		w.asks = slices.Delete(w.asks, 0, 1)
	}
}

func (w *world) answer() {
	if len(w.answers) > 0 {
		i := rapid.IntRange(0, len(w.answers)-1).Draw(w.T, "answer")
		o := w.answers[i]
		w.answers = slices.Delete(w.answers, i, i+1)
		w.step(Input{Outcome: &o})
	}
}

func (w *world) command() {
	if len(w.sub.Calls) == 0 {
		return
	}
	c := rapid.SampledFrom(w.sub.Calls).Draw(w.T, "own")
	v := rapid.SampledFrom([]Verb{VerbAnswer, VerbHold, VerbResume, VerbEnd, VerbGet, VerbList}).Draw(w.T, "verb")
	if rapid.Bool().Draw(w.T, "more") {
		v = Verb(rapid.IntRange(int(VerbDecline), int(VerbGetConference)).Draw(w.T, "more verbs"))
	}
	if v == VerbRetrieve {
		w.retrieve()
		return
	}
	cmd := &Command{Verb: v, App: "app1", Call: c.ID, Dialing: &Dialing{CountryCode: "1"}}
	switch rules[v].takes {
	case takesNumber:
		cmd.Number = "+15129104114"
	case takesDigits:
		cmd.Number = "12#"
	case takesCall, takesCalls:
		cmd.With = []CallID{rapid.SampledFrom(w.sub.Calls).Draw(w.T, "with").ID}
	}
	if ofConference(v) && v != VerbConference && w.sub.Conference != nil {
		cmd.Conference = w.sub.Conference.ID
	}
	w.step(Input{Command: cmd})
}

// decide says of a command what must come of it: what is listed as possible is
// not refused for the call's state, and what is not is.
func (w *world) decide(cmd *Command) func(out *Effects) {
	if cmd == nil || int(cmd.Verb) >= len(rules) || rules[cmd.Verb].states == 0 {
		return func(*Effects) {}
	}
	c := w.sub.call(cmd.Call)
	part := ofConference(cmd.Verb) && cmd.Verb != VerbConference
	if c == nil || w.sub.platform != w.network || part && (w.sub.Conference == nil || w.sub.Conference.ID != cmd.Conference) {
		return func(*Effects) {}
	}
	can := c.Can.Has(cmd.Verb)
	return func(out *Effects) {
		if cmd.Verb == VerbConsult || cmd.Verb == VerbConference {
			if can { // another call may be the one it cannot be done with
				return
			}
		}
		refused := false
		for _, r := range out.Reply {
			if r.Token == cmd.Token && r.Err != nil {
				switch r.Err.Code {
				case CodeCommandPending, CodeInvalidField:
					return
				case CodeWrongState, CodeNotSupported:
					refused = true
				}
			}
		}
		for i := range w.sub.waiters {
			if in := &w.sub.waiters[i]; in.token == cmd.Token && in.joined {
				return
			}
		}
		if refused == can {
			w.Fatalf("%s of a call that is %s: listed %v, refused %v", cmd.Verb, c.State, can, refused)
		}
	}
}

// capabilities hold after every step, whatever it was.
func (w *world) capabilities() {
	for i := range w.sub.Calls {
		c := &w.sub.Calls[i]
		if want := w.sub.open(c) & w.network.verbs(); c.Can != want && !w.network.tellsAnswer() {
			w.Fatalf("%s can %b, and is listed with %b", c.ProviderID, want, c.Can)
		}
		if id := c.conference(); id != 0 && (w.sub.Conference == nil || w.sub.Conference.ID != id) {
			w.Fatalf("%s is in a conference there is not", c.ProviderID)
		}
	}
	if w.sub.Conference != nil && len(w.sub.members()) == 0 {
		w.Fatalf("a conference of nobody")
	}
}

// retrieve takes back a parked call, as a dial request does.
func (w *world) retrieve() {
	o := &Originate{SubscriberNumber: "+15125550100", Extension: "4001", Key: "retrieve", ClientRef: "mine"}
	if in, ok := w.keys[o.Key]; ok {
		o.Settled = &in
	}
	w.step(Input{Command: &Command{Verb: VerbRetrieve, App: "app1", Originate: o}})
}

// originate sends a new dial request, or repeats one. Each key has its number.
func (w *world) originate() {
	n := rapid.IntRange(0, 5).Draw(w.T, "key")
	o := &Originate{SubscriberNumber: "+15125550100", RemoteNumber: fmt.Sprintf("+1512666%04d", n), Key: fmt.Sprint("k", n)}
	if in, ok := w.keys[o.Key]; ok {
		o.Settled = &in
	}
	w.step(Input{Command: &Command{Verb: VerbOriginate, App: "app1", Originate: o}})
}

// settle lets everything that is under way come to its end, over a good line.
func (w *world) settle() {
	snapshots := 0
	for round := 0; ; round++ {
		if round > 500 {
			w.Fatal("it never comes to rest")
		}
		for _, ev := range w.platform.line {
			w.step(Input{Event: ev})
		}
		w.platform.line = nil
		w.synced()
		switch {
		case len(w.answers) > 0:
			o := w.answers[0]
			w.answers = w.answers[1:]
			w.step(Input{Outcome: &o})
		case len(w.asks) > 0:
			o := w.platform.carryOut(w.asks[0])
			o.Ask = w.asks[0].ID
			w.asks = w.asks[1:]
			w.answers = append(w.answers, o)
		case snapshots < 3:
			snapshots++
			w.platform.snapshot() // the last word
			w.pass(70_000)
		case !w.sub.Idle():
			w.pass(5000)
		default:
			return
		}
	}
}

// check holds what we have, and what the apps were told, against the truth.
func (w *world) check() {
	if len(w.watcher.asked) > 0 {
		w.Fatalf("%d requests were never answered", len(w.watcher.asked))
	}
	for number, n := range w.platform.dials {
		if n > 1 {
			w.Fatalf("%s was dialled %d times", number, n)
		}
	}
	for _, in := range w.sub.Intents {
		if in.Open() {
			w.Fatalf("the dial request of %s is still open", in.Call)
		}
	}
	if len(w.sub.Calls) != len(w.platform.calls) {
		w.Fatalf("%d live calls, the platform has %d", len(w.sub.Calls), len(w.platform.calls))
	}
	for i := range w.sub.Calls {
		c := &w.sub.Calls[i]
		k := w.platform.find(c.ProviderID)
		if k < 0 {
			w.Fatalf("a ghost: %s", c.ProviderID)
		}
		f := w.platform.calls[k]
		want := map[Status]State{StatusAlerting: StateRinging, StatusActive: StateActive, StatusHeld: StateHeld, StatusRemoteHeld: StateActive}[f.Status]
		if f.Status == StatusAlerting && c.Phase == PhaseRetargeting {
			want = c.State // ringing does not come back
		}
		if f.Recording != c.recording() && f.Recording != RecordingUnknown { // which says nothing
			w.Fatalf("the recording of %s is %s, the platform says %s", c.ProviderID, c.recording(), f.Recording)
		}
		var part ParticipantFact
		if k := w.platform.part(c.ProviderID); k >= 0 {
			part = w.platform.conf[k]
		}
		if in := c.conference() != 0; in != (part.ProviderID != "") || in && (c.More.Muted != part.Muted || c.More.Deaf != part.Deaf) {
			w.Fatalf("%s takes part as %+v, the platform says %+v", c.ProviderID, c.More, part)
		}
		if c.State != want || c.RemoteHeld != (f.Status == StatusRemoteHeld) && c.State == StateActive {
			w.Fatalf("%s is %s (remote_held %v), the platform says %d", c.ProviderID, c.State, c.RemoteHeld, f.Status)
		}
	}
	for app, calls := range w.watcher.at {
		if !w.sub.LinkedTo(app) {
			for id, state := range calls {
				if state != StateReleased {
					w.Fatalf("%s was unlinked and not told that %s is over", app, id)
				}
			}
			continue
		}
		for i := range w.sub.Calls {
			if c := &w.sub.Calls[i]; calls[c.ID] != c.State {
				w.Fatalf("%s was told %s, the call is %s", app, calls[c.ID], c.State)
			}
		}
		for id, state := range calls {
			if state != StateReleased && w.sub.call(id) == nil {
				w.Fatalf("%s: %s never ended", app, id)
			}
		}
	}
}

// again does the same once more: it must come out the same.
func (w *world) again() {
	sub := &Subscriber{}
	for i := range w.inputs {
		if w.inputs[i].Restart {
			sub = reborn(sub)
		}
		var out Effects
		if err := Step(sub, &w.inputs[i], w.at[i], &out); err != nil {
			w.Fatal(err)
		}
		if out = plain(out); !reflect.DeepEqual(w.effects[i], out) {
			w.Fatalf("input %d came out as\n%+v\nand as\n%+v", i, w.effects[i], out)
		}
	}
}
