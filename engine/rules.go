package engine

import "strings"

// rule is what the core knows of one verb of a call: when it works, what it is
// told, and what confirms it. The command that is refused and the capability
// that is not listed come from the same rule.
type rule struct {
	states    stateSet
	direction Direction // DirectionNone for both
	not       string    // why it does not work in another state, or direction
	// and is what else speaks against it, or nothing, for a call in one of the
	// states and of the direction.
	and  func(s *Subscriber, c *Call) string
	also string // when it has nothing against it, for people

	takes argument
	// reached reports whether the call is where the command wants it. It is nil
	// where nothing follows the provider's yes.
	reached func(s *Subscriber, c *Call, w *waiter) bool
}

// argument is what a verb is told beside its call.
type argument uint8

const (
	takesNothing argument = iota
	takesNumber           // Command.Number is a remote number
	takesExtension
	takesDigits
	takesCall  // Command.With is one call
	takesCalls // Command.With is one call, or several
)

// stateSet is a set of states.
type stateSet uint8

func inStates(all ...State) (s stateSet) {
	for _, state := range all {
		s |= 1 << state
	}
	return s
}

func (s stateSet) has(state State) bool { return s&(1<<state) != 0 }

// String is the states in words: active or held.
func (s stateSet) String() string {
	var words []string
	for state := StateRinging; state < numStates; state++ {
		if s.has(state) {
			words = append(words, state.String())
		}
	}
	return strings.Join(words, " or ")
}

const numVerbs = VerbGetConference + 1

var (
	whileLive      = inStates(StateRinging, StateActive, StateHeld)
	whileConnected = inStates(StateActive, StateHeld)
)

// rules are those of the verbs of a call, by verb. What has no states is not of
// a call.
var rules = [numVerbs]rule{
	VerbAnswer: {
		states: inStates(StateRinging), not: "only a ringing call can be answered", reached: isAnswered,
		and: mayAnswer, also: "incoming, or the subscriber's own phone rings for a call that was placed here",
	},
	VerbHold:   {states: inStates(StateActive), not: "only an active call can be held", reached: isIn(StateHeld)},
	VerbResume: {states: inStates(StateHeld), not: "only a held call can be resumed", and: mayResume, reached: isIn(StateActive)},
	VerbEnd:    {states: whileLive, not: "the call is over", reached: isIn(StateReleased)},

	VerbDecline:   whileRinging("only a ringing incoming call can be declined", takesNothing),
	VerbDivert:    whileRinging("only a ringing incoming call can be diverted", takesNumber),
	VerbVoicemail: whileRinging("only a ringing incoming call can be diverted", takesNothing),

	VerbTransfer:     toSendAway("only an active or held call can be transferred", takesNumber),
	VerbMuteTransfer: toSendAway("only an active or held call can be transferred", takesNumber),
	VerbConsult: {
		states: whileConnected, not: "only an active or held call can be transferred", takes: takesCall, reached: isSent,
		and: hasConsulted, also: "the subscriber has another call that is active, held or dialing",
	},
	VerbReconnect: {states: inStates(StateHeld), not: "only a held call can be reconnected", reached: isIn(StateActive)},
	VerbPark:      toSendAway("only an active or held call can be parked", takesExtension),
	VerbGroupPark: toSendAway("only an active or held call can be parked", takesNothing),
	VerbDTMF:      {states: inStates(StateActive), not: "only an active call takes digits", takes: takesDigits},

	VerbRecord: toRecord(RecordingStarted, "it is not being recorded", "the call is being recorded already",
		RecordingUnknown, RecordingStopped, RecordingFailed),
	VerbPauseRecording:  toRecord(RecordingPaused, "its recording runs", "only a recording that runs can be paused", RecordingStarted),
	VerbResumeRecording: toRecord(RecordingStarted, "its recording is paused", "only a paused recording can be resumed", RecordingPaused),
	VerbStopRecording:   toRecord(RecordingStopped, "it is being recorded", "the call is not being recorded", RecordingStarted, RecordingPaused),

	VerbConference: {
		states: whileConnected, not: "only active and held calls can be joined", takes: takesCalls, reached: isJoined,
		and: mayConfer, also: "the subscriber has another call like it, and no conference",
	},
	VerbMute:   ofParticipant("it is not muted", "the participant is muted already", isMuted, true),
	VerbUnmute: ofParticipant("it is muted", "the participant is not muted", isMuted, false),
	VerbDeaf:   ofParticipant("it is not deaf", "the participant is deaf already", isDeaf, true),
	VerbUndeaf: ofParticipant("it is deaf", "the participant is not deaf", isDeaf, false),
}

