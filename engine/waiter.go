package engine

// waiter is one request that waits for its command to be confirmed. It exists
// before the provider is asked.
type waiter struct {
	token    uint64
	verb     Verb
	app      string
	call     CallID // zero for a conference as a whole
	deadline int64  // see expects
	stage    stage
	taken    bool   // the provider said yes
	refused  bool   // the provider said no
	did      bool   // the call ended, as the command's doing; see attribute
	detail   string // and why, in its words
	joined   bool   // an earlier request wanted the same; this one came in with it
	ask      uint64 // what the provider was asked; see openAsk

	number     string   // as the provider was told it, see Ask.Number
	with       []CallID // the other calls it is about
	conference ConferenceID
	clientRef  string // conference: the app's name for it
	parkedAt   string // park: where, as the provider said
	parked     *Call  // park: as the call ended, if its event came before the provider said where
}

// stage is how far a waiting command got.
type stage uint8

const (
	stageAsked    stage = iota // the provider was asked and has not answered
	stageAccepted              // it will be done: the event is awaited
	stageRefused               // it will not be done: an event may say why
	stageReadBack              // no event came: the call is read
)

// dials reports whether it waits for a 201, which its own outcome decides.
func (w *waiter) dials() bool { return w.verb == VerbOriginate || w.verb == VerbRetrieve }

// expects reports whether something has to come by the deadline: the outcome of
// a dial request, or the event that confirms a command. A command whose own
// outcome is open may still wait for its turn at the provider: nobody can say
// yet that it was taken, and its outcome always comes.
func (w *waiter) expects() bool {
	return w.dials() || w.stage == stageAccepted || w.stage == stageRefused
}

// about reports whether the command is about a call.
func (w *waiter) about(id CallID) bool { return w.call == id || has(w.with, id) }

func has(ids []CallID, id CallID) bool {
	for _, is := range ids {
		if is == id {
			return true
		}
	}
	return false
}

// meets reports whether two commands are about the same call.
func (w *waiter) meets(o *waiter) bool {
	if w.call != 0 && o.about(w.call) {
		return true
	}
	for _, id := range w.with {
		if o.about(id) {
			return true
		}
	}
	return false
}

// same reports whether two requests wish for the same. Digits that are sent
// twice are two wishes.
func (w *waiter) same(o *waiter) bool {
	if w.verb != o.verb || w.verb == VerbDTMF || w.number != o.number || w.conference != o.conference {
		return false
	}
	if w.verb == VerbEndConference {
		return true // whoever is in it by now
	}
	if len(w.with) != len(o.with) || w.call != o.call && w.verb != VerbConference {
		return false
	}
	for _, id := range o.with {
		if !w.about(id) {
			return false
		}
	}
	return w.about(o.call)
}

// readOf is the call that is read when no event confirms the command, or zero.
func (w *waiter) readOf(s *Subscriber) CallID {
	if w.verb != VerbEndConference {
		return w.call
	}
	for _, id := range w.with {
		if c := s.call(id); c != nil && c.State.Live() {
			return id
		}
	}
	return 0
}

// wantsItOver reports whether the call is to be released.
func (w *waiter) wantsItOver() bool {
	switch w.verb {
	case VerbEnd, VerbDecline, VerbDivert, VerbVoicemail, VerbTransfer, VerbMuteTransfer, VerbConsult, VerbPark, VerbGroupPark, VerbEndConference:
		return true
	}
	return false
}

// ofConference reports whether what the conference is like confirms the verb.
func ofConference(v Verb) bool {
	switch v {
	case VerbConference, VerbMute, VerbUnmute, VerbDeaf, VerbUndeaf, VerbEndConference:
		return true
	}
	return false
}
