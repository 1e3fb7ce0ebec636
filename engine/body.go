package engine

import "strconv"

// The JSON of the contract. It is appended field by field, since it is written
// once for each transition and app; the names are the specification's.

// The types of notification, the additive field "type".
const (
	typeState       = "call.state"             // a call changed its state
	typeDetail      = "call.detail"            // something finer changed; the state stands
	typeTransferred = "call.transferred"       // the same: the far end transferred us
	typeForwarded   = "call.forwarded"         // the same: the one we called has our call forwarded
	typePickedUp    = "call.picked_up"         // the same: somebody picked up where it rang
	typeRetrieved   = "call.retrieved"         // the same: it took back a parked call
	typeRecording   = "call.recording"         // the same: of its recording
	typeConference  = "call.conference"        // the same: of its part in a conference
	typeGap         = "stream.gap"             // events that were kept too long were given up
	typeProvisioned = "subscriber.provisioned" // the app may follow a subscriber now
)

// AppendCall appends a call object as the REST API shows it: the
// specification's seven fields in its order, then state, then the rest.
func AppendCall(b []byte, p *Profile, c *Call) []byte {
	b = append(b, `{"subscriber_id":"`...)
	b = appendText(b, p.ID)
	b = append(b, `","subscriber_number":"`...)
	b = appendText(b, or(c.SubscriberNumber, p.Number))
	b = append(b, `","remote_number":"`...)
	b = appendText(b, c.RemoteNumber)
	b = append(b, `","subscriber_name":"`...)
	b = appendText(b, or(c.SubscriberName, p.Name))
	b = append(b, `","remote_name":"`...)
	b = appendText(b, c.RemoteName)
	b = append(b, `","call_id":"`...)
	b = c.ID.Append(b)
	b = append(b, `","direction":"`...)
	b = append(b, c.Direction.String()...)
	b = append(b, `","state":"`...)
	b = append(b, c.State.String()...)
	b = appendDetail(b, c)
	b = append(b, `,"created_at":`...)
	b = strconv.AppendInt(b, c.CreatedAt, 10)
	b = appendTime(b, "answered_at", c.AnsweredAt)
	b = appendTime(b, "held_at", c.HeldAt)
	b = appendTime(b, "released_at", c.ReleasedAt)
	return append(b, '}')
}

// Write makes the id and the body of a notification that Step emitted, for who
// keeps it beyond the Effects it is in. One that was read has both.
func (n *Notification) Write() {
	if n.typ != "" {
		n.EventID, n.Body = n.id.String(), n.AppendBody(nil)
		n.typ, n.id, n.profile, n.call = "", eventID{}, nil, nil
	}
}

// AppendEventID appends the id.
func (n *Notification) AppendEventID(b []byte) []byte {
	if n.typ == "" {
		return append(b, n.EventID...)
	}
	return n.id.append(b)
}

// AppendBody appends the body.
func (n *Notification) AppendBody(b []byte) []byte {
	switch n.typ {
	case "":
		return append(b, n.Body...)
	case typeProvisioned:
		return appendProvisioned(b, n)
	}
	return appendNotification(b, n)
}

// appendNotification appends the body of a calls webhook: all fields of the
// specification, always, then the additive ones.
func appendNotification(b []byte, n *Notification) []byte {
	p, c := n.profile, n.call
	b = appendWhose(b, n)
	b = append(b, `","subscriber_number":"`...)
	b = appendText(b, or(c.SubscriberNumber, p.Number))
	b = append(b, `","subscriber_name":"`...)
	b = appendText(b, or(c.SubscriberName, p.Name))
	b = append(b, `","subscriber_account_id":"`...)
	b = appendText(b, p.AccountID)
	b = append(b, `","remote_number":"`...)
	b = appendText(b, c.RemoteNumber)
	b = append(b, `","remote_name":"`...)
	b = appendText(b, c.RemoteName)
	b = append(b, `","call_id":"`...)
	b = c.ID.Append(b)
	b = append(b, `","sequence_number":"`...)
	b = strconv.AppendUint(b, n.Sequence, 10)
	b = append(b, `","direction":"`...)
	b = append(b, c.Direction.String()...)
	b = append(b, `","state":"`...)
	b = append(b, c.State.String()...)
	b = append(b, `","timestamp":`...)
	b = strconv.AppendInt(b, n.Time, 10)
	b = append(b, `,"event_id":"`...)
	b = n.id.append(b)
	b = append(b, `","type":"`...)
	b = append(b, n.typ...)
	b = appendDetail(b, c)
	return append(b, '}')
}

