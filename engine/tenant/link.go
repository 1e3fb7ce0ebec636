package tenant

// LinkStatus is a network's condition: how events come from it.
type LinkStatus struct {
	State      string // down, up, gate_closed, duplicate
	Detail     string // for people; free of secrets and personal data
	Since      int64  // ms since the epoch
	Channels   int    // event streams that are up
	Followed   int    // subscribers whose events are wanted
	Subscribed int    // of these, whose events come
	Refused    int    // of these, whom the platform refuses
}
