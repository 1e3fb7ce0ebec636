package engine

import "strconv"

// AppendConference appends a conference as the REST API shows it.
func AppendConference(b []byte, v *ConferenceView) []byte {
	b = append(b, `{"conference_id":"`...)
	b = v.ID.Append(b)
	b = append(b, `","subscriber_id":"`...)
	b = appendText(b, v.Profile.ID)
	b = append(b, `","state":"`...)
	b = append(b, v.State().String()...)
	b = append(b, `","client_ref":"`...)
	b = appendText(b, v.ClientRef)
	b = append(b, `","created_at":`...)
	b = strconv.AppendInt(b, v.CreatedAt, 10)
	b = appendTime(b, "released_at", v.ReleasedAt)
	b = append(b, `,"capabilities":`...)
	b = appendVerbs(b, v.Can)
	b = append(b, `,"participants":[`...)
	for i := range v.Calls {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendParticipant(b, &v.Calls[i])
	}
	return append(b, `]}`...)
}

func appendParticipant(b []byte, c *Call) []byte {
	b = append(b, `{"call_id":"`...)
	b = c.ID.Append(b)
	b = append(b, `","remote_number":"`...)
	b = appendText(b, c.RemoteNumber)
	b = append(b, `","remote_name":"`...)
	b = appendText(b, c.RemoteName)
	b = append(b, `","muted":`...)
	b = strconv.AppendBool(b, c.More != nil && c.More.Muted)
	b = append(b, `,"deaf":`...)
	b = strconv.AppendBool(b, c.More != nil && c.More.Deaf)
	b = append(b, `,"capabilities":`...)
	b = appendVerbs(b, c.Can)
	return append(b, '}')
}

// State is where the conference stands, in the words of calls.
func (c *Conference) State() State {
	switch {
	case c.Over():
		return StateReleased
	case c.Held:
		return StateHeld
	}
	return StateActive
}
