package engine

import "errors"

// Config is what the rules leave open. The zero Config is the design's.
type Config struct {
	Confirm     int64 // ms a command waits for the event that confirms it; zero means 2,000
	Refused     int64 // ms a refused command waits for the event that explains it; zero means 250
	OriginateIn int64 // ms a request waits for the outcome of an open originate; zero means 12,000
	Verify      int64 // ms without news after which a live call is looked for at the provider; zero means 600,000, a fifth of it while ringing
	Barrier     int64 // ms an app's stream waits for its 201 to be written, once that can be; zero means 5,000
	Apps        int   // linked apps per subscriber; zero means 32
}

var asDesigned = Config{Confirm: 2000, Refused: 250, OriginateIn: 12000, Verify: 600000, Barrier: 5000, Apps: 32}

// Filled is c with the design's values in the place of zeroes.
func (c Config) Filled() Config {
	d := asDesigned
	for _, f := range []struct {
		have *int64
		want int64
	}{{&d.Confirm, c.Confirm}, {&d.Refused, c.Refused}, {&d.OriginateIn, c.OriginateIn}, {&d.Verify, c.Verify}, {&d.Barrier, c.Barrier}} {
		if f.want != 0 {
			*f.have = f.want
		}
	}
	if c.Apps != 0 {
		d.Apps = c.Apps
	}
	return d
}

// EndedMemory is how long, in ms, a released call is still known (design §4).
const EndedMemory = 10 * 60 * 1000

const (
	maxEnded     = 16        // released calls kept for late mentions
	spareEnded   = 7         // kept besides, to be dropped together: each drop moves all that stay
	intentMemory = 60 * 1000 // ms a settled intent stays at hand; the store remembers keys longer
	maxCalls     = 128       // live calls of one subscriber; what is beyond waits for a snapshot
)

// transient is what a restart may forget.
type transient struct {
	config   *Config // filled; shared by many, and never changed
	inputs   uint64  // inputs stepped so far; stamps Call.touched
	nextAsk  uint64
	asks     []openAsk
	waiters  []waiter
	barriers []barrier
	compare  compare
	written  written
	slotted  uint16    // the slot, and 1; zero until it is needed
	platform *Platform // what the network can do, as of the last step

	conferred uint64 // inputs when a fact last spoke of the conference
}

// step is one call of Step: its arguments, and what they share.
type step struct {
	*Subscriber
	now     int64
	out     *Effects
	random  entropy
	wants   func(app string) *Wants
	kept    int  // where this step's begin among the calls that Effects keeps
	noted   int  // the same of traces
	heard   bool // the hash of an event is new in Source
	changed bool // something is to be stored of the subscriber

	sequence  uint32 // of the event, at the provider
	partsTold bool   // the conference itself is told of, beside the calls in it
}

var errNoInput = errors.New("engine: input with nothing in it")

// Configure sets what the rules leave open. It is called once, before Step. A
// config without zeroes is not copied: nobody may change it from then on.
func (s *Subscriber) Configure(c *Config) {
	if c.Confirm == 0 || c.Refused == 0 || c.OriginateIn == 0 || c.Verify == 0 || c.Barrier == 0 || c.Apps == 0 {
		is := c.Filled()
		c = &is
	}
	s.config = c
}

// Step applies one input to s and appends what it asks of the world to out.
// The same arguments always give the same results; on error both are unchanged.
func Step(s *Subscriber, in *Input, now int64, out *Effects) error {
	if s.config == nil {
		s.config = &asDesigned
	}
	st := step{Subscriber: s, now: now, out: out, random: entropy{in.Entropy[0], in.Entropy[1]}, wants: in.Wants, kept: len(out.calls), noted: len(out.traces)}
	s.inputs++
	if in.Platform != s.platform && s.Refresh(in.Platform) {
		out.Changed = true
	}
	if in.Shift != 0 {
		s.shift(in.Shift)
	}
	st.forget()
	switch {
	case in.Event != nil:
		st.event(in.Event)
	case in.Command != nil:
		st.command(in.Command)
	case in.Outcome != nil:
		st.outcome(in.Outcome)
	case in.Profile != nil:
		st.profile(in.Profile, in.Token)
	case in.Link != "":
		st.link(in.Link, in.Token)
	case in.Unlink != "":
		st.unlink(in.Unlink, in.Token)
	case in.Delete:
		st.delete(in.Token)
	case in.Handed != 0:
		st.handed(in.Handed)
	case in.Lift != 0:
		st.lift(in.Lift)
	case in.Resync:
		st.compare.marked = st.inputs
		st.wantSnapshot()
	case in.Restart:
		st.restart()
	case in.Tick:
	default:
		s.inputs--
		return errNoInput
	}
	st.due()
	if s.Refresh(s.platform) {
		out.Changed = true
	}
	st.put()
	out.Wake = st.wake()
	return nil
}

