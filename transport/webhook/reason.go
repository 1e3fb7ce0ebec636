package webhook

// Reason says in fixed words why an attempt did not count; "" if it did.
func (o Outcome) Reason() string { return o.reason() }
