package engine

import "strconv"

// The JSON of the contract. It is appended field by field, since it is written
// once for each transition and app; the names are the specification's.

// The types of notification, the additive field "type".
const (
	typeState       = "call.state"             // a call changed its state
	typeDetail      = "call.detail"            // something finer changed; the state stands
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
