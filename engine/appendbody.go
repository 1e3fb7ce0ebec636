package engine

// AppendBody appends the body of a calls webhook as Step makes it for a change of
// state. It is for what measures it by itself.
func AppendBody(b []byte, app string, p *Profile, c *Call, seq uint64, eventID string, now int64) []byte {
	return appendNotification(b, typeState, app, p, c, seq, eventID, now)
}
