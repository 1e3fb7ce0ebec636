package engine

import "math/bits"

// asSpecified is what every platform does: the verbs of the specification.
var asSpecified = Verbs(VerbOriginate, VerbAnswer, VerbHold, VerbResume, VerbEnd)

func (p *Platform) verbs() VerbSet {
	if p == nil {
		return asSpecified
	}
	return p.Verbs
}

func (p *Platform) tellsAnswer() bool   { return p != nil && p.TellsAnswer }
func (p *Platform) tellsRetrieve() bool { return p != nil && p.TellsRetrieve }

// gate is what speaks against a verb of a call now: why not, or nothing. That
// the platform has the verb at all is another matter.
func (s *Subscriber) gate(v Verb, c *Call) string {
	r := &rules[v]
	switch {
	case !r.states.has(c.State), r.direction != DirectionNone && r.direction != c.Direction:
		return r.not
	case r.and != nil:
		return r.and(s, c)
	}
	return ""
}

// can is the verbs of a call that would work now: those that gate lets through.
func (s *Subscriber) can(c *Call) VerbSet {
	switch {
	case !c.State.Live():
		return 0
	case len(s.Calls) > 1 || s.Conference != nil || c.recording() != RecordingUnknown:
		return s.open(c) & s.platform.verbs()
	}
	// Most calls are the only one, and neither recorded nor in a conference.
	set := alone[c.State][c.Direction][c.Personality]
	if s.platform.tellsAnswer() && !c.AllowAnswer {
		set &^= 1 << VerbAnswer
	}
	if s.platform.tellsRetrieve() && !c.AllowRetrieve {
		set &^= 1 << VerbResume
	}
	return set & s.platform.verbs()
}

// open is what gate lets through.
func (s *Subscriber) open(c *Call) (set VerbSet) {
	for v := range Verb(numVerbs) {
		if rules[v].states != 0 && s.gate(v, c) == "" {
			set |= 1 << v
		}
	}
	return set
}

// alone is open of a call that nothing else is known of.
var alone [numStates][Outgoing + 1][ClickToDial + 1]VerbSet

func init() {
	for state := range alone {
		for d := range alone[state] {
			for p := range alone[state][d] {
				var s Subscriber
				alone[state][d][p] = s.open(&Call{State: State(state), Direction: Direction(d), Personality: Personality(p)}) // #nosec G115 -- of short arrays
			}
		}
	}
}

// Refresh brings what can be done with the live calls up to date with the
// platform, and reports whether that changed anything. Step does so by itself.
func (s *Subscriber) Refresh(p *Platform) (changed bool) {
	s.platform = p
	for i := range s.Calls {
		c := &s.Calls[i]
		if is := s.can(c); is != c.Can {
			c.Can, changed = is, true
		}
	}
	return changed
}

// VerbRow is a verb as people read of it.
type VerbRow struct {
	Verb      Verb
	Name      string // of the capability
	States    string // of the call, in which it works: active or held
	Direction string // of the call; empty for both
	When      string // what must be so besides; empty for nothing
}

// VerbTable lists the verbs of a call in the order of their numbers, which is
// the order of capabilities.
func VerbTable() (rows []VerbRow) {
	for v := range Verb(numVerbs) {
		if r := &rules[v]; r.states != 0 {
			rows = append(rows, VerbRow{Verb: v, Name: v.String(), States: r.states.String(), Direction: r.direction.String(), When: r.also})
		}
	}
	return rows
}

// verbWords are the names of verbs as they stand in a list of JSON.
var verbWords = func() (words [64]string) {
	for v := range words {
		words[v] = `"` + Verb(v).String() + `",` // #nosec G115 -- below 64
	}
	return words
}()

// appendVerbs appends capabilities as a list of their names.
func appendVerbs(b []byte, set VerbSet) []byte {
	if set == 0 {
		return append(b, `[]`...)
	}
	b = append(b, '[')
	for ; set != 0; set &= set - 1 {
		b = append(b, verbWords[bits.TrailingZeros64(uint64(set))&63]...)
	}
	b[len(b)-1] = ']'
	return b
}