// whileRinging is a verb that turns away an incoming call.
func whileRinging(not string, takes argument) rule {
	return rule{states: inStates(StateRinging), direction: Incoming, not: not, takes: takes, reached: isSent}
}

// toSendAway is a verb after which the conversation goes on without the subscriber.
func toSendAway(not string, takes argument) rule {
	return rule{states: whileConnected, not: not, takes: takes, reached: isSent}
}

// toRecord is a verb that brings the recording of a call to another state, from
// one of those.
func toRecord(to Recording, also, not string, from ...Recording) rule {
	var set uint8
	for _, r := range from {
		set |= 1 << r
	}
	return rule{
		states: whileConnected, not: "only an active or held call can be recorded", also: also,
		and: func(_ *Subscriber, c *Call) string {
			if set&(1<<c.recording()) == 0 {
				return not
			}
			return ""
		},
		reached: func(_ *Subscriber, c *Call, _ *waiter) bool { return c.recording() == to },
	}
}

// ofParticipant is a verb that sets a flag of a call in the conference.
func ofParticipant(also, not string, flag func(m *More) bool, to bool) rule {
	return rule{
		states: whileLive, not: "the call is over", also: "it is in a conference, and " + also,
		and: func(_ *Subscriber, c *Call) string {
			switch {
			case c.conference() == 0:
				return "the call is in no conference"
			case flag(c.More) == to:
				return not
			}
			return ""
		},
		reached: func(_ *Subscriber, c *Call, w *waiter) bool {
			return c.State.Live() && c.conference() == w.conference && flag(c.More) == to
		},
	}
}

func isMuted(m *More) bool { return m.Muted }
func isDeaf(m *More) bool  { return m.Deaf }

func isIn(state State) func(*Subscriber, *Call, *waiter) bool {
	return func(_ *Subscriber, c *Call, _ *waiter) bool { return c.State == state }
}

// isSent: the call is over, and not because the far end hung up meanwhile, or
// whatever else may end a call.
func isSent(_ *Subscriber, c *Call, w *waiter) bool {
	return c.State == StateReleased && !w.refused && (w.taken || w.did)
}

func isAnswered(_ *Subscriber, c *Call, _ *waiter) bool {
	return c.State == StateActive || c.State == StateHeld ||
		c.Direction == Outgoing && c.State == StateRinging && c.Personality == Originator
}

// isJoined: the calls that are left of those that were to be joined are.
func isJoined(s *Subscriber, c *Call, w *waiter) bool {
	if s.Conference == nil || c.conference() != s.Conference.ID {
		return false
	}
	for _, id := range w.with {
		if o := s.call(id); o != nil && o.State.Live() && o.conference() != s.Conference.ID {
			return false
		}
	}
	return true
}

func mayAnswer(s *Subscriber, c *Call) string {
	switch {
	case c.Direction != Incoming && c.Personality != ClickToDial:
		return "an outgoing call is answered by the far end"
	case s.platform.tellsAnswer() && !c.AllowAnswer:
		return "the subscriber's phone cannot be made to answer this call"
	}
	return ""
}

func mayResume(s *Subscriber, c *Call) string {
	if s.platform.tellsRetrieve() && !c.AllowRetrieve {
		return "the subscriber's phone cannot be made to take this call back"
	}
	return ""
}

func hasConsulted(s *Subscriber, c *Call) string {
	if s.anyOther(c, consultable) {
		return ""
	}
	return "there is no other call to join it with"
}

// consultable is a call whose far end may be joined with another's: that one
// listens, or its phone rings.
func consultable(c *Call) bool {
	return c.State == StateActive || c.State == StateHeld ||
		c.State == StateRinging && c.Direction == Outgoing && c.Phase == PhaseDialing
}

func mayConfer(s *Subscriber, c *Call) string {
	switch {
	case s.Conference != nil:
		return "the subscriber has a conference already"
	case !s.anyOther(c, joinable):
		return "there is no other call to join it with"
	}
	return ""
}

func joinable(c *Call) bool {
	return (c.State == StateActive || c.State == StateHeld) && c.conference() == 0
}

func (s *Subscriber) anyOther(c *Call, is func(*Call) bool) bool {
	for i := range s.Calls {
		if o := &s.Calls[i]; o.ID != c.ID && is(o) {
			return true
		}
	}
	return false
}
