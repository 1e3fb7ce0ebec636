package engine

// Session joins the calls of a conversation, at whoever's phones, and stays
// when the provider's own id for it changes.
type Session uint64

// sessionOf is the session of a call at first sight: the halves of a
// conversation agree, since they share the tracking id. A call without one is a
// conversation of its own.
func sessionOf(network, trackingID string, id CallID) Session {
	if trackingID == "" {
		return Session(mixed(0, uint64(id)))
	}
	return Session(hashed(hashed(0, network), trackingID))
}

// session is that of the call. Older records do not have it.
func (c *Call) session() Session {
	if c.Session == 0 {
		return sessionOf("", c.TrackingID, c.ID)
	}
	return c.Session
}

// Append appends the session as apps see it: session- and 16 hex digits.
func (s Session) Append(b []byte) []byte {
	b = append(b, "session-0000000000000000"...)
	digits := (*[16]byte)(b[len(b)-16:])
	for i := 14; i >= 0; i -= 2 {
		digits[i], digits[i+1] = hex[s>>4&15], hex[s&15]
		s >>= 8
	}
	return b
}

// String is the session as apps see it.
func (s Session) String() string { return string(s.Append(nil)) }
