package engine

// compare is where a comparison with the provider stands. One snapshot per
// subscriber is asked for at a time.
type compare struct {
	wanted  bool   // a comparison is due
	tries   uint8  // failures in a row
	marked  uint64 // Subscriber.inputs when a stored mark asked for it; 0 for no mark
	doubt   uint64 // Subscriber.inputs when a dial request last ended with nobody knowing
	ask     uint64 // the snapshot being read; 0 for none
	coming  int64  // until when an exact snapshot is awaited on the event stream; 0 for not
	since   uint64 // Subscriber.inputs when it was asked for
	came    uint64 // Subscriber.inputs when the last exact one came
	retryAt int64  // not before
}

const (
	comingMs   = 5000  // how long an announced snapshot may take
	secondLook = 1000  // ms between the two misses that release a call
	maxRetry   = 60000 // ms between attempts at most
)

func (c *compare) inFlight() bool { return c.ask != 0 || c.coming != 0 }

func (c *compare) wake() int64 {
	switch {
	case c.coming != 0:
		return c.coming
	case c.wanted && c.ask == 0:
		return c.retryAt
	}
	return 0
}

// wantSnapshot asks for a comparison as soon as none is under way.
func (st *step) wantSnapshot() {
	if st.Deleted || st.ProviderUser == "" {
		return
	}
	st.compare.wanted = true
	if st.compare.retryAt == 0 {
		st.compare.retryAt = st.now
	}
}

// compareDue asks for the snapshot that is wanted.
func (st *step) compareDue() {
	c := &st.compare
	if c.coming != 0 && st.now >= c.coming {
		c.coming = 0
		st.snapshotFailed()
	}
	if !c.wanted || c.inFlight() || st.now < c.retryAt {
		return
	}
	c.wanted, c.retryAt = false, 0
	c.since = st.inputs
	c.ask = st.ask(Ask{Verb: VerbSnapshot}, 0)
}

// snapshotFailed tries again later, and ever later.
func (st *step) snapshotFailed() {
	c := &st.compare
	c.wanted = true
	wait := int64(1000) << min(c.tries, 6)
	c.retryAt = st.now + min(wait, maxRetry)
	if c.tries < 255 {
		c.tries++
	}
}

// polled takes a snapshot that was read call by call. It raced with events, so
// it judges only calls nothing touched since it was asked for.
func (st *step) polled(a openAsk, o *Outcome) {
	c := &st.compare
	if a.id != c.ask {
		return
	}
	c.ask = 0
	if o.Kind != OutcomeAccepted || o.Snapshot == nil {
		st.snapshotFailed()
		return
	}
	if o.Snapshot.Coming {
		if c.came > c.since {
			return // it was faster than the answer that announced it
		}
		c.coming = st.now + comingMs
		return
	}
	st.partsTold = o.Snapshot.Conference != nil
	st.diff(o.Snapshot.Facts, c.since, false)
	if o.Snapshot.Conference != nil && st.conferred <= c.since {
		st.confer(o.Snapshot.Conference, EventSnapshot)
	}
	st.compared(c.since)
}

// exactSnapshot takes all calls of the subscriber as of the event's number.
func (st *step) exactSnapshot(ev *Event) {
	c := &st.compare
	st.diff(ev.Facts, st.inputs, true)
	switch {
	case ev.Conference != nil:
		st.confer(ev.Conference, EventSnapshot)
	case !anyInConference(ev.Facts):
		st.lookForConference()
	}
	st.compared(st.inputs)
	c.coming, c.came = 0, st.inputs
	if !st.anyMissed() && c.since >= c.doubt {
		c.wanted, c.retryAt = false, 0
	}
}

// compared says that a snapshot was taken after input since: what was lost or
// in doubt before then is settled.
func (st *step) compared(since uint64) {
	c := &st.compare
	c.tries = 0
	// An exact snapshot may have been on its way when the call was dialled;
	// the one asked for since then was not.
	st.settleIntents(c.since >= c.doubt)
	if c.marked != 0 && since >= c.marked {
		c.marked = 0
		st.out.Put = append(st.out.Put, Record{Kind: RecordResynced, Subscriber: st.Subscriber})
	}
}

// diff turns the difference between our calls and a snapshot into transitions,
// all of them synthetic. Nothing is merged: what agrees stays as it is.
func (st *step) diff(facts []Fact, since uint64, exact bool) {
	seen := make(map[CallID]bool, len(facts))
	for i := range facts {
		f := &facts[i]
		m := st.match(f, facts)
		if on := triggerOf(f, EventSnapshot); on == OnDetached || on == OnReleased {
			// On its way out: never a new call, but it says how ours ended.
			if m.call != nil && (exact || m.call.touched <= since) {
				st.absorb(m.call, f, EventSnapshot, true)
			}
			continue
		}
		switch {
		case m.ambiguous:
			// Which of ours it was cannot be told, and a guess could put one
			// conversation in the place of another.
			st.first(f, nil, seen)
		case m.call != nil:
			seen[m.call.ID] = true
			m.call.missed = 0
			if exact && st.compare.inFlight() && m.call.touched <= st.compare.since {
				m.call.echoes = 0 // it was asked for after what we read
			}
			switch {
			case exact && m.call.echoes > 0 && st.echo(m.call, f, EventSnapshot, triggerOf(f, EventSnapshot)):
				// As it was before what we read.
			case exact:
				st.absorb(m.call, f, EventSnapshot, true)
			case m.call.touched <= since:
				st.read(m.call, f, EventSnapshot)
			}
		case m.ended != nil && !exact && m.ended.at > since:
			// Released while the snapshot was read.
		case m.ended != nil:
			st.first(f, m.ended, seen)
		default:
			st.first(f, nil, seen)
		}
	}
	for i := range st.Calls {
		c := &st.Calls[i]
		if seen[c.ID] || !exact && c.touched > since {
			continue
		}
		c.missed++
		// One exact snapshot is proof, but for a call only the answer to a dial
		// request named: the snapshot may be older than that answer.
		if exact && c.told || c.missed >= 2 {
			c.Synthetic = true
			st.enter(c, table[c.State][OnLost], OnLost, EventSnapshot, nil)
			st.confirm()
			continue
		}
		st.wantSnapshot()
		st.compare.retryAt = st.now + secondLook
	}
	st.sweep()
}

// first begins a call that a snapshot shows and we did not know.
func (st *step) first(f *Fact, replaces *Ended, seen map[CallID]bool) {
	n := len(st.Calls)
	st.begin(f, EventSnapshot, true, replaces)
	if len(st.Calls) > n { // nothing begins with a status nobody knows
		seen[st.Calls[n].ID] = true
	}
}

func anyInConference(facts []Fact) bool {
	for i := range facts {
		if facts[i].InConference == SaidYes {
			return true
		}
	}
	return false
}

func (st *step) anyMissed() bool {
	for i := range st.Calls {
		if st.Calls[i].missed > 0 {
			return true
		}
	}
	return false
}