// Idle reports whether nothing is awaited: no command, ask or barrier is open.
// Only an idle subscriber without live calls may be forgotten between inputs.
func (s *Subscriber) Idle() bool {
	return len(s.asks) == 0 && len(s.waiters) == 0 && len(s.barriers) == 0 && !s.compare.wanted && !s.compare.inFlight()
}

// Stream finds what an app is told, or nil.
func (s *Subscriber) Stream(app string) *Stream {
	for i := range s.Streams {
		if s.Streams[i].App == app {
			return &s.Streams[i]
		}
	}
	return nil
}

// LinkedTo reports whether the app may see the subscriber.
func (s *Subscriber) LinkedTo(app string) bool {
	t := s.Stream(app)
	return t != nil && t.Linked && !s.Deleted
}

// restart begins a new life of the process: waiters, asks and barriers are
// gone with the old one. An originate that was open may have been carried out.
func (st *step) restart() {
	for i := range st.Streams {
		st.release(&st.Streams[i])
	}
	for i := range st.Calls {
		st.expectNews(&st.Calls[i])
		st.Calls[i].told = true // a snapshot from now on is younger than the answer to any dial request
	}
	// The provider renews its subscriptions when it starts, which brings exact
	// snapshots by itself; this is for when it does not.
	if len(st.Calls) > 0 || st.anyOpen() {
		st.wantSnapshot()
		st.compare.retryAt = st.now + comingMs
	}
	if !st.Deleted && st.ProviderUser != "" {
		st.out.Follow = User{st.Network, st.ProviderUser}
	}
	st.out.Changed = len(st.Calls) > 0
}

func (st *step) anyOpen() bool {
	for i := range st.Intents {
		if st.Intents[i].Open() {
			return true
		}
	}
	return false
}

// event applies what the provider told, unless it was told before.
func (st *step) event(ev *Event) {
	verdict := st.hear(ev)
	st.out.Verdict = verdict
	if verdict == EventDuplicate || verdict == EventIgnored {
		return
	}
	st.sequence, st.partsTold = ev.Sequence, ev.Conference != nil
	if ev.Kind == EventSnapshot {
		st.exactSnapshot(ev)
		return
	}
	for i := range ev.Facts {
		st.fact(&ev.Facts[i], ev.Kind, false)
	}
	if ev.Conference != nil {
		st.confer(ev.Conference, ev.Kind)
	}
	if verdict == EventGap {
		st.wantSnapshot()
	}
}

// forget drops what is too old to matter.
func (st *step) forget() {
	drop := 0
	if len(st.Ended) > maxEnded+spareEnded {
		drop = len(st.Ended) - maxEnded
	}
	for drop < len(st.Ended) && st.Ended[drop].age(st.now) >= EndedMemory {
		drop++
	}
	if drop > 0 {
		st.Ended = append(st.Ended[:0], st.Ended[drop:]...)
	}
	if len(st.Intents) == 0 {
		return
	}
	keep := st.Intents[:0]
	for _, in := range st.Intents {
		if in.Open() || in.age(st.now) < intentMemory {
			keep = append(keep, in)
		}
	}
	if len(keep) < len(st.Intents) {
		st.written.stale = true // not worth a write of its own
	}
	clear(st.Intents[len(keep):])
	st.Intents = keep
}