// appendProvisioned appends the body of a subscriber webhook.
func appendProvisioned(b []byte, n *Notification) []byte {
	p := n.profile
	b = appendWhose(b, n)
	b = append(b, `","subscriber_number":"`...)
	b = appendText(b, p.Number)
	b = append(b, `","subscriber_name":"`...)
	b = appendText(b, p.Name)
	b = append(b, `","subscriber_account_id":"`...)
	b = appendText(b, p.AccountID)
	b = append(b, `","network_id":"`...)
	b = appendText(b, p.Network)
	b = append(b, `","event_id":"`...)
	b = n.id.append(b)
	b = append(b, `","type":"`...)
	b = append(b, typeProvisioned...)
	b = append(b, `","timestamp":`...)
	b = strconv.AppendInt(b, n.Time, 10)
	return append(b, '}')
}

// appendWhose begins a body. The last string is left open.
func appendWhose(b []byte, n *Notification) []byte {
	b = append(b, `{"app_id":"`...)
	b = appendText(b, n.App)
	b = append(b, `","subscriber_id":"`...)
	return appendText(b, n.profile.ID)
}

// appendDetail ends the string that stands open in b and goes on behind it.
func appendDetail(b []byte, c *Call) []byte {
	b = append(b, `","phase":"`...)
	b = append(b, c.Phase.String()...)
	b = append(b, `","cause":"`...)
	if c.State == StateReleased {
		b = append(b, c.Cause.String()...)
	}
	b = append(b, `","releasing_party":"`...)
	b = append(b, c.Party.String()...)
	b = append(b, `","remote_held":`...)
	b = strconv.AppendBool(b, c.RemoteHeld)
	b = append(b, `,"synthetic":`...)
	b = strconv.AppendBool(b, c.Synthetic)
	b = append(b, `,"provider_call_id":"`...)
	b = appendText(b, c.ProviderID)
	b = append(b, `","replaces":"`...)
	if c.Replaces != 0 {
		b = c.Replaces.Append(b)
	}
	b = append(b, `","capabilities":`...)
	b = appendVerbs(b, c.Can)
	b = append(b, `,"session_id":"`...)
	b = c.session().Append(b)
	b = append(b, `","client_ref":"`...)
	if c.More != nil {
		b = appendMore(b, c.More, c.State)
	} else {
		b = append(b, '"')
	}
	if c.State == StateReleased {
		b = appendDurations(b, c)
	}
	return b
}

// appendMore ends the client_ref that stands open in b and goes on with what
// few calls have.
func appendMore(b []byte, m *More, state State) []byte {
	b = appendText(b, m.ClientRef)
	b = append(b, '"')
	if m.ReplacedBy != 0 {
		b = append(b, `,"replaced_by":"`...)
		b = m.ReplacedBy.Append(b)
		b = append(b, '"')
	}
	for i := range m.Diversion {
		if i == 0 {
			b = append(b, `,"diversion":[`...)
		} else {
			b = append(b, `},`...)
		}
		b = append(b, `{"remote_number":"`...)
		b = appendText(b, m.Diversion[i].Number)
		b = append(b, `","remote_name":"`...)
		b = appendText(b, m.Diversion[i].Name)
		b = append(b, `","reason":"`...)
		b = appendText(b, m.Diversion[i].Reason)
		b = append(b, '"')
	}
	if len(m.Diversion) > 0 {
		b = append(b, `}]`...)
	}
	b = appendWord(b, "redirected_to", m.RedirectedTo)
	b = appendWord(b, "parked_at", m.ParkedAt)
	b = appendWord(b, "recall", m.Recall.String())
	b = appendWord(b, "recording", m.Recording.String())
	if m.Conference != 0 {
		b = append(b, `,"conference_id":"`...)
		b = m.Conference.Append(b)
		b = append(b, '"')
		if state.Live() {
			b = append(b, `,"muted":`...)
			b = strconv.AppendBool(b, m.Muted)
			b = append(b, `,"deaf":`...)
			b = strconv.AppendBool(b, m.Deaf)
		}
	}
	return b
}

// appendDurations appends how long a call that is over rang, was talked on and
// was held: the differences of the times that were told of it.
func appendDurations(b []byte, c *Call) []byte {
	rang, talked := c.ReleasedAt-c.CreatedAt, int64(0)
	if c.AnsweredAt != 0 {
		rang, talked = c.AnsweredAt-c.CreatedAt, c.ReleasedAt-c.AnsweredAt-c.HeldFor
	}
	b = append(b, `,"answered":`...)
	b = strconv.AppendBool(b, c.AnsweredAt != 0)
	b = append(b, `,"ring_ms":`...)
	b = strconv.AppendInt(b, max(rang, 0), 10)
	b = append(b, `,"talk_ms":`...)
	b = strconv.AppendInt(b, max(talked, 0), 10)
	b = append(b, `,"held_ms":`...)
	return strconv.AppendInt(b, c.HeldFor, 10)
}

func appendWord(b []byte, key, word string) []byte {
	if word == "" {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, key...)
	b = append(b, `":"`...)
	b = appendText(b, word)
	return append(b, '"')
}

func appendTime(b []byte, key string, ms int64) []byte {
	if ms == 0 {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, key...)
	b = append(b, `":`...)
	return strconv.AppendInt(b, ms, 10)
}

func or(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}
