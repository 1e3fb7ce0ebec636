package broadworks

import "offhook/engine"

// maxParticipants is how many calls of a conference are read. BroadWorks has
// conferences of up to 15.
const maxParticipants = 64

// conferenceInfo is one conference element.
type conferenceInfo struct {
	state        callState // of which Active, Held and Released are used
	listed       bool      // the participants were named, all of them
	cut          bool      // there were more
	participants []participantInfo
}

type participantInfo struct {
	id          ref
	muted, deaf bool
}

// conferenceElement reads a conference: of an event, or by itself.
func (d *decoder) conferenceElement() error {
	c := &d.conference
	*c = conferenceInfo{participants: c.participants[:0]}
	d.doc.conference = c
	return d.children(func() (err error) {
		switch string(d.local) {
		case "state":
			var w []byte
			w, err = d.word()
			c.state = callStateOf(w)
		case "conferenceParticipantList":
			c.listed = true
			err = d.children(func() error { return d.participantChild(c) })
		default:
			err = d.participantChild(c) // one outside of a list says nothing of the others
		}
		return err
	})
}

func (d *decoder) participantChild(c *conferenceInfo) error {
	if string(d.local) != "conferenceParticipant" {
		return d.skip()
	}
	if len(c.participants) == maxParticipants {
		c.cut = true
		return d.skip()
	}
	var is participantInfo
	err := d.children(func() (err error) {
		switch string(d.local) {
		case "callId":
			is.id, err = d.field()
		case "muted", "mute":
			is.muted, err = d.truth()
		case "deaf", "deafened":
			is.deaf, err = d.truth()
		default:
			err = d.skip()
		}
		return err
	})
	if err == nil && !is.id.empty() {
		c.participants = append(c.participants, is)
	}
	return err
}

func (d *decoder) truth() (bool, error) {
	w, err := d.word()
	return isTrue(w), err
}

// conferenceFact is what the document says of a conference; nil when that is
// nothing. The state in it decides, the event's name only where there is none.
func (d *document) conferenceFact() *engine.ConferenceFact {
	c, hint := d.conference, d.payload&hintMask
	if d.kind != docEvent || d.payload.kind() != engine.EventConference {
		hint = 0
	}
	if c == nil && hint == 0 {
		return nil
	}
	if c == nil {
		c = &conferenceInfo{}
	}
	is := &engine.ConferenceFact{
		Over:    c.state == stateReleased || c.state == stateAbsent && hint == hintReleased,
		Held:    c.state == stateHeld || c.state == stateAbsent && hint == hintHeld,
		Partial: !c.listed || c.cut,
	}
	if d.kind == docConference && c.state == stateAbsent && len(c.participants) == 0 {
		is.Over = true // like the list of calls, it may be there and empty
	}
	if is.Over {
		is.Partial = false
	}
	for _, p := range c.participants {
		is.Participants = append(is.Participants, engine.ParticipantFact{ProviderID: d.text(p.id), Muted: p.muted, Deaf: p.deaf})
	}
	return is
}
