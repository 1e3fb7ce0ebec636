package engine

import "strconv"

// ConferenceID is our own name for a conference, minted at first sight. Its low
// ten bits are the slot of the subscriber it belongs to. Zero is none.
type ConferenceID uint64

const conferencePrefix = "conference-"

// Append appends the id as text: conference-13467354071.
func (id ConferenceID) Append(b []byte) []byte {
	return strconv.AppendUint(append(b, conferencePrefix...), uint64(id), 10)
}

func (id ConferenceID) String() string { return string(id.Append(nil)) }

// Slot is the slot of the subscriber the conference belongs to.
func (id ConferenceID) Slot() uint16 { return uint16(id & (Slots - 1)) }

// ParseConferenceID reads an id back, in exactly the form String gives.
func ParseConferenceID(s string) (ConferenceID, bool) {
	if len(s) <= len(conferencePrefix) || s[:len(conferencePrefix)] != conferencePrefix {
		return 0, false
	}
	digits := s[len(conferencePrefix):]
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || n == 0 || digits[0] == '0' || digits[0] == '+' {
		return 0, false
	}
	return ConferenceID(n), true
}

// Conference is a subscriber's conference; a subscriber has one at a time. The
// calls in it are those whose More.Conference is its id.
//
// It is never changed: one to which something happens becomes another one, so
// that records can share it.
type Conference struct {
	ID         ConferenceID
	Held       bool   // the subscriber left it on hold
	Origin     string // app that asked for it; empty for none
	ClientRef  string // the app's own name for it
	CreatedAt  int64  // our clock, ms since the epoch; so is the next
	ReleasedAt int64  // zero while it lasts
}

// Over reports whether it has ended.
func (c *Conference) Over() bool { return c.ReleasedAt != 0 }

// ConferenceView is a conference as it was at some moment.
type ConferenceView struct {
	Conference
	Profile *Profile
	Can     VerbSet // VerbEndConference, where it would work now
	Calls   []Call  // in it, oldest first; none once it is over
}

// ViewConference is the subscriber's conference as it is now, or nil.
func (s *Subscriber) ViewConference() *ConferenceView {
	if s.Conference == nil {
		return nil
	}
	v := &ConferenceView{Conference: *s.Conference, Profile: s.Shown(), Can: s.platform.verbs() & Verbs(VerbEndConference)}
	for i := range s.Calls {
		if c := &s.Calls[i]; c.State.Live() && c.conference() == s.Conference.ID {
			v.Calls = append(v.Calls, *c)
		}
	}
	return v
}
